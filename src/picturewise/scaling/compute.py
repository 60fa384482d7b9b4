"""Computing a part: decode, predict, and write; the same bytes whoever computes it.

The network computes the pictures of `BATCH` rows at a time, counted from the start of the part, in one thread. So
neither the number of workers nor that of cores changes a bit of the result.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.value_range import PLAIN
from picturewise.data.hints import parse_value_range
from picturewise.data.pictures.decode import Form
from picturewise.data.pictures.decode_files import decode_each
from picturewise.data.pictures.pixels import DEEP
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.prediction.classifier import Classifier
from picturewise.scaling.plan import BATCH
from picturewise.scaling.rows import InputRow
from picturewise.untrusted.confined.pool import KeptChildren
from picturewise.untrusted.confined.protocol import Item

_PIXELS = 16 << 20  # bytes of decoded pictures in memory
_BYTES = 32 << 20  # of encoded ones
_MOST_ROWS = 4096

Tick = Callable[[int], None]


class ComputedRows(NamedTuple):
    """Some consecutive rows of a part.

    Attributes:
        rows: the N rows.
        errors: why each cannot be used (N,); empty if it can.
        good: (G,) the indices of those that can.
        images: their pictures (G, H, W, C) as the classifier takes them.
        probabilities: (G, outputs) float32.
    """

    rows: Sequence[InputRow]
    errors: Sequence[str]
    good: NDArray[np.int64]
    images: NDArray[np.uint8]
    probabilities: NDArray[np.float32]


class Computing:
    """A classifier with the children that decode for it.

    Args:
        classifier: computed by one thread.
        value_range: the values of black and white in pictures of more than 8 bits; None: those of the classifier.
    """

    def __init__(self, classifier: Classifier, value_range: str | None) -> None:
        self.classifier = classifier
        description = classifier.description
        height, width, channels = description.shape
        mode = mode_for(description.resize, sequences=False)
        self._form = Form(height, width, channels, mode, background=description.background)
        self._deep: Form | None = None
        values = description.values if value_range is None else parse_value_range(value_range)
        if values is not None and values != PLAIN:
            self._deep = self._form._replace(values=values)
        self._children, self._for_deep = KeptChildren(1), KeptChildren(1)
        step = _PIXELS // (height * width * channels * BATCH) * BATCH
        self._rows = min(max(step, BATCH), _MOST_ROWS)

    def each(self, rows: Iterator[InputRow], tick: Tick) -> Iterator[ComputedRows]:
        """Yield the predictions for rows, many at a time.

        Args:
            rows: of a part.
            tick: called with the number of rows that were finished.

        Raises:
            DataError: the rows cannot be read.
            RunError: the network gives NaN or infinity for a picture.
        """
        while True:
            block, images, errors = self._decoded(rows)
            if not block:
                return
            yield self._predicted(block, images, errors)
            tick(len(block))

    def close(self) -> None:
        """End the children."""
        self._children.close()
        self._for_deep.close()

    def _decoded(self, rows: Iterator[InputRow]) -> tuple[list[InputRow], NDArray[np.uint8], dict[int, str]]:
        """Return the next rows, their pictures, and by index why one cannot be used."""
        block = list[InputRow]()
        images = np.empty((self._rows, self._form.height, self._form.width, self._form.channels), np.uint8)
        errors = dict[int, str]()
        while len(block) < self._rows:
            piece, size, first = list[InputRow](), 0, len(block)
            for row in rows:
                piece.append(row)
                size += row.size
                if first + len(piece) == self._rows or size > _BYTES:
                    break
            if not piece:
                break
            self._decode(piece, first, images, errors)
            block += [row._replace(item=b"") for row in piece]  # the content is no longer needed
        return block, images[: len(block)], errors

    def _decode(
        self, piece: Sequence[InputRow], first: int, images: NDArray[np.uint8], errors: dict[int, str]
    ) -> None:
        """Decode rows into the pictures from `first` on."""
        wanted = [index for index, row in enumerate(piece) if not row.error]
        errors |= {first + index: row.error for index, row in enumerate(piece) if row.error}
        refused = self._into(piece, wanted, first, images, self._form, self._children)
        deep = [index for index, reason in refused.items() if reason == DEEP]
        if deep and self._deep is not None:
            for index in deep:
                del refused[index]
            refused |= self._into(piece, deep, first, images, self._deep, self._for_deep)
        errors |= {first + index: reason for index, reason in refused.items()}

    def _into(
        self,
        piece: Sequence[InputRow],
        wanted: Sequence[int],
        first: int,
        images: NDArray[np.uint8],
        form: Form,
        children: KeptChildren,
    ) -> dict[int, str]:
        """Decode some rows, and return by index why one cannot be."""
        if not wanted:
            return {}
        items: list[Item] = [piece[index].item for index in wanted]
        whole = len(wanted) == len(piece)

        def allocate(count: int, *_: object) -> NDArray[np.uint8]:
            return images[first : first + count] if whole else np.empty((count, *images.shape[1:]), np.uint8)

        found, refused = decode_each(items, form, lambda _: None, allocate=allocate, kept=children)
        if not whole:
            images[[first + index for index in wanted]] = found
        return {wanted[place]: error.reason for place, error in refused.items()}

    def _predicted(
        self, block: list[InputRow], images: NDArray[np.uint8], errors: dict[int, str]
    ) -> ComputedRows:
        good = np.array([index for index in range(len(block)) if index not in errors], np.int64)
        pictures = images if len(good) == len(block) else images[good]
        outputs = self.classifier.description.target.outputs
        probabilities = np.empty((len(good), outputs), np.float32)
        edges = np.searchsorted(good, np.arange(0, len(block) + BATCH, BATCH))
        for start, stop in itertools.pairwise(edges):
            if start < stop:
                names = [f"{block[index].path}, row {block[index].number}" for index in good[start:stop]]
                probabilities[start:stop] = self.classifier.probabilities(pictures[start:stop], names)
        told = [errors.get(index, "") for index in range(len(block))]
        return ComputedRows(block, told, good, pictures, probabilities)
