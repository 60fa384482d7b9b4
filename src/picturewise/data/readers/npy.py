"""Arrays saved in single files, `.npy`: x_train.npy and y_train.npy, or a file per class, cat.npy and dog.npy.

Quick, Draw! publishes its bitmaps in the second way. A folder holds one set; for a single file, the labels beside it
are found.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.layout import layout_of
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.readers.array_names import LABEL_WORDS, PICTURE_WORDS, Keys, find_keys, words_of
from picturewise.data.readers.array_sets import ArraySetReader
from picturewise.data.readers.array_views import arranged, forms_of
from picturewise.data.readers.folder_listing import is_folder, visible_entries
from picturewise.errors import DataError
from picturewise.names import natural_order
from picturewise.printable import printable
from picturewise.split_names import split_of
from picturewise.untrusted.npy import MAX_HEADER, decode_npy, read_header
from picturewise.untrusted.regular_file import check_regular
from picturewise.untrusted.scratch import private_copy

SUFFIX = ".npy"
PICTURES, LABELS, CLASSES = "pictures of all classes", "the names of the files", "classes"
_LITTLE_READ = ("readme", "license", "licence", "citation")
_START = 1 << 20  # bytes
_PREFIX = "full_numpy_bitmap_"  # of Quick, Draw!


def recognise(path: Path, hints: Hints = NO_HINTS) -> ArraySetReader | None:
    """Return the source for `.npy` files at `path`, a folder of them or one; None if there are none.

    Raises:
        DataError: they do not form a set, or are damaged.
        UsageError: no array has the name in `hints`.
        OSError: they cannot be read.
    """
    if path.is_dir():
        return _of_folder(path, hints)
    if path.suffix.lower() != SUFFIX or not path.is_file():
        return None
    arrays = _Arrays(path.parent, {path.stem: path.name})
    beside = _Arrays(path.parent, {path.stem: path.name, **_partner(path)})
    where = printable(path)
    keys = find_keys(forms_of(beside, [*beside.files]), where, hints.label_column)
    if keys is None:
        form = forms_of(arrays, [path.stem])[path.stem]
        if form is None or not form.can_be_pictures:
            raise DataError(
                f"{where} contains {form or 'something other than an array'}, not pictures. Pass the file with "
                "the pictures, or a folder with both, such as x_train.npy and y_train.npy."
            )
        keys = Keys({"train": path.stem}, {}, None, None, None)
    return arranged(path, keys, lambda: beside, hints, _places(beside))


def _of_folder(path: Path, hints: Hints) -> ArraySetReader | None:
    entries = visible_entries(path)
    names = [entry.name for entry in entries if entry.name.lower().endswith(SUFFIX) and not is_folder(entry)]
    if not names:
        _refuse_single_pictures([Path(entry.path) for entry in entries if is_folder(entry)], path)
        return None
    others = [
        entry.name
        for entry in entries
        if entry.name not in names and not entry.name.lower().startswith(_LITTLE_READ)
    ]
    arrays, where = _Arrays(path, {name[: -len(SUFFIX)]: name for name in names}), printable(path)
    notes = tuple(
        f"{where}: {printable(name)} was not used, because it is not a .npy file." for name in others[:5]
    )
    if (of_classes := _of_classes(path, arrays)) is not None:
        by_class = Keys({"train": PICTURES}, {"train": LABELS}, CLASSES, None, None, notes=notes)
        return arranged(path, by_class, lambda: of_classes, hints, _places(arrays))
    keys = find_keys(forms_of(arrays, [*arrays.files]), where, hints.label_column)
    if keys is None:
        raise DataError(
            f"{where} contains .npy files, but their contents cannot be identified from their names: "
            f"{', '.join(map(printable, names[:5]))}. Name them x_train.npy, y_train.npy and so on, or name each file "
            "after a class, with pictures of the same shape in all files."
        )
    return arranged(path, keys, lambda: arrays, hints, _places(arrays), notes)


def _places(arrays: _Arrays) -> tuple[Path, ...]:
    return tuple(arrays.folder / name for name in arrays.files.values())


def _partner(path: Path) -> dict[str, str]:
    """Return the other half of a pair: the file whose name differs only in the word for pictures or labels."""

    def rest(stem: str) -> list[str]:
        return [word for word in words_of(stem) if word not in PICTURE_WORDS | LABEL_WORDS]

    def role(stem: str) -> bool:
        return bool(set(words_of(stem)) & PICTURE_WORDS)

    return {
        entry.name[: -len(SUFFIX)]: entry.name
        for entry in visible_entries(path.parent)
        if entry.name.lower().endswith(SUFFIX)
        and set(words_of(entry.name[: -len(SUFFIX)])) & (PICTURE_WORDS | LABEL_WORDS)
        and rest(entry.name[: -len(SUFFIX)]) == rest(path.stem)
        and role(entry.name[: -len(SUFFIX)]) != role(path.stem)
    }


def _refuse_single_pictures(folders: list[Path], path: Path) -> None:
    """Refuse a folder per class with a `.npy` file per picture."""
    for folder in folders[:3]:
        first = next((name for name in sorted(os.listdir(folder)) if not name.startswith(".")), "")  # noqa: PTH208
        if first.lower().endswith(SUFFIX):
            raise DataError(
                f"{printable(path)} contains folders of .npy files ({printable(folder.name)}/{printable(first)}), but "
                ".npy files with a single picture each are not supported. Stack the arrays and save them with "
                "numpy.savez('set.npz', x_train=pictures, y_train=labels)."
            )


@dataclass(frozen=True, eq=False)
class _Arrays:
    """`.npy` files of a folder by their names without ending, see `array_sets.Arrays`."""

    folder: Path
    files: Mapping[str, str]

    def load(self, key: str) -> NDArray[Any]:
        """Return the array of a file, mapped from a copy of it."""
        return decode_npy(private_copy(self.folder / self.files[key]), self._where(key))

    def look(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return the shape and the type of an array; no more than its header is read."""
        path = self.folder / self.files[key]
        check_regular(path, "a NumPy array")
        with path.open("rb") as file:
            header = read_header(file.read(2 * MAX_HEADER), self._where(key))
        return header.shape, header.dtype

    def start(self, key: str) -> NDArray[np.uint8]:
        """Return the first numbers of an array of bytes, one megabyte."""
        with (self.folder / self.files[key]).open("rb") as file:
            start = file.read(_START)
        return np.frombuffer(start, np.uint8, offset=read_header(start, self._where(key)).length)

    def _where(self, key: str) -> str:
        return printable(self.folder / self.files[key])


@dataclass(frozen=True, eq=False)
class _OfClasses:
    """A file per class as arrays of pictures, labels and class names."""

    arrays: _Arrays
    classes: Mapping[str, str]

    @cached_property
    def _all(self) -> NDArray[Any]:
        return np.concatenate([self.arrays.load(key) for key in self.classes])

    def load(self, key: str) -> Any:
        """Return the pictures of all classes in sequence, their labels, or the names of the classes."""
        if key == CLASSES:
            return list(self.classes.values())
        if key == LABELS:
            counts = [self.arrays.look(name)[0][0] for name in self.classes]
            return np.repeat(np.arange(len(counts)), counts)
        return self._all

    def look(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
        """Return the shape and the type of the pictures."""
        forms = [self.arrays.look(name) for name in self.classes]
        return (sum(shape[0] for shape, _ in forms), *forms[0][0][1:]), forms[0][1]

    def start(self, key: str) -> NDArray[np.uint8]:
        """Return the first numbers of the first class, an array of bytes."""
        del key
        return self.arrays.start(next(iter(self.classes)))


def _of_classes(path: Path, arrays: _Arrays) -> _OfClasses | None:
    """Return the files if there is one per class: names without another meaning, arrays that differ only in length."""
    names = sorted(arrays.files, key=natural_order)
    words = [words_of(name) for name in names]
    if len(names) < 2 or any(
        set(found) & (PICTURE_WORDS | LABEL_WORDS) or any(map(split_of, found)) for found in words
    ):
        return None
    forms = forms_of(arrays, names)
    shapes = {(form.shape[1:], form.kind) for form in forms.values() if form is not None}
    if None in forms.values() or len(shapes) != 1:
        return None
    rest, _ = next(iter(shapes))
    if not rest or layout_of((1, *rest)) is None:
        return None
    cut = len(_PREFIX) if all(name.casefold().startswith(_PREFIX) for name in names) else 0
    classes = {name: printable(re.sub(r"\s+", " ", name[cut:])) for name in names}
    return _OfClasses(arrays, classes)
