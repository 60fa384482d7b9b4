"""Picture files without labels: single ones, or those in folders. They can be predicted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.value_range import PLAIN, ValueRange
from picturewise.data.contract import Block, Part, Progress, Reading, pictures_at_once
from picturewise.data.dataset import Skipped
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import WHITE
from picturewise.data.pictures.decode import Form
from picturewise.data.pictures.decode_files import Look, decode_each, look_at_each
from picturewise.data.pictures.pixels import DEEP
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.deep_pictures import find_scale
from picturewise.data.readers.files_in import FilesIn, Paper
from picturewise.errors import DataError, PictureError
from picturewise.file_names import path_of, text_of
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SplitName

OBEYED = ("value_range",)
"""The hints that apply to picture files without labels."""
_FIRST = 256
"""Files of the first block, so that results appear soon; each further block has twice as many, up to what fits."""

Files = Sequence[Path | bytes] | FilesIn
FindScale = Callable[[], ValueRange | None]


@dataclass(frozen=True)
class LoosePictures:
    """Picture files, see `Source`; they are decoded when they are asked for, and not imported.

    Attributes:
        parts: files with their names in messages and predictions, the content of some, and folders.
        place: where they are, or the first of them.
        called: the name of the only one, if only its content is known.
    """

    parts: tuple[Files, ...]
    place: str
    called: str | None = None
    complete = True
    splits: tuple[SplitName, ...] = ("train",)
    hints: Hints = NO_HINTS

    @property
    def name(self) -> str:
        """The folder's name, or the first file's."""
        return slug(path_of(self.place))

    @property
    def files(self) -> Iterator[Path | bytes]:
        """The files, in order; folders are read from the disk each time."""
        return (file for file in self._all() if isinstance(file, Path | bytes))

    def read(
        self, splits: Collection[SplitName], options: ReadOptions, progress: Progress | None = None
    ) -> Reading:
        """Return the pictures in colour, in the size that the options ask for; see `Source.read`.

        Raises:
            DataError: no size is given, or files cannot be read and must not be left out.
        """
        del splits
        size = self._required_size(options)
        found = list(self._all())
        files = [file for file in found if isinstance(file, Path | bytes)]
        images, errors, scale = decoded(
            files, size, options, self.place, said=self.hints.value_range, progress=progress
        )
        names = self._names(files, 0)
        bad = tuple(Skipped(names[index], error.reason) for index, error in sorted(errors.items()))
        check_bad(bad, len(names), skip_bad=options.skip_bad)
        kept = self._good(images, names, errors)
        part = Part(kept, skipped=(*bad, *(item for item in found if isinstance(item, Skipped))))
        notes = (*(() if scale is None else scale.notes), *self._on_papers(found))
        values = None if scale is None else scale.kept
        return Reading({"train": part}, notes, background=options.background or WHITE, values=values)

    def blocks(self, options: ReadOptions) -> Iterator[Block]:
        """Yield the pictures as `read` returns them, some at a time, and with the files that cannot be used.

        Raises:
            DataError: as for `read`, except that files that cannot be read are not an error.
        """
        size = self._required_size(options)
        scale = _Scale(self, options)
        first, most = 0, pictures_at_once((*size, 3))
        papers: list[Paper] = []
        waiting, count = self._all(), min(_FIRST, most)
        while found := list(itertools.islice(waiting, count)):
            files = [item for item in found if isinstance(item, Path | bytes)]
            images, errors, _ = decoded(
                files, size, options, self.place, said=self.hints.value_range, find=scale.find
            )
            scale.seen |= len(errors) < len(files)
            names = self._names(files, first)
            bad = {index: Skipped(names[index], error.reason) for index, error in errors.items()}
            left_out = tuple(item for item in found if isinstance(item, Skipped))
            papers = [*papers, *(item for item in found if isinstance(item, Paper))][:2]
            yield Block(self._good(images, names, errors), bad, left_out)
            first, count = first + len(files), min(2 * count, most)
        notes = (*scale.notes(), *self._on_papers(papers))
        yield Block(ImageSet(np.empty((0, *size, 3), np.uint8), None, (), self.place, []), notes=notes)

    def count(self) -> int:
        """Return the number of files; folders are read from the disk for it."""
        return sum(len(part) if isinstance(part, Sequence) else _count(part) for part in self.parts)

    def _required_size(self, options: ReadOptions) -> tuple[int, int]:
        if options.size is None:
            raise DataError(
                f"{printable(self.place)} contains pictures without labels. To train on them, arrange them as "
                f"{printable(self.place)}/<class>/<picture>."
            )
        return options.size

    def _all(self) -> Iterator[Path | bytes | Skipped | Paper]:
        return itertools.chain.from_iterable(self.parts)

    def _names(self, files: Sequence[Path | bytes], first: int) -> list[str]:
        """Return what files are called: their paths, or their numbers if only their content is known."""
        return [
            text_of(file) if isinstance(file, Path) else self.called or f"picture {number:,}"
            for number, file in enumerate(files, first + 1)
        ]

    def _good(self, images: NDArray[np.uint8], names: Sequence[str], errors: Collection[int]) -> ImageSet:
        pictures = ImageSet(images, None, (), printable(self.place), names)
        if not errors:
            return pictures
        return pictures.select(np.array([i for i in range(len(names)) if i not in errors], np.int64))

    def _on_papers(self, found: Iterable[object]) -> tuple[str, ...]:
        """Return the note about texts and tables beside the pictures, if there are any."""
        papers = [item for item in found if isinstance(item, Paper)]
        if not papers:
            return ()
        first = printable(papers[0].name)
        if len(papers) == 1:
            return (f"{first} was not used, because its file name shows that it is not a picture.",)
        return (f"Files such as {first} were not used, because their names show that they are not pictures.",)


def joined(loose: Sequence[LoosePictures]) -> LoosePictures:
    """Return the pictures of several sources as those of one."""
    parts: list[Files] = []
    for part in itertools.chain.from_iterable(one.parts for one in loose):
        last = parts[-1] if parts else None
        if isinstance(last, list) and isinstance(part, tuple):
            last += part
        else:
            parts.append(list(part) if isinstance(part, tuple) else part)
    return replace(loose[0], parts=tuple(parts))


def decoded(
    files: Sequence[Path | bytes],
    size: tuple[int, int],
    options: ReadOptions,
    place: str,
    *,
    said: str | None,
    find: FindScale | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.uint8], dict[int, PictureError], ValueRange | None]:
    """Return the pictures (N, H, W, 3) at a size, by index why one cannot be used, and the range of deep ones.

    Args:
        files: the files, or the content of some.
        size: height and width.
        options: how to resize, the background, and the range that a classifier was trained on.
        place: what to call all of them in messages.
        said: the range of deep ones that the user named.
        find: returns the range of deep ones, if these files are only some of the pictures; None: it is found here.
        progress: called with (done, total).

    Raises:
        DataError: there is not enough memory, or the range cannot be known.
    """
    done = 0

    def tick(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None and more:
            progress(done, len(files))

    # Always in colour: whether some have colours is known only after all have been opened.
    background = options.background or WHITE  # a classifier's, because these are to be predicted
    form = Form(*size, 3, mode_for(options.resize, sequences=False), background=background)
    images, errors = decode_each(files, form, tick)
    deep = [index for index, error in errors.items() if error.reason == DEEP]
    if find is None:
        if not deep and (said is None or len(errors) == len(files)):
            return images, errors, None
        looks = look_at_each([files[index] for index in deep or range(len(files))], lambda _: None)
        scale = find_scale(looks, printable(place), said=said, learned=_learned(options))
    else:
        scale = find() if deep else None
    if scale is not None:  # None: the files have changed in the meantime
        chosen = [files[index] for index in deep]
        more, bad = decode_each(chosen, form._replace(values=(scale.low, scale.high)), lambda _: None)
        for row, index in enumerate(deep):
            images[index] = more[row]
            del errors[index]
            if row in bad:
                errors[index] = bad[row]
    return images, errors, scale


class _Scale:
    """The range of the deep pictures among files that are read in blocks: that of all of them, found at the first."""

    def __init__(self, source: LoosePictures, options: ReadOptions) -> None:
        self._source, self._options = source, options
        self._found: ValueRange | None = None
        self.seen = False
        """Whether any picture could be read."""

    def find(self) -> ValueRange | None:
        """Return the range; the first time, all files are looked at."""
        if self._found is None:
            looks: list[Look | PictureError] = []
            if self._source.hints.value_range is not None:
                self._found = ValueRange.said(self._source.hints.value_range)
                return self._found
            for files in _batched(self._source.files, 8192):
                found = look_at_each(files, lambda _: None)
                looks += [look for look in found if isinstance(look, Look) and look.header.deep is not None]
            self._found = find_scale(
                looks, printable(self._source.place), said=None, learned=_learned(self._options)
            )
        return self._found

    def notes(self) -> tuple[str, ...]:
        """Return what to tell about it, after the last block.

        Raises:
            DataError: the user named a range, but no picture is deep.
        """
        said = self._source.hints.value_range
        if said is not None and self._found is None and self.seen:
            first = next(
                look
                for files in _batched(self._source.files, 64)
                for look in look_at_each(files, lambda _: None)
                if isinstance(look, Look)
            )
            find_scale([first], printable(self._source.place), said=said)
        return () if self._found is None else self._found.notes


def _learned(options: ReadOptions) -> tuple[float, float] | None:
    return None if options.learned == PLAIN else options.learned


def _batched(files: Iterator[Path | bytes], count: int) -> Iterator[list[Path | bytes]]:
    while found := list(itertools.islice(files, count)):
        yield found


def _count(folder: FilesIn) -> int:
    return sum(1 for item in folder if isinstance(item, Path))


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
