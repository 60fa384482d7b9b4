"""Sets of arrays under names such as `x_train` and `y_test`: what `.npz` files and Kaggle's pickles share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.find_layout import FoundLayout, find_layout
from picturewise.data.arrays.find_value_range import find_value_range
from picturewise.data.arrays.labels import (
    GivenLabels,
    Numbering,
    are_numbers_in_order,
    check_labelled,
    given_labels,
    number_classes,
    to_class_names,
)
from picturewise.data.arrays.layout import Layout, check_layout
from picturewise.data.arrays.value_range import Conversion, ValueRange
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.array_names import Keys
from picturewise.data.readers.array_part import array_part
from picturewise.errors import DataError
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName


class Arrays(Protocol):
    """An opened file with a value under each name; large arrays are maps of files that nobody else can change."""

    def load(self, key: str) -> Any:
        """Return the value under a name: an array or a plain value."""
        ...

    def look(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
        """Return the shape and the type of an array, or None if it is something else."""
        ...

    def start(self, key: str) -> NDArray[np.uint8]:
        """Return the first numbers (n,) of an array of bytes, much more cheaply than loading it."""
        ...


@dataclass(frozen=True, eq=False)
class ArraySetReader:
    """A set of arrays, see `Reader`; `opened` opens the file again, `files` are all files if there are several."""

    path: Path
    keys: Keys
    opened: Callable[[], Arrays]
    hints: Hints = NO_HINTS
    files: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its ending, fit for a folder name."""
        return slug(self.path.with_name(self.path.stem or self.path.name))

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that have pictures."""
        return tuple(split for split in SPLITS if split in self.keys.pictures)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The file, or the files of a folder."""
        return self.files or (self.path,)

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read`. The first split decides the range of the values."""
        return _Reader(self, self.opened(), options, allocate).read(
            [split for split in self.splits if split in splits], progress
        )


@dataclass(frozen=True, eq=False)
class _Reader:
    """One reading of a source."""

    source: ArraySetReader
    arrays: Arrays
    options: ReadOptions
    allocate: Allocate

    def read(self, asked: list[SplitName], progress: Progress | None) -> Reading:
        first, parts = self.source.splits[0], {}
        # If train is not requested, it is loaded only if its layout or its range cannot be found without it.
        train = _Later(lambda: self.arrays.load(self.source.keys.pictures[first]))
        if first in asked:
            train.get()  # only then is it certain that it holds what its header declares
        order = self._order(first, train)
        scale = self._scale(first, order.layout, train, whole=first in asked)
        numbering = self._numbering(first)
        if first not in asked:
            train.drop()  # this frees its space on the disk
        for split in asked:
            parts[split] = self._part(
                split, scale, order, numbering, train.drop() if split == first else None
            )
            if progress is not None:
                progress(len(parts), len(asked))
        return Reading(
            parts, (*self.source.keys.notes, *numbering.notes, *order.notes, *scale.notes), values=scale.kept
        )

    def _where(self, key: str) -> str:
        return f"{printable(self.source.path)}: '{printable(key)}'"

    def _look(self, split: SplitName) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return the shape and the type of a split's pictures without reading them."""
        key = self.source.keys.pictures[split]
        found = self.arrays.look(key)
        if found is None:
            raise DataError(f"{self._where(key)} is not an array. Expected an array of pictures.")
        return found

    def _count(self, split: SplitName) -> int:
        shape, dtype = self._look(split)
        check_layout(shape, dtype, self._where(self.source.keys.pictures[split]))
        return shape[0]

    def _order(self, split: SplitName, train: _Later) -> FoundLayout:
        """Return the layout of the first split's pictures, which all splits share."""
        where, said = self._where(self.source.keys.pictures[split]), self.source.hints.layout
        return find_layout(*self._look(split), lambda rows: train.get()[rows], where, said)

    def _scale(self, split: SplitName, layout: Layout, train: _Later, *, whole: bool) -> ValueRange:
        """Return the range of the first split's pictures; for bytes, the first ones are usually enough."""
        _, dtype = self._look(split)
        key, keys = self.source.keys.pictures[split], self.source.keys
        mean, std = (self._statistic(name, layout.shape) for name in (keys.mean, keys.std))

        def blocks() -> Iterator[tuple[int, NDArray[Any]]]:
            if dtype == np.uint8 and not whole:
                yield 0, self.arrays.start(key)[np.newaxis]
            yield from layout.blocks(train.get())

        return find_value_range(
            dtype, blocks, self._where(key), mean=mean, std=std, said=self.source.hints.value_range,
            learned=self.options.learned,
        )  # fmt: skip

    def _statistic(self, key: str | None, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
        """Return a mean or a deviation as (H, W, C), or as an array that broadcasts to it, or None."""
        if key is None:
            return None
        value = self.arrays.load(key)
        value = np.asarray(value) if isinstance(value, float | int) else value
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "uif" or not np.isfinite(value).all():
            raise DataError(
                f"{self._where(key)} is not an array of finite numbers. Expected one number per pixel or channel."
            )
        height, width, channels = shape
        floats = value.astype(np.float64)
        if floats.shape in {(channels, height, width), (1, channels, height, width)} and channels != width:
            return floats.reshape(channels, height, width).transpose(1, 2, 0)  # (C, H, W) → (H, W, C)
        if floats.size in {1, channels}:
            return floats.reshape(1, 1, -1)
        if floats.size == height * width * channels and floats.shape[-1] in {width, channels}:
            return floats.reshape(shape)
        raise DataError(
            f"{self._where(key)} has shape {floats.shape}. Expected {shape}, the shape of one picture."
        )

    def _numbering(self, split: SplitName) -> Numbering:
        """Return the classes: the given names, or else those of the labels of the first split."""
        key = self.source.keys.classes
        value = None if key is None else self.arrays.load(key)
        names = None
        if key is not None and not are_numbers_in_order(value):
            names = to_class_names(value, self._where(key))
        return number_classes(self._labels(split), names, self._where(self.source.keys.labels.get(split, "")))

    def _labels(self, split: SplitName) -> GivenLabels | None:
        """Return the labels; None if a split has none, or all of them mean "no label"."""
        key = self.source.keys.labels.get(split)
        if key is None:
            return None
        labels = given_labels(self.arrays.load(key), self._count(split), self._where(key))
        if not labels.are_there and split != self.source.splits[0]:
            raise DataError(
                f"{self._where(key)} contains only {labels.mark}, so the {split} pictures do not have labels. Remove "
                f"both arrays from the file to hold out a {split} split from train instead."
            )
        return labels if labels.are_there else None

    def _part(
        self,
        split: SplitName,
        scale: ValueRange,
        order: FoundLayout,
        numbering: Numbering,
        array: NDArray[Any] | None,
    ) -> Part:
        key = self.source.keys.pictures[split]
        # Loaded before space is allocated: only then is it certain that there are as many pictures as declared.
        array = self.arrays.load(key) if array is None else array
        given, labels = self._labels(split), None
        if given is not None:
            where = self._where(self.source.keys.labels[split])
            labels = numbering.of(given, where)
            check_labelled(labels, where, given.mark, skip_bad=self.options.skip_bad)
        shape, dtype = self._look(split)
        layout = check_layout(shape, dtype, self._where(key), channels_first=order.channels_first)
        images = self.allocate(shape[0], (layout.height, layout.width), layout.channels)
        conversion = Conversion(scale, self._where(key))
        for first, block in layout.blocks(array):
            images[first : first + len(block)] = conversion.to_bytes(block, first)
        conversion.finish()
        origin = f"{printable(self.source.path)} ({split})"
        return array_part(images, labels, numbering.classes, origin, self.options, self.allocate)


class _Later:
    """An array that is loaded when it is needed, and kept until it is dropped."""

    def __init__(self, load: Callable[[], NDArray[Any]]) -> None:
        self._load = load
        self._held: NDArray[Any] | None = None

    def get(self) -> NDArray[Any]:
        """Return the array."""
        if self._held is None:
            self._held = self._load()
        return self._held

    def drop(self) -> NDArray[Any] | None:
        """Keep it no longer; return it if it was loaded."""
        held, self._held = self._held, None
        return held
