from __future__ import annotations

import io
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.data.mapping import map_file
from sightline.data.npy import decode_npy
from sightline.errors import DataError


def saved(array: NDArray[Any], version: tuple[int, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version, allow_pickle=False)
    return buffer.getvalue()


def with_header(header: str, values: bytes = b"") -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode("latin-1") + values


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.arange(6, dtype=">f4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(7),
        np.zeros((0, 4), np.int64),
        np.array(["cat", "dög"]),
    ],
)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_what_numpy_writes_comes_back(array: NDArray[Any], version: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(saved(array, version))
    for content in (saved(array, version), map_file(tmp_path / "a.npy")):
        found = decode_npy(content, "a.npy")
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_headers_of_older_versions_are_read() -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 1L), }\n"
    assert decode_npy(with_header(header, b"ab"), "a.npy").tolist() == [[97], [98]]


@pytest.mark.parametrize(
    "shape", ["9" * 400, "9" * 19, "1 1", ",", "1,,1", " ", "L", "-1", "1, " * 33, "1" * 18 + "x", "1)(1"]
)
def test_a_shape_that_is_none_is_refused_at_once(shape: str) -> None:
    began = time.process_time()
    with pytest.raises(DataError):
        decode_npy(with_header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}"), "a.npy")
    assert time.process_time() - began < 1


def test_texts_of_what_is_no_character_are_refused() -> None:
    for number in (0x110000, 0xFFFFFFFF, 0x80000000):
        content = saved(np.array(["a", "b"]))[:-4] + struct.pack("<I", number)
        with pytest.raises(DataError, match="holds texts that are damaged"):
            decode_npy(content, "a.npy")
