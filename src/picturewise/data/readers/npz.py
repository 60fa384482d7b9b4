"""NumPy's archives, `.npz`: x_train, y_train, x_test, y_test, as in Keras' mnist.npz, or images and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.readers.array_names import find_keys, unlike_any
from picturewise.data.readers.array_sets import ArraySetReader
from picturewise.data.readers.array_views import arranged, forms_of
from picturewise.data.readers.folder_listing import visible_entries
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.archives import archive
from picturewise.untrusted.npy import MAX_HEADER, decode_npy, read_header
from picturewise.untrusted.scratch import mapped_pieces

_START = 1 << 20  # bytes


def recognise(path: Path, hints: Hints = NO_HINTS) -> ArraySetReader | None:
    """Return the source for `.npz` files at `path`, or None if there are none. No array of pictures is read.

    Several in a folder, such as train.npz and test.npz, are the parts of one set.

    Raises:
        DataError: one is damaged, or no array's name suggests pictures.
        UsageError: no array has the name in `hints`.
        OSError: one cannot be read.
    """
    files = _several(path) if path.is_dir() else [path] if path.is_file() else []
    found = {file: inside for file in files if (inside := _members(file)) is not None}
    if not found:
        return None
    members = {
        name if len(found) == 1 else f"{file.stem}/{name}": (file, member)
        for file, inside in found.items()
        for name, member in inside.items()
    }
    arrays = _Arrays(members)
    try:
        keys = find_keys(forms_of(arrays, members), printable(path), hints.label_column)
    except DataError as error:
        if len(found) == 1:
            raise
        raise DataError(
            f"{printable(path)} contains {len(found)} .npz files that are not parts of one set. Pass one of "
            f"them, such as {printable(next(iter(found)))}."
        ) from error
    if keys is None:
        raise unlike_any(members, printable(path))
    return arranged(path, keys, lambda: arrays, hints, tuple(found))


def _several(folder: Path) -> list[Path]:
    """Return the `.npz` files of a folder that holds nothing else, if there are two or more."""
    entries = visible_entries(folder)
    files = [Path(entry.path) for entry in entries if entry.name.lower().endswith(".npz")]
    return files if len(files) == len(entries) > 1 else []


def _members(path: Path) -> dict[str, str] | None:
    """Return the arrays of one zip by their names, or None if the file is not a set of arrays."""
    named = path.suffix.lower() == ".npz"
    if not archive.is_zip(path):
        if named:
            raise DataError(
                f"{printable(path)} is not a valid .npz file (not a zip archive). Download it again."
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
    return members if members or named else None


@dataclass(frozen=True, eq=False)
class _Arrays:
    """The arrays of an `.npz`, see `array_sets.Arrays`: each is unpacked into a file without a name and mapped."""

    members: Mapping[str, tuple[Path, str]]

    def load(self, key: str) -> NDArray[Any]:
        """Return the array under a name."""
        content = mapped_pieces(archive.pieces(*self.members[key]))
        return decode_npy(content, self._where(key))

    def look(self, key: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return the shape and the type of an array; only its first piece is unpacked."""
        start = b""
        for piece in archive.pieces(*self.members[key]):
            start += piece
            if len(start) > 2 * MAX_HEADER:
                break
        header = read_header(start, self._where(key))
        return header.shape, header.dtype

    def start(self, key: str) -> NDArray[np.uint8]:
        """Return the first numbers of an array of bytes; no more than a megabyte is unpacked."""
        start = b""
        for piece in archive.pieces(*self.members[key]):
            start += piece
            if len(start) > _START:
                break
        return np.frombuffer(start, np.uint8, offset=read_header(start, self._where(key)).length)

    def _where(self, key: str) -> str:
        path, member = self.members[key]
        return f"{printable(path)}: '{printable(member.removesuffix('.npy'))}'"
