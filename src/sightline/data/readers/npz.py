"""NumPy's archives, `.npz`: x_train, y_train, x_test, y_test, as Keras' mnist.npz has them, or images and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightline.data import archive
from sightline.data.names import printable
from sightline.data.npy import decode_npy
from sightline.data.readers.array_sets import ArraySetSource, find_keys, unlike_any
from sightline.errors import DataError


def recognise(path: Path) -> ArraySetSource | None:
    """Return the source for a zip of `.npy` files at `path`, or None where it is none. None of them is read.

    Raises:
        DataError: it is damaged, or no array's name speaks of pictures.
        OSError: it cannot be read.
    """
    if not path.is_file():
        return None
    named = path.suffix.lower() == ".npz"
    if not archive.is_zip(path):
        if named:
            raise DataError(
                f"{printable(str(path))} is damaged or no .npz file, for it is no zip; get it again."
            )
        return None
    try:
        members = {
            name.removesuffix(".npy"): name for name in archive.zip_names(path) if name.endswith(".npy")
        }
    except DataError:
        if named:
            raise
        return None
    if not members and not named:
        return None
    keys = find_keys(members, printable(str(path)))
    if keys is None:
        raise unlike_any(members, printable(str(path)))

    def load(key: str) -> Any:
        where = f"{printable(str(path))}: '{printable(key)}'"
        for _, content in archive.members(path, lambda name: name == members[key]):
            return decode_npy(content, where)
        raise DataError(f"{where} is no longer there; is another program writing the file?")

    return ArraySetSource(path, keys, load)
