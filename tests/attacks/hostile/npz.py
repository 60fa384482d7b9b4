"""Hostile `.npz` files: arrays of objects, headers that lie or are code, names that lead out, bombs."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping

import numpy as np

from hostile.file import Hostile, holding
from hostile.pickles import MARKER, Calls


def npz(**arrays: bytes) -> bytes:
    """Return a zip of the files `NAME.npy`, packed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in arrays.items():
            packed.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(header: str, content: bytes = b"", version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + content


def plain(descr: str = "|u1", shape: str = "(2, 4, 4)", content: bytes = bytes(32)) -> bytes:
    return npy(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n", content)


def labels() -> bytes:
    return plain(shape="(2,)", content=b"\0\1")


def objects() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}, []], object), allow_pickle=True)
    content = buffer.getvalue()

    return content[: content.rindex(b"\n") + 1] + pickle.dumps(Calls(os.system, f"touch {MARKER}"))


_OBJECTS = "again as integers or floats; Picturewise never runs code from files"
_SHAPE = "declares the array shape|needs .* bytes, but has|has shape"
_FILES: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "Python objects": (objects, "contains an array of Python objects. Save it " + _OBJECTS),
    "Python objects as labels": (
        lambda: npz(x_train=plain(), y_train=objects()),
        "contains an array of Python objects",
    ),
    "fields": (lambda: plain("[('a', '|u1')]"), _OBJECTS),
    "fields with objects": (
        lambda: npy("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (2,), }\n"),
        _OBJECTS,
    ),
    "void": (lambda: plain("|V4", "(2, 4)"), _OBJECTS),
    "dates": (lambda: plain("<M8[ns]"), _OBJECTS),
    "complex numbers": (lambda: plain("<c8"), _OBJECTS),
    "a header that is a call": (lambda: npy(f"__import__('os').system('touch {MARKER}')\n"), _OBJECTS),
    "a header with a call in it": (
        lambda: plain(shape=f"(2, 4, __import__('os').system('touch {MARKER}'))"),
        _OBJECTS,
    ),
    "a header 100,000 deep": (
        lambda: npy("(" * 50_000 + ")" * 10_000, version=2),
        _OBJECTS,
    ),
    "a header of gigabytes": (
        lambda: b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + b"{",
        _OBJECTS,
    ),
    "a header of brackets": (lambda: npy("[" * 4000), _OBJECTS),
    "a header of minus signs": (lambda: npy("-" * 4000 + "1"), _OBJECTS),
    "a header as deep as Python reads": (lambda: npy("(" * 190 + ")" * 190), _OBJECTS),
    "a type of types": (
        lambda: npy(
            "{'descr': " + "(" * 28 + "'u1'" + ", (99999,))" * 28 + ", 'fortran_order': True, 'shape': ()}"
        ),
        _OBJECTS,
    ),
    "a header of sides": (lambda: plain(shape="(" + "1, " * 1000 + ")"), _SHAPE),
    "an unknown version": (lambda: npy("{}", version=9), "has version 9 of NumPy's .npy format"),
    "no magic": (lambda: b"\x80\2cos\nsystem\n.", "is truncated or is not in NumPy's"),
    "a shape of gigabytes": (lambda: plain(shape="(100000, 1000, 1000)"), _SHAPE),
    "sides that overflow": (lambda: plain(shape="(4294967296, 4294967296, 1)"), _SHAPE),
    "sides that multiply to zero": (
        lambda: plain(shape=f"({2**47}, {2**47}, {2**47}, 0)", content=b""),
        _SHAPE,
    ),
    "a negative side": (lambda: plain(shape="(-1, 4, 4)"), _SHAPE),
    "too few bytes": (lambda: plain(content=bytes(31)), _SHAPE),
    "too many bytes": (lambda: plain(content=bytes(33)), _SHAPE),
    "texts for pictures": (lambda: plain("<U4", "(2,)"), "an array of integers or floats"),
    "class names beyond Unicode": (
        lambda: npz(x_train=plain(), y_train=labels(), labels=plain("<U1", "(2,)", b"\xff" * 8)),
        "contains damaged strings",
    ),
    "a bomb": (
        lambda: plain(shape="(100, 1024, 1024)", content=bytes(100 << 20)),
        "unpacks to more than 200 times",
    ),
}


def _hostile(name: str, content: Callable[[], bytes], said: str) -> Hostile:
    def whole() -> bytes:
        made = content()
        return made if made.startswith(b"PK") else npz(x_train=made, y_train=labels())

    return holding(name, "set.npz", whole, said)


FILES = [
    *(_hostile(name, *file) for name, file in _FILES.items()),
    holding(
        "a name with ..",
        "set.npz",
        lambda: npz(**{"../../x_train": plain()}),
        "which points outside the archive",
    ),
    holding(
        "an absolute name",
        "set.npz",
        lambda: npz(**{"/x_train": plain()}),
        "which points outside the archive",
    ),
    holding("no zip", "set.npz", lambda: b"\x80\2cos\nsystem\n.", "is not a valid .npz file"),
]
