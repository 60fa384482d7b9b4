"""Pickled dicts of arrays: x_train, y_train, …, labels, as in Kaggle's pre-processed CIFAR-10.

Their pictures are often normalised; `mean_image` and `std_image` in the file restore the original values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.readers.array_names import ArrayForm, find_keys, unlike_any
from picturewise.data.readers.array_sets import ArraySetReader
from picturewise.data.readers.array_views import arranged
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.pickles import reader

_SUFFIXES = frozenset({".pickle", ".pkl", ".pck"})


def recognise(path: Path, hints: Hints = NO_HINTS) -> ArraySetReader | None:
    """Return the source for a pickle at `path`, or None if it is not one. The arrays in it are not read.

    Raises:
        DataError: it is a pickle that needs more than plain values and arrays, or does not hold pictures.
        UsageError: no array has the name in `hints`.
        OSError: it cannot be read.
    """
    if not path.is_file() or not (path.suffix.lower() in _SUFFIXES or _begins_like_one(path)):
        return None
    where = printable(path)
    outline = reader.read_outline(path)
    keys = find_keys({name: _form(value) for name, value in outline.items()}, where, hints.label_column)
    if keys is None:
        raise unlike_any(outline, where)
    opened = lambda: _Arrays(where, reader.read_table(path))  # noqa: E731
    return arranged(path, keys, opened, hints, (path,), outline=_Arrays(where, outline))


def _form(value: Any) -> ArrayForm | None:
    """Return the form of an array or of a list of plain values, None for anything else."""
    if isinstance(value, np.ndarray):
        return ArrayForm(value.shape, value.dtype.kind)
    if not isinstance(value, list | tuple) or not value:
        return None if isinstance(value, dict) else ArrayForm((), "O")
    kinds = {type(item): kind for item, kind in ((0, "i"), (0.0, "f"), (True, "b"), ("", "U"), (b"", "S"))}
    found = {kinds.get(type(item), "O") for item in value}
    return ArrayForm((len(value),), found.pop()) if len(found) == 1 else None


@dataclass(frozen=True, eq=False)
class _Arrays:
    """The content of a pickle, see `array_sets.Arrays`."""

    where: str
    table: Mapping[str, Any]

    def load(self, key: str) -> Any:
        """Return the value under a name."""
        if key not in self.table:
            raise DataError(
                f"{self.where} no longer contains '{printable(key[:40])}'. Check whether another program is writing "
                "to it."
            )
        return self.table[key]

    def look(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
        """Return the shape and the type of an array, or None if it is something else."""
        value = self.load(key)
        return (value.shape, value.dtype) if isinstance(value, np.ndarray) else None

    def start(self, key: str) -> NDArray[np.uint8]:
        """Return the numbers of an array of bytes: it is already in memory."""
        values: NDArray[np.uint8] = self.load(key).reshape(-1)
        return values


def _begins_like_one(path: Path) -> bool:
    """Return whether a file begins with the instruction PROTO and an existing protocol."""
    with path.open("rb") as file:
        start = file.read(2)
    return start[:1] == b"\x80" and start[1:] in {b"\2", b"\3", b"\4", b"\5"}
