"""Picture files without labels: single ones, or those directly in a folder. They can be predicted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.value_range import PLAIN, ValueRange
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.dataset import Skipped
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import WHITE
from picturewise.data.pictures.decode import Form
from picturewise.data.pictures.decode_files import decode_each, look_at_each
from picturewise.data.pictures.pixels import DEEP
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.deep_pictures import find_scale
from picturewise.errors import DataError, PictureError
from picturewise.file_names import path_of, text_of
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SplitName

OBEYED = ("value_range",)
"""The hints that apply to picture files without labels."""


@dataclass(frozen=True)
class LoosePictures:
    """Picture files, see `Source`; they are decoded when they are asked for, and not imported.

    Attributes:
        files: with their names in messages and predictions; or the content of one.
        place: where they are, or the first of them.
        left_out: what is beside them and is not read.
    """

    files: tuple[Path | bytes, ...]
    place: str
    left_out: tuple[Skipped, ...] = ()
    complete = True
    splits: tuple[SplitName, ...] = ("train",)
    hints: Hints = NO_HINTS

    @property
    def name(self) -> str:
        """The folder's name, or the first file's."""
        return slug(path_of(self.place))

    def with_more(self, other: LoosePictures) -> LoosePictures:
        """Return the pictures of both."""
        return replace(self, files=self.files + other.files, left_out=self.left_out + other.left_out)

    def read(
        self, splits: Collection[SplitName], options: ReadOptions, progress: Progress | None = None
    ) -> Reading:
        """Return the pictures in colour, in the size that the options ask for; see `Source.read`.

        Raises:
            DataError: no size is given, or files cannot be read and must not be left out.
        """
        del splits
        if options.size is None:
            raise DataError(
                f"{printable(self.place)} contains pictures without labels. To train on them, arrange them as "
                f"{printable(self.place)}/<class>/<picture>."
            )
        images, errors, scale = self.decoded(options.size, options, progress)
        names = [*self.names]
        bad = tuple(Skipped(names[index], error.reason) for index, error in sorted(errors.items()))
        check_bad(bad, len(names), skip_bad=options.skip_bad)
        good = [index for index in range(len(names)) if index not in errors]
        pictures = ImageSet(images, None, (), printable(self.place), names)
        kept = pictures.select(np.array(good, np.int64)) if bad else pictures
        part = Part(kept, skipped=(*bad, *self.left_out))
        notes = () if scale is None else scale.notes
        values = None if scale is None else scale.kept
        return Reading({"train": part}, notes, background=options.background or WHITE, values=values)

    @property
    def names(self) -> tuple[str, ...]:
        """What each is called: its path, or its number where only its content is known."""
        return tuple(
            text_of(file) if isinstance(file, Path) else f"picture {number:,}"
            for number, file in enumerate(self.files, 1)
        )

    def decoded(
        self, size: tuple[int, int], options: ReadOptions, progress: Progress | None = None
    ) -> tuple[NDArray[np.uint8], dict[int, PictureError], ValueRange | None]:
        """Return the pictures (N, H, W, 3) at a size, by index why one cannot be used, and the range of deep ones.

        Raises:
            DataError: there is not enough memory, or nobody can know the range.
        """
        done = 0

        def tick(more: int) -> None:
            nonlocal done
            done += more
            if progress is not None and more:
                progress(done, len(self.files))

        # Always in colour: whether some have colours is known only after all have been opened.
        background = options.background or WHITE  # a classifier's, because these are to be predicted
        form = Form(*size, 3, options.resize, background=background)
        images, errors = decode_each(self.files, form, tick)
        return images, errors, self._decode_deep(images, errors, form, options)

    def _decode_deep(
        self,
        images: NDArray[np.uint8],
        errors: dict[int, PictureError],
        form: Form,
        options: ReadOptions,
    ) -> ValueRange | None:
        """Decode the files whose numbers have more than 8 bits, in one range; return the range if there are any."""
        deep = [index for index, error in errors.items() if error.reason == DEEP]
        said = self.hints.value_range
        if not deep and (said is None or len(errors) == len(self.files)):
            return None
        files = [self.files[index] for index in deep or range(len(self.files))]
        looks = look_at_each(files, lambda _: None)
        learned = None if options.learned == PLAIN else options.learned
        scale = find_scale(looks, printable(self.place), said=said, learned=learned)
        if scale is None:  # the files have changed in the meantime
            return None
        values = (scale.low, scale.high)
        more, bad = decode_each(files, form._replace(values=values), lambda _: None)
        for place, index in enumerate(deep):
            images[index] = more[place]
            del errors[index]
            if place in bad:
                errors[index] = bad[place]
        return scale


def check_bad(bad: Sequence[Skipped], files: int, *, skip_bad: bool) -> None:
    """Check that some of so many files can be used, and that the `bad` ones may be left out.

    Raises:
        DataError: it is not so.
    """
    if len(bad) == files:
        raise DataError(
            f"None of the {files} files can be read as a picture; the first is {bad[0].path}: {bad[0].reason}."
        )
    if bad and not skip_bad:
        raise DataError(
            f"{len(bad)} of {files} files cannot be read as pictures; the first is {bad[0].path}: "
            f"{bad[0].reason}. Leave them out with --skip-bad."
        )
