from __future__ import annotations

import io
import struct
import threading
import time
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from numpy.lib import format as npy_format

from picturewise.errors import DataError
from picturewise.untrusted.npy import MAX_HEADER, decode_npy

PLAIN = st.one_of(
    stn.boolean_dtypes(),
    stn.integer_dtypes(endianness="?"),
    stn.unsigned_integer_dtypes(endianness="?"),
    stn.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
)

DAMAGED = (
    "x has a header that is damaged or longer than 4,096 bytes. Save the array again as integers or floats; "
    "Picturewise never runs code from files."
)


def saved(array: Any, version: tuple[int, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    npy_format.write_array(buffer, np.asanyarray(array), version)
    return buffer.getvalue()


def written(header: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + content


def refusal(content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        decode_npy(content, "x")
    return str(caught.value)


def test_golden_bytes_are_read() -> None:
    header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }          \n"
    array = decode_npy(written(header, bytes([0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6])), "x")
    assert array.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert array.dtype == np.dtype(">i2")


@given(stn.arrays(PLAIN, stn.array_shapes(min_dims=0, max_dims=5, min_side=0)), st.booleans())
def test_an_array_comes_out_as_numpy_reads_it(array: np.ndarray, fortran: bool) -> None:
    content = saved(np.asfortranarray(array) if fortran and array.ndim else array)
    expected, found = np.load(io.BytesIO(content)), decode_npy(content, "x")
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


@given(st.lists(st.text(max_size=10), min_size=1, max_size=5))
def test_texts_come_out_as_numpy_reads_them(names: list[str]) -> None:
    content = saved(np.array([*names, "a"]))
    np.testing.assert_array_equal(decode_npy(content, "x"), np.load(io.BytesIO(content)))


def test_bytes_for_names_come_out_as_numpy_reads_them() -> None:
    assert decode_npy(saved(np.array([b"cat", b"dog"])), "x").tolist() == [b"cat", b"dog"]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_is_read(version: tuple[int, int]) -> None:
    assert decode_npy(saved(np.arange(5), version), "x").tolist() == [0, 1, 2, 3, 4]


def test_a_header_of_several_lines_is_read_without_a_warning() -> None:
    text = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }  \n      \n\t  "
    content = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(range(6))
    assert decode_npy(content, "x").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_number_that_a_word_follows_at_once_is_refused_without_a_warning() -> None:
    header = "{'descr': '|u1', 'fortran_order': 1or 0, 'shape': (2, 3)}\n"
    with pytest.raises(DataError, match="x has a header that is damaged"):
        decode_npy(written(header, bytes(6)), "x")


def test_what_python_2_wrote_is_read() -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L)}\n"
    assert decode_npy(written(header, bytes(6)), "x").shape == (2, 3)


def test_values_are_views_into_the_content() -> None:
    content = bytearray(saved(np.zeros(10, np.uint8)))
    found = decode_npy(content, "x")
    content[-1] = 7
    assert found[-1] == 7


def test_every_truncation_is_an_error() -> None:
    content = saved(np.arange(6, dtype=np.uint8))
    for end in range(len(content)):
        assert refusal(content[:end]).startswith("x ")
    assert "needs 6 bytes, but has 5" in refusal(content[:-1])
    assert "needs 6 bytes, but has 7" in refusal(content + b"\0")


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.zeros(2, [("a", "u1")]), "'V1'"),
        (np.zeros(2, "M8[D]"), "'M8[D]'"),
        (np.zeros(2, "c8"), "'c8'"),
        (np.zeros(2, "V4"), "'V4'"),
    ],
)
def test_what_is_not_a_plain_number_is_refused(array: np.ndarray, kind: str) -> None:
    said = (
        f"x contains an array of type {kind}. Save it again as integers or floats; Picturewise never runs code from "
        "files."
    )
    assert refusal(saved(array)) == said


def test_python_objects_are_refused_by_their_header() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}, []], object), allow_pickle=True)
    assert refusal(buffer.getvalue()).startswith(
        "x contains an array of Python objects. Save it again as integers or floats;"
    )


def test_a_header_must_be_one_that_numpy_writes() -> None:
    good = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\n"
    assert decode_npy(written(good, b"\7"), "x").tolist() == [7]
    for old, new in [
        ("(1,)", "(1, )if 1else()"),
        ("(1,)", "(1.0,)"),
        ("(1,)", "[1]"),
        ("(1,)", "1"),
        ("(1,)", "(1L + 1L,)"),
        ("False", "0"),
        ("'|u1'", "u1"),
        ("'|u1'", "'|u1' '|u1'"),
        ("'|u1'", "1"),
        ("}", "} + {}"),
        ("{", "dict(a={"),
        ("'shape'", "'Shape'"),
        ("'shape'", "b'shape'"),
        (", }", ", 'more': 1}"),
        (", }", ", 'more'}"),
    ]:
        assert refusal(written(good.replace(old, new), b"\7")) == DAMAGED
    for shape in ("(-1,)", "(True,)", f"({1 << 48},)"):
        assert "declares the array shape" in refusal(written(good.replace("(1,)", shape), b"\7"))


def test_a_header_has_a_limit() -> None:
    header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }"
    assert decode_npy(written(header.ljust(MAX_HEADER), b"\7"), "x").tolist() == [7]
    assert refusal(written(header.ljust(MAX_HEADER + 1), b"\7")) == DAMAGED


@pytest.mark.parametrize("version", [b"\1\0", b"\2\0", b"\3\0"])
def test_a_header_that_promises_more_than_there_is_is_refused(version: bytes) -> None:
    assert refusal(b"\x93NUMPY" + version + b"\xff" * 4 + b"{" * 5000) == DAMAGED


# Deep for Python's parser, for its tree, and for NumPy's types; numbers, texts and unterminated tokens.
MONSTROUS = [
    "-" * 4095 + "1",
    "(" * 190 + ")" * 190,
    "[" * 190 + "]" * 190,
    "{1:" * 190 + "1" + "}" * 190,
    "(" * 4096,
    "a" + "()" * 2047,
    "1+" * 2047 + "1",
    "1**" * 1365 + "1",
    "9" * 4096,
    "0x" + "f" * 4094,
    "1e" + "9" * 4094,
    "\0" * 4096,
    "\t" * 4096,
    '"""',
    "{'descr': " + "[" * 190 + "]" * 190 + ", 'fortran_order': True, 'shape': ()}",
    "{'descr': " + "(" * 90 + "'u1'" + ", (1,))" * 90 + ", 'fortran_order': True, 'shape': ()}",
    "{'descr': " + "(" * 28 + "'u1'" + ", (99999,))" * 28 + ", 'fortran_order': True, 'shape': ()}",
    "{'descr': '" + "i4," * 1200 + "', 'fortran_order': True, 'shape': ()}",
    "{'descr': [('a', 'u1', -1)], 'fortran_order': True, 'shape': ()}",
    "{'descr': '<i8', 'fortran_order': False, 'shape': (24,), }" + ' "' + "\n" * 3000 + "\0",
]


@pytest.mark.parametrize("header", MONSTROUS, ids=lambda header: header[:20])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_monstrous_header_is_refused_at_once_and_in_little_memory(header: str, version: int) -> None:
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    content = b"\x93NUMPY" + bytes([version, 0]) + length + header.encode()
    began = time.process_time()
    tracemalloc.start()
    try:
        assert "again as integers or floats" in refusal(content)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 1


def test_no_header_ends_a_thread_with_a_stack_of_1_mb() -> None:
    refusals = []

    def read_all() -> None:
        refusals.extend(refusal(written(header)) for header in MONSTROUS)

    before = threading.stack_size(1 << 20)
    try:
        thread = threading.Thread(target=read_all)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert len(refusals) == len(MONSTROUS)


def test_an_unknown_version_and_another_file_are_reported() -> None:
    content = bytearray(saved(np.arange(3)))
    content[6] = 4
    assert (
        refusal(bytes(content))
        == "x has version 4 of NumPy's .npy format. Save it again in version 1, 2 or 3."
    )
    assert (
        refusal(b"PK\3\4" * 10)
        == "x is truncated or is not in NumPy's .npy format. Save or download it again."
    )


def test_texts_must_be_a_list_of_names() -> None:
    said = "x is truncated, or is an array of strings that is not a list of class names."
    assert refusal(saved(np.array([["a", "b"]]))) == said
    assert refusal(saved(np.array(["a", "b"]))[:-1]) == said
    damaged = bytearray(saved(np.array(["a"])))
    damaged[-4:] = b"\xff\xff\xff\xff"
    assert refusal(bytes(damaged)) == "x contains damaged strings. Download it again."


def with_header(header: str, values: bytes = b"") -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode("latin-1") + values


@pytest.mark.parametrize(
    "shape", ["9" * 400, "9" * 19, "1 1", ",", "1,,1", " ", "L", "-1", "1, " * 33, "1" * 18 + "x", "1)(1"]
)
def test_an_invalid_shape_is_refused_at_once(shape: str) -> None:
    began = time.process_time()
    with pytest.raises(DataError):
        decode_npy(with_header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}"), "a.npy")
    assert time.process_time() - began < 1
