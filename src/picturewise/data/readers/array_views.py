"""Arrays of an opened file as a set needs them: with the axis of pictures in front, or only some rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.labels import as_text, given_labels
from picturewise.data.hints import Hints, does_not_apply
from picturewise.data.readers.array_names import ArrayForm, Keys
from picturewise.data.readers.array_sets import Arrays, ArraySetReader
from picturewise.data.readers.split_column import SPLIT_COLUMNS, check_splits, splits_by_value
from picturewise.errors import DataError, UsageError
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName

OBEYED = ("label_column", "split_column", "value_range", "layout")
"""The hints that apply to the arrays of a set."""


@dataclass(frozen=True, eq=False)
class _InFront:
    """Arrays, see `array_sets.Arrays`; the last axis of some is moved to the front."""

    inner: Arrays
    turned: frozenset[str]

    def load(self, key: str) -> Any:
        """Return the value under a name; for an array with a moved axis, a view."""
        value = self.inner.load(key)
        return np.moveaxis(value, -1, 0) if key in self.turned else value

    def look(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
        """Return the shape, as `load` returns it, and the type."""
        found = self.inner.look(key)
        if found is None or key not in self.turned:
            return found
        shape, dtype = found
        return (shape[-1], *shape[:-1]), dtype

    def start(self, key: str) -> NDArray[np.uint8]:
        """Return the first numbers of an array of bytes."""
        return self.inner.start(key)


def in_front(opened: Callable[[], Arrays], keys: Keys) -> Callable[[], Arrays]:
    """Return a function that opens the arrays with the axis of pictures in front."""
    return (lambda: _InFront(opened(), keys.pictures_last)) if keys.pictures_last else opened


def forms_of(arrays: Arrays, names: Iterable[str]) -> dict[str, ArrayForm | None]:
    """Return the form of each array; None if it cannot be found, because it is damaged or something else."""
    return {name: _form(arrays, name) for name in names}


def _form(arrays: Arrays, name: str) -> ArrayForm | None:
    try:
        found = arrays.look(name)
    except DataError:  # reported when it is read, if it is read
        return None
    return None if found is None else ArrayForm(tuple(found[0]), found[1].kind)


def without_unlabelled(keys: Keys, arrays: Arrays, where: str) -> Keys:
    """Return the keys without those of test and validation pictures whose labels all mean "no label"."""
    dropped: dict[SplitName, str] = {}
    for split, name in keys.labels.items():
        if split == "train" or "train" not in keys.pictures:
            continue
        try:
            values: NDArray[Any] = arrays.load(name)
            labels = given_labels(values, len(values), f"{where}: '{printable(name)}'")
        except (DataError, TypeError):  # reported when it is read
            continue
        if not labels.are_there:
            dropped[split] = labels.mark
    if not dropped:
        return keys
    notes = [
        f"{where}: '{printable(keys.labels[split])}' contains only {mark}, so the {split} pictures do not have labels "
        f"and were not used as the {split} split. To classify them, save '{printable(keys.pictures[split])}' in a "
        "separate file."
        for split, mark in dropped.items()
    ]
    return replace(
        keys,
        pictures={split: name for split, name in keys.pictures.items() if split not in dropped},
        labels={split: name for split, name in keys.labels.items() if split not in dropped},
        notes=(*keys.notes, *notes),
    )


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Arrays whose rows belong to several splits: the name `split: name` means the rows of `name` in that split."""

    inner: Arrays
    rows: Mapping[SplitName, NDArray[np.int64]]

    def load(self, key: str) -> Any:
        """Return the rows of an array, copied, or another value under a name."""
        split, name = _parted(key, self.rows)
        value = self.inner.load(name)
        if split is None:
            return value
        return (
            value[self.rows[split]] if isinstance(value, np.ndarray) else [value[i] for i in self.rows[split]]
        )

    def look(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
        """Return the shape and the type of what `load` returns."""
        split, name = _parted(key, self.rows)
        found = self.inner.look(name)
        if found is None or split is None:
            return found
        shape, dtype = found
        return (len(self.rows[split]), *shape[1:]), dtype

    def start(self, key: str) -> NDArray[np.uint8]:
        """Return the first numbers of an array of bytes, of whichever split."""
        return self.inner.start(_parted(key, self.rows)[1])


def _parted(key: str, splits: Mapping[SplitName, object]) -> tuple[SplitName | None, str]:
    start, colon, name = key.partition(": ")
    split = next((split for split in splits if colon and split == start), None)
    return split, name if split is not None else key


def arranged(
    path: Path,
    keys: Keys,
    opened: Callable[[], Arrays],
    hints: Hints,
    files: tuple[Path, ...],
    notes: tuple[str, ...] = (),
    outline: Arrays | None = None,
) -> ArraySetReader:
    """Return the reader of a set of arrays, with what its small arrays show.

    Splits without labels are left out, and an array with the split of each picture is used.

    Args:
        path: the file or folder.
        keys: see `find_keys`.
        opened: opens the arrays.
        hints: what the user says about the source.
        files: all files that it consists of.
        notes: what else to tell the user.
        outline: the arrays, the large ones among them as zeros, if opening takes long.

    Raises:
        DataError: the requested array of splits does not hold splits.
    """
    where, arrays = printable(path), outline or opened()
    keys = without_unlabelled(replace(keys, notes=(*keys.notes, *notes)), arrays, where)
    opened = in_front(opened, keys)
    name = _split_array(keys, opened, hints.split_column, where)
    if name is not None:
        texts = _texts(opened().load(name))
        found = check_splits(name, sorted(set(texts)), where)
        splits = np.array([found[text] for text in texts])
        rows = {split: np.flatnonzero(splits == split) for split in SPLITS if (splits == split).any()}
        inner, pictures, labels = opened, keys.pictures["train"], keys.labels.get("train")
        opened = lambda: _Chosen(inner(), rows)  # noqa: E731
        keys = replace(
            keys,
            pictures={split: f"{split}: {pictures}" for split in rows},
            labels={} if labels is None else {split: f"{split}: {labels}" for split in rows},
            notes=tuple(note for note in keys.notes if f"'{printable(name)}'" not in note),
        )
    return ArraySetReader(path, keys, opened, hints.only(*OBEYED), files)


def _split_array(keys: Keys, opened: Callable[[], Arrays], asked: str | None, where: str) -> str | None:
    """Return the array of splits: the requested one, or one whose name and values show that it is one."""
    if list(keys.pictures) != ["train"]:
        if asked is not None:
            raise does_not_apply(where, ["split_column"], "Each split already has its own array of pictures.")
        return None
    if asked is not None:
        if asked not in keys.others:
            raise UsageError(
                f"{where} does not have an array '{printable(asked)}' in addition to the pictures and labels."
            )
        return asked
    for name in keys.others:
        if (
            name.casefold() in SPLIT_COLUMNS
            and splits_by_value(name, set(_texts(opened().load(name)))) is not None
        ):
            return name
    return None


def _texts(values: Any) -> list[str]:
    flat = np.ravel(values).tolist() if isinstance(values, np.ndarray) else values
    if not isinstance(flat, list):
        return [""]
    return [as_text(value) if isinstance(value, str | bytes) else str(value) for value in flat]
