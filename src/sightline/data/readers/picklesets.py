"""Pickled dicts of arrays: x_train, y_train, …, labels, as Kaggle's pre-processed CIFAR-10 has them.

Their pictures are often normalised; `mean_image` and `std_image` in the file lead back to what they were.
"""

from __future__ import annotations

from pathlib import Path

from sightline.data import pickles
from sightline.data.mapping import map_file
from sightline.data.names import printable
from sightline.data.readers.array_sets import ArraySetSource, find_keys, unlike_any

_SUFFIXES = frozenset({".pickle", ".pkl", ".pck"})


def recognise(path: Path) -> ArraySetSource | None:
    """Return the source for a pickle at `path`, or None where it is none. The arrays in it are not touched.

    Raises:
        DataError: it is a pickle that asks for more than plain values and arrays, or without pictures.
        OSError: it cannot be read.
    """
    if not path.is_file() or not (path.suffix.lower() in _SUFFIXES or _begins_like_one(path)):
        return None
    where = printable(str(path))
    table = pickles.decode_table(map_file(path), where)
    keys = find_keys(table, where)
    if keys is None:
        raise unlike_any(table, where)
    return ArraySetSource(path, keys, table.__getitem__)


def _begins_like_one(path: Path) -> bool:
    """Return whether a file begins with the instruction PROTO and a protocol that there is."""
    with path.open("rb") as file:
        start = file.read(2)
    return start[:1] == b"\x80" and start[1:] in {b"\2", b"\3", b"\4", b"\5"}
