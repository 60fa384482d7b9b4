"""Hostile HDF5 files: links, other files, bombs, and what is not an array of plain numbers."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hostile.file import Hostile


def secret(folder: Path) -> Path:
    path = folder / "secret.bin"
    path.write_bytes(bytes(range(64)))
    return path


def pictures(file: h5py.File, name: str = "X_train", count: int = 4) -> None:
    file[name] = np.arange(count * 16, dtype=np.uint8).reshape(count, 4, 4)


def external_storage(file: h5py.File, folder: Path) -> None:
    file.create_dataset("X_train", (4, 4, 4), "u1", external=[(str(secret(folder)), 0, 64)])


def external_labels(file: h5py.File, folder: Path) -> None:
    pictures(file)
    file.create_dataset("y_train", (4,), "u1", external=[(str(secret(folder)), 0, 4)])


def endless_external_storage(file: h5py.File, folder: Path) -> None:
    del folder
    file.create_dataset("X_train", (4, 4, 4), "u1", external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)])


def soft_link(file: h5py.File, folder: Path) -> None:
    del folder
    pictures(file, "hidden")
    file["X_train"] = h5py.SoftLink("/hidden")


def soft_link_to_itself(file: h5py.File, folder: Path) -> None:
    del folder
    file["X_train"] = h5py.SoftLink("/X_train")


def external_link(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        pictures(other)
    file["X_train"] = h5py.ExternalLink(str(folder / "other.h5"), "X_train")


def external_link_in_labels(file: h5py.File, folder: Path) -> None:
    pictures(file)
    with h5py.File(folder / "other.h5", "w") as other:
        pictures(other, "y")
    file["y_train"] = h5py.ExternalLink(str(folder / "other.h5"), "y")


def virtual(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        pictures(other)
    layout = h5py.VirtualLayout((4, 4, 4), "u1")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "X_train", shape=(4, 4, 4))
    file.create_virtual_dataset("X_train", layout)


def virtual_of_itself(file: h5py.File, folder: Path) -> None:
    del folder
    layout = h5py.VirtualLayout((4, 4, 4), "u1")
    layout[:] = h5py.VirtualSource(".", "X_train", shape=(4, 4, 4))
    file.create_virtual_dataset("X_train", layout)


def empty_virtual(file: h5py.File, folder: Path) -> None:
    del folder
    file.create_virtual_dataset("X_train", h5py.VirtualLayout((10**9, 64, 64), "u1"), fillvalue=1)


def of(**options: Any) -> Callable[[h5py.File, Path], None]:
    def make(file: h5py.File, folder: Path) -> None:
        del folder
        file.create_dataset("X_train", **options)

    return make


def a_group(file: h5py.File, folder: Path) -> None:
    del folder
    file.create_group("X_train")


def a_named_type(file: h5py.File, folder: Path) -> None:
    del folder
    file["X_train"] = np.dtype("f8")


def references(file: h5py.File, folder: Path) -> None:
    del folder
    file.create_dataset("X_train", data=[file.ref] * 4, dtype=h5py.ref_dtype)


def gzip_zeros(file: h5py.File, folder: Path) -> None:
    del folder
    data = file.create_dataset("X_train", (4000, 64, 64), "f4", chunks=(100, 64, 64), compression="gzip")
    zeros = zlib.compress(bytes(100 * 64 * 64 * 4), 9)
    for first in range(0, 4000, 100):
        data.id.write_direct_chunk((first, 0, 0), zeros)


def gzip_in_gzip(file: h5py.File, folder: Path) -> None:
    """A chunk of 4 KB that unpacks to 300 MB, in a dataset that declares 16 KB."""
    del folder
    data = file.create_dataset("X_train", (4, 64, 64), "u1", chunks=(4, 64, 64), compression="gzip")
    data.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(300_000_000), 1))


def lzf_nonsense(file: h5py.File, folder: Path) -> None:
    del folder
    data = file.create_dataset("X_train", (4, 64, 64), "u1", chunks=(4, 64, 64), compression="lzf")
    data.id.write_direct_chunk((0, 0, 0), b"\xff" * 5000)


def missing_chunks(file: h5py.File, folder: Path) -> None:
    del folder
    data = file.create_dataset("X_train", (40_000_000, 64, 64), "u1", chunks=(1000, 64, 64))
    data[0] = 1


def one_huge_chunk(file: h5py.File, folder: Path) -> None:
    del folder
    data = file.create_dataset(
        "X_train", (1 << 18, 64, 64), "u1", chunks=(1 << 18, 64, 64), compression="gzip"
    )
    data.id.write_direct_chunk((0, 0, 0), b"x" * 8_000_000)


def thousands_of_groups(file: h5py.File, folder: Path) -> None:
    del folder
    for number in range(20_000):
        file.create_group(f"group{number}")


_FILES: dict[str, tuple[Callable[[h5py.File, Path], None], str]] = {
    "external storage": (external_storage, "other files"),
    "external labels": (external_labels, "other files"),
    "endless external storage": (endless_external_storage, "other files"),
    "soft link": (soft_link, "is a link to other data"),
    "soft link to itself": (soft_link_to_itself, "is a link to other data"),
    "external link": (external_link, "is a link to other data"),
    "external link in labels": (external_link_in_labels, "is a link to other data"),
    "virtual": (virtual, "other files"),
    "virtual of itself": (virtual_of_itself, "other files"),
    "empty virtual": (empty_virtual, "other files"),
    "group": (a_group, "is a group"),
    "named type": (a_named_type, "is a group"),
    "references": (references, "strings, objects or references"),
    "text": (of(data=["x"] * 4), "strings, objects or references"),
    "vlen": (of(shape=(4,), dtype=h5py.vlen_dtype("u1")), "strings, objects or references"),
    "compound": (of(shape=(4,), dtype=[("a", "u1"), ("b", "f4")]), "strings, objects or references"),
    "opaque": (of(data=np.zeros(4, "V100")), "strings, objects or references"),
    "arrays": (of(shape=(4,), dtype=("u1", (4, 4))), "strings, objects or references"),
    "complex": (of(data=np.zeros((4, 4, 4), complex)), "strings, objects or references"),
    "scalar": (of(data=3), r"shape \(\)"),
    "null": (of(dtype="u1", data=h5py.Empty("u1")), "shape None"),
    "nothing": (of(shape=(0, 4, 4), dtype="u1"), r"shape \(0, 4, 4\)"),
    "many dimensions": (of(data=np.zeros((1,) * 32, "u1")), "shape"),
    "fill value": (of(shape=(10**12, 32, 32), dtype="u1", fillvalue=7), "stores 0"),
    "chunked fill value": (
        of(shape=(10**7, 32, 32), dtype="u1", chunks=(10**4, 32, 32), fillvalue=7),
        "stores 0",
    ),
    "overflowing shape": (of(shape=(2**40, 2**15, 2), dtype="f8", chunks=(1, 2**15, 2)), "chunks|holds 0"),
    "billion chunks": (
        of(shape=(2**30, 2, 2), dtype="u1", chunks=(1, 2, 2)),
        "is stored in 1,073,741,824 chunks",
    ),
    "gzip zeros": (gzip_zeros, "at most 200 bytes may be declared"),
    "gzip in gzip": (gzip_in_gzip, "damaged|memory"),
    "lzf nonsense": (lzf_nonsense, "damaged"),
    "missing chunks": (missing_chunks, "stores 4,096,000"),
    "one huge chunk": (one_huge_chunk, "chunks of 1,073,741,824 bytes"),
    "scale-offset": (
        of(data=np.zeros((9, 4, 4), "i4"), chunks=(9, 4, 4), scaleoffset=0),
        "filter number 6",
    ),
    "thousands of groups": (thousands_of_groups, "found 'group0'"),
}


def _hostile(name: str, make: Callable[[h5py.File, Path], None], said: str) -> Hostile:
    def write(folder: Path) -> Path:
        path = folder / "hostile.h5"
        with h5py.File(path, "w") as file:
            make(file, folder)
        return path

    return Hostile(name, write, said)


FILES = [_hostile(name, *file) for name, file in _FILES.items()]
