"""Unlabelled pictures that Python code passes to be predicted: files, bytes, arrays and Pillow images, in any mixture.

`readers/loose_pictures.py` decodes files, `in_memory/one_or_several.py` says what a shape means, and here they come
together in the order in which they were passed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import allocate_in_memory
from picturewise.data.arrays.find_value_range import Seen, decide
from picturewise.data.arrays.lazy_rows import Pictures
from picturewise.data.arrays.value_range import PLAIN, ValueRange
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.dataset import Dataset, Skipped
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.in_memory.in_memory_source import NAME, OBEYED
from picturewise.data.in_memory.one_or_several import Arranged, arranged
from picturewise.data.in_memory.pillow_pictures import as_numbers, is_picture
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.pixels import as_channels
from picturewise.data.pictures.resize import resize_all
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.loose_pictures import check_bad, decoded
from picturewise.errors import DataError, UsageError
from picturewise.file_names import path_of, text_of
from picturewise.printable import printable
from picturewise.split_names import SplitName

_BYTES_AT_ONCE = 16 << 20  # of the caller's numbers that are converted together
_WHOLE = "The input"
_EXPECTED = (
    "Pass a picture file (its path or its bytes), a Pillow image, an array, a tensor, an ImageSet, or a list of "
    "these."
)
_ADVICE = (
    "Pass pictures in the range of values that the classifier was trained on, or specify the values of black and "
    "white with hints=picturewise.Hints(value_range='{ends}') in picturewise.predict."
)

Item = Path | bytes | Arranged | ImageSet | Any
"""One value that was passed; Any stands for a Pillow image."""


@dataclass(frozen=True, eq=False)
class GivenPictures:
    """What was passed, as a source, see `Source`; its one split has the pictures in their order, without labels.

    Attributes:
        items: each of them.
        single: one picture was passed, not several.
        strict: refuse values whose range needs a note, because nobody would see it.
        hints: of the range of values.
    """

    items: tuple[Item, ...]
    single: bool = False
    strict: bool = False
    hints: Hints = NO_HINTS
    name: str = NAME
    place = None
    complete = True
    splits: tuple[SplitName, ...] = ("train",)

    def read(
        self, splits: Collection[SplitName], options: ReadOptions, progress: Progress | None = None
    ) -> Reading:
        """Return the pictures; several are brought to the size that the options ask for. See `Source.read`."""
        del splits
        notes: list[str] = [note for item in self.items if isinstance(item, Arranged) for note in item.notes]
        arrays = self._as_bytes(options, notes)
        files = {place: item for place, item in enumerate(self.items) if isinstance(item, Path | bytes)}
        if not files and len(arrays) == 1:
            ((_, images),) = arrays.items()
            return _reading(ImageSet(images, None, (), self.name, self._names(arrays)), (), notes)
        size = options.size or _common_size(arrays)
        skipped = list[Skipped]()
        if files:
            said = self.hints.value_range
            pixels, errors, scale = decoded(
                [*files.values()], size, options, self.name, said=said, progress=progress
            )
            if scale is not None and scale.note is not None:
                self._tell(scale.note, notes)
            names = [name for place in files for name in self._names_of(place)]
            skipped = [Skipped(names[index], error.reason) for index, error in sorted(errors.items())]
            check_bad(skipped, len(self.items), skip_bad=options.skip_bad)
            for row, place in enumerate(files):
                if row not in errors:
                    arrays[place] = pixels[row : row + 1]
        places = sorted(arrays)
        channels = max(arrays[place].shape[3] for place in places)
        images = allocate_in_memory(sum(len(arrays[place]) for place in places), size, channels)
        first = 0
        for place in places:
            part = np.asarray(arrays[place][:])
            fitted = as_channels(
                resize_all(part, size, mode=mode_for(options.resize, sequences=False)), channels
            )
            images[first : first + len(part)] = fitted
            first += len(part)
        return _reading(ImageSet(images, None, (), self.name, self._names(places)), skipped, notes)

    def _as_bytes(self, options: ReadOptions, notes: list[str]) -> dict[int, Pictures]:
        """Return those that are not files, by their place, as (n, H, W, C) uint8."""
        background = options.background or WHITE
        found: dict[int, Pictures] = {
            place: item.images for place, item in enumerate(self.items) if isinstance(item, ImageSet)
        }
        numbers: dict[str, dict[int, NDArray[Any]]] = {}
        for place, item in enumerate(self.items):
            if not isinstance(item, Path | bytes | ImageSet):
                array = _numbers(item, self._where(place), background)
                # All floats have one unit, whatever their width; whole numbers of other types may have others.
                kind = "f" if array.dtype.kind == "f" else array.dtype.str
                numbers.setdefault(kind, {})[place] = array
        for arrays in numbers.values():
            scale = self._scale(arrays, options, notes)
            for place, array in arrays.items():
                found[place] = _converted(array, scale, self._where(place))
        return dict(sorted(found.items()))

    def _scale(self, arrays: dict[int, NDArray[Any]], options: ReadOptions, notes: list[str]) -> ValueRange:
        """Return what the values of arrays of one kind stand for."""
        if self.hints.value_range is not None:
            return ValueRange.said(self.hints.value_range)
        first = next(iter(arrays))
        seen = Seen(arrays[first].dtype)
        if seen.dtype == np.uint8 and (options.learned or PLAIN) == PLAIN:
            return ValueRange()
        for place, array in arrays.items():
            for start, block in _blocks(array):
                seen.add(start, block, self._where(place))
        scale = decide(seen, self._where(first), learned=options.learned, advice=_ADVICE)
        if scale.note is not None and (scale.low, scale.high) != options.learned:
            self._tell(scale.note, notes)
        return scale

    def _tell(self, note: str, notes: list[str]) -> None:
        if self.strict:
            raise DataError(
                f"{note.removesuffix('.')}. Pass such pictures to picturewise.predict, which accepts them and adds a "
                "note."
            )
        notes.append(note)

    def _where(self, place: int) -> str:
        return _WHOLE if len(self.items) == 1 else f"Item {place:,} of the list (counted from 0)"

    def _names(self, places: Collection[int]) -> Sequence[str] | None:
        """Return what the pictures of items are called; None: nothing has a name."""
        items = [self.items[place] for place in places]
        if len(items) == 1 and isinstance(items[0], ImageSet):
            return items[0].names
        if not any(isinstance(item, Path | ImageSet) for item in self.items):
            return None
        return [name for place in places for name in self._names_of(place)]

    def _names_of(self, place: int) -> Sequence[str]:
        item = self.items[place]
        if isinstance(item, Path):
            return [text_of(item)]
        count = (
            len(item.pictures)
            if isinstance(item, Arranged)
            else len(item)
            if isinstance(item, ImageSet)
            else 1
        )
        if isinstance(item, ImageSet) and item.names is not None:
            return item.names
        told = "the picture" if len(self.items) == 1 else f"item {place:,} (counted from 0)"
        return [told] if count == 1 else [f"{told}, picture {number:,}" for number in range(1, count + 1)]


def given_pictures(
    data: Any, shape: tuple[int, int, int], *, hints: Hints = NO_HINTS, strict: bool = False
) -> GivenPictures:
    """Return the pictures to be predicted as a source; nothing is decoded yet.

    Args:
        data: a picture file or its bytes, a Pillow image, an array, a tensor, an `ImageSet`, or a list or a
            tuple of these; see `arranged` for the shapes.
        shape: height, width and channels that the classifier was trained on.
        hints: the values of black and white, and the layout of arrays.
        strict: see `GivenPictures`.

    Raises:
        UsageError: it is of another kind.
        DataError: a path is not a file, or the shape of an array is not that of pictures or can be read in two ways.
    """
    hints = hints.only(*OBEYED)
    if isinstance(data, list | tuple):
        if not data:
            raise DataError(f"The list is empty. {_EXPECTED}")
        where = "Item {:,} of the list (counted from 0)"
        items = tuple(_item(item, shape, where.format(place), hints) for place, item in enumerate(data))
        return GivenPictures(items, strict=strict, hints=hints)
    item = _item(data, shape, _WHOLE, hints)
    single = item.single if isinstance(item, Arranged) else not isinstance(item, ImageSet)
    return GivenPictures((item,), single, strict, hints)


def are_pictures(data: Any) -> bool:
    """Return whether something is pictures alone, not a place of pictures, labels beside them, or several splits."""
    if isinstance(data, bytes | bytearray) or is_picture(data):
        return True
    if hasattr(data, "dtype") and hasattr(data, "shape"):
        return True
    if isinstance(data, tuple) and len(data) == 2 and not _is_one_picture(data[1]):
        return False  # (pictures, labels)
    # Pairs (picture, label) are told by the first, as where data are trained on.
    return isinstance(data, list | tuple) and bool(data) and not isinstance(data[0], list | tuple | dict)


def _is_one_picture(value: Any) -> bool:
    return isinstance(value, bytes | bytearray | str | Path | ImageSet) or is_picture(value)


def _item(value: Any, shape: tuple[int, int, int], where: str, hints: Hints) -> Item:
    if isinstance(value, str | Path):
        return _file(value)
    if isinstance(value, bytes | bytearray):
        return bytes(value)
    if is_picture(value) and not isinstance(value, type):
        return value
    if isinstance(value, ImageSet):
        if not len(value):
            raise DataError(f"{value.origin} does not contain pictures.")
        return value
    if isinstance(value, Dataset):
        raise UsageError(
            f"A Dataset is not accepted as a whole. Pass one of its splits ({', '.join(value.splits())}), such as "
            f"dataset.{next(iter(value.splits()))}."
        )
    if not isinstance(value, type) and (hasattr(value, "__array__") or hasattr(value, "detach")):
        return arranged(value, shape, where, hints.layout)
    nested = " (numpy.array converts lists of numbers)" if isinstance(value, list | tuple) else ""
    raise UsageError(f"{where} is of type {type(value).__name__}{nested}. {_EXPECTED}")


def _file(place: str | Path) -> Path:
    """Return the path of an existing picture file."""
    path = path_of(os.path.expanduser(place))  # noqa: PTH111 (as in `recognise`)
    try:
        folder, there = path.is_dir(), path.exists() and bool(str(place).strip())
    except (OSError, ValueError):  # a name that is too long, a zero byte
        folder = there = False
    if not there:
        raise DataError(
            f"'{printable(place)}' is not an existing file. Pass the path of a picture file, or its bytes."
        )
    if folder:
        raise DataError(
            f"{printable(place)} is a folder, not a picture file. Pass the files in it as a list, or pass the folder "
            "to picturewise.predict."
        )
    return path


def _numbers(item: Any, where: str, background: Background) -> NDArray[Any]:
    """Return what is not a file as (n, H, W, C), with the values that it has."""
    return item.pictures if isinstance(item, Arranged) else as_numbers(item, where, background)[np.newaxis]


def _blocks(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    step = max(1, _BYTES_AT_ONCE // (array[:1].nbytes or 1))
    return ((first, array[first : first + step]) for first in range(0, len(array), step))


def _converted(array: NDArray[Any], scale: ValueRange, where: str) -> NDArray[np.uint8]:
    """Return pictures (n, H, W, C) as uint8; bytes that are 0..255 are not copied."""
    if array.dtype == np.uint8 and (scale.low, scale.high) == (0, 255):
        return array
    height, width, channels = array.shape[1:]
    images = allocate_in_memory(len(array), (height, width), channels)
    for first, block in _blocks(array):
        images[first : first + len(block)] = scale.to_bytes(block, where, first)
    return images


def _common_size(arrays: dict[int, Pictures]) -> tuple[int, int]:
    sizes = {(images.shape[1], images.shape[2]) for images in arrays.values()}
    if len(sizes) != 1:
        raise DataError("The pictures differ in size, and no size was specified. Pass size=(height, width).")
    return next(iter(sizes))


def _reading(pictures: ImageSet, skipped: Sequence[Skipped], notes: Sequence[str]) -> Reading:
    return Reading({"train": Part(pictures, skipped=tuple(skipped))}, tuple(notes))
