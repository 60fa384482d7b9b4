"""Safetensors files written byte by byte, as they should be or not."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from random import Random
from typing import Any, NamedTuple

import numpy as np

from grammars.values import TEXTS, nested

_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


class Stored(NamedTuple):
    """A tensor as it is stored in a file."""

    dtype: str
    shape: tuple[int, ...]
    content: bytes


def stored(array: np.ndarray[Any, Any]) -> Stored:
    """Return an array of float32 or int64 as it is stored in a file."""
    return Stored("I64" if array.dtype == np.int64 else "F32", array.shape, array.tobytes())


def written(tensors: Mapping[str, Stored], metadata: Mapping[str, Any]) -> bytes:
    """Return the content of a whole file."""
    header, place = {"__metadata__": dict(metadata)}, 0
    for name, tensor in tensors.items():
        offsets = [place, place := place + len(tensor.content)]
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": offsets}
    return with_header(json.dumps(header).encode(), b"".join(tensor.content for tensor in tensors.values()))


def with_header(header: bytes, content: bytes) -> bytes:
    """Return a file of a header and the numbers behind it."""
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + content


def with_tricks(content: bytes, random: Random) -> bytes:
    """Return a file whose header is another one, or lies."""
    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    numbers = content[8 + length :]
    text = json.dumps(header)
    match random.randrange(12):
        case 0:
            return struct.pack("<Q", random.choice((0, 1, 2**20, 2**32, 2**63, 2**64 - 1))) + content[8:]
        case 1:
            return with_header(b'{"a":' + b"[" * random.choice((200, 100_000)) + b"]}", numbers)
        case 2:
            return with_header(text.encode() + b" " * random.choice((10, 2**20, 17 * 2**20)), numbers)
        case 3:
            name = random.choice(list(header))
            return with_header(
                f"{text[:-1]}, {json.dumps(name)}: {json.dumps(header[name])}}}".encode(), numbers
            )
        case 4:
            return with_header(text.encode().replace(b'"dtype"', b'"dt\xffype"', 1), numbers)
        case 5:
            return content[: random.randrange(len(content))] + bytes(random.choice((0, 0, 8)))
        case 6:
            found = bytearray(content + bytes(random.choice((0, 1, 8, 4096))))
            for _ in range(random.choice((0, 1, 3, 30))):
                found[random.randrange(len(found))] = random.randrange(256)
            return bytes(found)
        case 7:
            return random.choice(
                (b"", b"{}", b"\0" * 8, b"PK\3\4" + bytes(40), b"\x80\2}.", with_header(b"[]", b""))
            )
    _lie(header, random)
    return with_header(json.dumps(header).encode(), numbers)


def _lie(header: dict[str, Any], random: Random) -> None:
    """Change what a header says of a tensor, or of none."""
    name = random.choice([name for name in header if name != "__metadata__"] or ["a"])
    entry = header.setdefault(name, {"dtype": "F32", "shape": [], "data_offsets": [0, 0]})
    match random.randrange(7):
        case 0:
            entry["data_offsets"] = random.choice(_OFFSETS)
        case 1:
            entry["shape"] = random.choice(_SHAPES)
        case 2:
            entry["dtype"] = random.choice(
                (*_WIDTHS, "F8_E4M3", "F8_E8M0", "F4", "C64", "U64", "O", "", None, 3, TEXTS[4])
            )
        case 3:
            empty = [0, random.choice((3, 2**40, 2**62))]
            header["empty"] = {"dtype": "F32", "shape": empty, "data_offsets": [0, 0]}
        case 4:
            header[random.choice(TEXTS)] = header.pop(name)
        case 5:
            header["__metadata__"] = random.choice((None, [], "x", {"picturewise": 3}, {"a": nested(50)}, {}))
        case _:
            many = random.choice((9_000, 20_000, 250_000))
            header |= {f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(many)}


_OFFSETS = ([0, 2**40], [8, 4], [-1, 3], [0, 1], [2**63, 2**64], [0.5, 4], "x", [])
_SHAPES = ([2**40, 2**40], [0, 2**62], [2**63], [-1], [1] * 100, [0] * 70, [1.5], None, "x", [[]])


def as_dtype(array: np.ndarray[Any, Any], dtype: str) -> Stored:
    """Return an array in another type of numbers, of which NumPy may know nothing."""
    plain = {
        "F64": np.float64,
        "F16": np.float16,
        "I32": np.int32,
        "I16": np.int16,
        "I8": np.int8,
        "I64": np.int64,
    }
    with np.errstate(all="ignore"):
        if dtype == "BF16":
            return Stored(
                dtype,
                array.shape,
                (array.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes(),
            )
        return Stored(dtype, array.shape, array.astype(plain.get(dtype, np.uint8)).tobytes())
