"""Reading rows of symbols with a classifier of single symbols that is moved over them; see `row_lattice`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.lazy_rows import Pictures
from picturewise.data.pictures.cut import Spacing
from picturewise.data.pictures.resize import resize
from picturewise.errors import UsageError
from picturewise.names import listed
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.row_lattice import read_row
from picturewise.targets.places import Places
from picturewise.targets.sequences import is_sequences

COLUMNS = 16
"""Columns in each height of a row."""
USUAL = Spacing(side=1.0, edge=(0.5, 0.15), pitch=(0.5, 0.15))
"""For classifiers that were not trained on boxes: the symbols fill the row, and are half as wide as it is high."""
_WINDOWS_AT_ONCE = 1 << 12


def slide(classifier: Classifier, rows: Pictures, target: Places, *, padded: bool) -> NDArray[np.float32]:
    """Return the probabilities (N, outputs) of lengths and symbols, see `Places`, of pictures of rows.

    The classifier sees a square window around the middle of each column, cut off at the edges of the row as the symbols
    that it was trained on were, and prepared like any of its pictures. Where symbols are in a row is known from the
    boxes of its training pictures; without boxes, it is `USUAL`.

    Args:
        classifier: of single symbols: its classes are one character each, in any order.
        rows: (N, H, W, C) uint8, each filled by its row of symbols, and with its own proportions.
        target: the alphabet and the places of the result. A symbol that the classifier does not know is never read.
        padded: black rows and columns at the edges are padding, and are left out.

    Raises:
        UsageError: the classes are not symbols of the alphabet.
        DataError, RunError: as for `Classifier.logits`.
    """
    check_symbols(classifier, target.classes)
    cut = classifier.description.cut
    spacing = USUAL if cut is None or cut.spacing is None else cut.spacing
    order = [target.classes.index(name) for name in classifier.classes]
    found = np.empty((len(rows), target.outputs), np.float32)
    waiting: list[tuple[int, float, list[NDArray[np.uint8]]]] = []

    def read_waiting() -> None:
        windows = np.concatenate([np.stack(some) for _, _, some in waiting])
        seen = classifier.probabilities(windows).astype(np.float64)
        start = 0
        for at, width, some in waiting:
            shares = np.zeros((len(some), len(target.classes)))
            shares[:, order] = seen[start : start + len(some)]
            start += len(some)
            with np.errstate(divide="ignore"):  # of a symbol that it does not know
                lengths, symbols = read_row(np.log(shares), width, spacing, target.places)
            found[at] = np.concatenate([[0.0], lengths, [0.0], symbols.reshape(-1)])
        waiting.clear()

    for at in range(len(rows)):
        row = np.asarray(rows[at])
        row = without_padding(row) if padded else row
        waiting.append((at, row.shape[1] / row.shape[0], list(_windows(row, spacing.side, classifier))))
        if sum(len(some) for _, _, some in waiting) >= _WINDOWS_AT_ONCE or at + 1 == len(rows):
            read_waiting()
    return found


def check_symbols(classifier: Classifier, alphabet: tuple[str, ...]) -> None:
    """Check that a classifier's classes are symbols of an alphabet.

    Raises:
        UsageError: they are not, or it reads sequences.
    """
    if is_sequences(classifier.description.target):
        raise UsageError(
            "This classifier reads sequences, so it cannot be moved over pictures. Pass one of single symbols."
        )
    strange = [name for name in classifier.classes if name not in alphabet]
    if strange:
        raise UsageError(
            f"The classifier has the classes {listed(strange)}, which are not symbols of the sequences "
            f"({listed(alphabet)}). Train it on single symbols."
        )


def without_padding(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (H, W, C) without the rows and columns at its edges that are wholly black.

    >>> without_padding(np.array([[0, 0, 0], [0, 9, 7], [0, 0, 0]], np.uint8)[:, :, None])[:, :, 0].tolist()
    [[9, 7]]
    """
    rows, columns = (np.flatnonzero(picture.any(axis=others)) for others in ((1, 2), (0, 2)))
    if not len(rows):
        return picture
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _windows(row: NDArray[np.uint8], side: float, classifier: Classifier) -> Iterator[NDArray[np.uint8]]:
    """Yield what the classifier sees at each column of a row (H, W, C), in its size."""
    height, width, _ = row.shape
    count = max(1, round(COLUMNS * width / height))
    square = side * height
    top, bottom = _from_to(height / 2, square, height)
    for column in range(count):
        left, right = _from_to((column + 0.5) * width / count, square, width)
        window = row[top:bottom, left:right]
        yield resize(window, classifier.description.shape[:2], mode=classifier.description.resize)


def _from_to(middle: float, side: float, most: int) -> tuple[int, int]:
    """Return the whole pixels of a side around a place, cut off at 0 and at `most`; at least one."""
    first = min(max(0, math.floor(middle - side / 2 + 0.5)), most - 1)
    return first, max(first + 1, min(most, math.floor(middle + side / 2 + 0.5)))
