"""Sets of arrays under names such as `x_train` and `y_test`: what `.npz` files and Kaggle's pickles have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.data.dataset import SPLITS, SplitName
from sightline.data.names import printable, slug
from sightline.data.options import DataOptions
from sightline.data.picture_arrays import (
    Scale,
    as_pictures,
    check_labels,
    find_scale,
    to_bytes,
    to_class_names,
    to_labels,
)
from sightline.data.readers.array_part import array_part
from sightline.data.readers.contract import Part, Progress, Reading, split_of
from sightline.data.room import Room, room_for
from sightline.errors import DataError

_PICTURE_WORDS = frozenset({"x", "image", "images", "picture", "pictures", "data", "features"})
_LABEL_WORDS = frozenset({"y", "label", "labels", "target", "targets"})
_CLASS_NAMES = ("labels", "classes", "class_names", "label_names", "names")
EXPECTED = "x_train and y_train (and x_test, y_test, x_validation, y_validation), or images and labels"


@dataclass(frozen=True)
class Keys:
    """Under which names the arrays stand: pictures and labels of each split, class names, the normalisation."""

    pictures: Mapping[SplitName, str]
    labels: Mapping[SplitName, str]
    classes: str | None
    mean: str | None
    std: str | None


def find_keys(names: Iterable[str], where: str) -> Keys | None:
    """Return what names say, in any case and order of words, or None where no name speaks of pictures.

    Names without a split are those of train, unless others have one: then `labels` are the class names.

    Raises:
        DataError: two names say the same, or there are labels without their pictures.
    """
    names = list(names)
    pictures = _roles(names, _PICTURE_WORDS, where)
    if not pictures:
        return None
    labels = _roles(names, _LABEL_WORDS, where)
    lonely = [name for split, name in labels.items() if split not in pictures]
    if lonely:
        raise _missing(names, where, f"has '{printable(lonely[0])}' without its pictures")
    taken = {*pictures.values(), *labels.values()}
    return Keys(
        pictures,
        labels,
        classes=_one_of(names, _CLASS_NAMES, taken),
        mean=_one_of(names, ("mean_image", "mean"), taken),
        std=_one_of(names, ("std_image", "std"), taken),
    )


@dataclass(frozen=True, eq=False)
class ArraySetSource:
    """A recognised set of arrays, see `Source`; `load` returns what stands under a name."""

    path: Path
    keys: Keys
    load: Callable[[str], Any]

    @property
    def name(self) -> str:
        """The file's name without its ending, fit for a folder's."""
        return slug(self.path.with_name(self.path.stem or self.path.name))

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that there are pictures of."""
        return tuple(split for split in SPLITS if split in self.keys.pictures)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The file."""
        return (self.path,)

    def read(
        self,
        splits: Collection[SplitName],
        options: DataOptions,
        progress: Progress | None = None,
        room: Room = room_for,
    ) -> Reading:
        """Return the pictures of `splits`; see `Source.read`. The first split decides the range of the values."""
        first, asked = self.splits[0], [split for split in self.splits if split in splits]
        arrays = {split: self._pictures(split) for split in dict.fromkeys([first, *asked])}
        scale = self._scale(arrays[first], first)
        classes = self._classes(first, len(arrays[first]))
        parts = {
            split: self._part(split, arrays.pop(split), scale, classes, options, room) for split in asked
        }
        return Reading(parts)

    def _where(self, key: str) -> str:
        return f"{printable(str(self.path))}: '{printable(key)}'"

    def _pictures(self, split: SplitName) -> NDArray[Any]:
        key = self.keys.pictures[split]
        array = self.load(key)
        if not isinstance(array, np.ndarray):
            raise DataError(f"{self._where(key)} is no array, expected pictures.")
        return as_pictures(array, self._where(key))

    def _scale(self, pictures: NDArray[Any], split: SplitName) -> Scale:
        where = self._where(self.keys.pictures[split])
        mean, std = (self._statistic(key, pictures.shape[1:]) for key in (self.keys.mean, self.keys.std))
        return find_scale(pictures, where, mean=mean, std=std)

    def _statistic(self, key: str | None, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
        """Return a mean or a deviation as (H, W, C) or what is broadcast to it, or None."""
        if key is None:
            return None
        value = np.asarray(self.load(key)) if isinstance(self.load(key), float | int) else self.load(key)
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "uif" or not np.isfinite(value).all():
            raise DataError(
                f"{self._where(key)} is no array of finite numbers, expected one per pixel or channel."
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
            f"{self._where(key)} has the shape {floats.shape}, expected that of one picture, {shape}."
        )

    def _classes(self, split: SplitName, count: int) -> tuple[str, ...]:
        """Return the class names that there are, else "0" to the largest label of the first split."""
        if self.keys.classes is not None:
            return to_class_names(self.load(self.keys.classes), self._where(self.keys.classes))
        labels = self._labels(split, count)
        return (
            () if labels is None else tuple(str(number) for number in range(int(labels.max(initial=-1)) + 1))
        )

    def _labels(self, split: SplitName, count: int) -> NDArray[np.int64] | None:
        key = self.keys.labels.get(split)
        return None if key is None else to_labels(self.load(key), count, self._where(key))

    def _part(
        self,
        split: SplitName,
        array: NDArray[Any],
        scale: Scale,
        classes: tuple[str, ...],
        options: DataOptions,
        room: Room,
    ) -> Part:
        images = to_bytes(array, scale, self._where(self.keys.pictures[split]), room)
        labels = self._labels(split, len(images))
        if labels is not None:
            check_labels(labels, classes, self._where(self.keys.labels[split]))
        origin = f"{printable(str(self.path))} ({split})"
        return array_part(images, labels, classes, origin, options, room)


def unlike_any(names: Iterable[str], where: str) -> DataError:
    """Return the error for names of which none speaks of pictures."""
    return _missing(names, where, "has no array of pictures")


def _missing(names: Iterable[str], where: str, what: str) -> DataError:
    names = list(names)
    shown = ", ".join(f"'{printable(name[:40])}'" for name in names[:12]) + (", …" if len(names) > 12 else "")
    return DataError(f"{where} {what}: found {shown or 'no names'}, expected {EXPECTED}.")


def _roles(names: Iterable[str], words: frozenset[str], where: str) -> dict[SplitName, str]:
    """Return by split the name that consists of one of `words` and a split; without any split, what is train."""
    found: dict[SplitName | None, str] = {}
    for name in names:
        parts = [part for part in re.split(r"[^a-z0-9]+", name.casefold()) if part]
        splits = [split for part in parts if (split := split_of(part)) is not None]
        if len(parts) != 1 + len(splits) or len(splits) > 1 or not words & set(parts):
            continue
        split = splits[0] if splits else None
        if split in found:
            raise DataError(
                f"{where} has '{printable(found[split])}' and '{printable(name)}' for one split, expected one."
            )
        found[split] = name
    told = {split: name for split, name in found.items() if split is not None}
    return told or ({"train": found[None]} if None in found else {})


def _one_of(names: Iterable[str], candidates: Collection[str], taken: Collection[str]) -> str | None:
    return next((name for name in names if name.casefold() in candidates and name not in taken), None)
