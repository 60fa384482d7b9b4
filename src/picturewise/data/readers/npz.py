"""NumPy's archives, `.npz`: x_train, y_train, x_test, y_test, as Keras' mnist.npz has them, or images and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.readers.array_names import find_keys, unlike_any
from picturewise.data.readers.array_sets import ArraySetReader
from picturewise.data.readers.folder_listing import visible_entries
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.archives import archive
from picturewise.untrusted.npy import MAX_HEADER, decode_npy, read_header
from picturewise.untrusted.scratch import mapped_pieces

_START = 1 << 20  # bytes


def recognise(path: Path) -> ArraySetReader | None:
    """Return the source for a zip of `.npy` files at `path`, or None where it is none. None of them is read.

    Raises:
        DataError: it is damaged, or no array's name speaks of pictures.
        OSError: it cannot be read.
    """
    _refuse_lone_arrays(path)
    if not path.is_file():
        return None
    named = path.suffix.lower() == ".npz"
    if not archive.is_zip(path):
        if named:
            raise DataError(f"{printable(path)} is damaged or no .npz file, for it is no zip; get it again.")
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
    keys = find_keys(members, printable(path))
    if keys is None:
        raise unlike_any(members, printable(path))
    return ArraySetReader(path, keys, lambda: _Arrays(path, members))


def _refuse_lone_arrays(path: Path) -> None:
    """Say how arrays that were saved one by one become a set."""
    if path.is_dir():
        names = [entry.name for entry in visible_entries(path)]
        lone = bool(names) and all(name.lower().endswith(".npy") for name in names)
    else:
        lone = path.suffix.lower() == ".npy"
    if lone:
        raise DataError(
            f"{printable(path)} holds arrays one by one (.npy), expected a set in one file; put them together "
            "with numpy.savez('set.npz', x_train=pictures, y_train=labels)."
        )


@dataclass(frozen=True, eq=False)
class _Arrays:
    """The arrays of an `.npz`, see `array_sets.Arrays`: each is unpacked into a file without a name and mapped."""

    path: Path
    members: Mapping[str, str]

    def load(self, key: str) -> NDArray[Any]:
        """Return the array under a name."""
        content = mapped_pieces(archive.pieces(self.path, self.members[key]))
        return decode_npy(content, self._where(key))

    def look(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return the shape and the type of an array; no more than its first piece is unpacked."""
        start = b""
        for piece in archive.pieces(self.path, self.members[key]):
            start += piece
            if len(start) > 2 * MAX_HEADER:
                break
        header = read_header(start, self._where(key))
        return header.shape, header.dtype

    def start(self, key: str) -> NDArray[np.uint8]:
        """Return the first numbers of an array of bytes; no more than a megabyte is unpacked."""
        start = b""
        for piece in archive.pieces(self.path, self.members[key]):
            start += piece
            if len(start) > _START:
                break
        return np.frombuffer(start, np.uint8, offset=read_header(start, self._where(key)).length)

    def _where(self, key: str) -> str:
        return f"{printable(self.path)}: '{printable(key)}'"
