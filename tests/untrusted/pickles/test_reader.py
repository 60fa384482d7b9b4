from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from picturewise.errors import DataError
from picturewise.untrusted.pickles import reader

# What Python 2 and NumPy 1 wrote for {'data': array([[1, 2]], uint8), 'labels': [6, 9]}, protocol 2.
PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b"
    b"\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xff"
    b"J\xff\xff\xff\xffK\x00tb\x89U\x02\x01\x02tbU\x06labelsq\x08]q\x09(K\x06K\x09eu."
)
# The same in protocol 0, with the escapes of Python 2's repr.
PYTHON_2_TEXT = (
    b"(dp1\nS'data'\np2\ncnumpy.core.multiarray\n_reconstruct\np3\n(cnumpy\nndarray\np4\n(I0\ntS'b'\ntRp5\n"
    b"(I1\n(I1\nI2\ntcnumpy\ndtype\np6\n(S'u1'\nI0\nI1\ntRp7\n(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\n"
    b"S'\\x01\\n'\ntbsS'labels'\np8\n(lp9\nI6\naI9\nas."
)


def test_golden_bytes_of_python_2_are_read() -> None:
    table = reader.decode(PYTHON_2, "x")
    assert table[b"data"].tolist() == [[1, 2]]
    assert table[b"data"].dtype == np.uint8
    assert table[b"labels"] == [6, 9]


def test_golden_bytes_of_protocol_0_are_read() -> None:
    table = reader.decode_table(PYTHON_2_TEXT, "x")
    assert table["data"].tolist() == [[1, 10]]
    assert table["labels"] == [6, 9]


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values_come_out_as_python_has_them(protocol: int) -> None:
    value = {
        "texts": ["", "ä", "花", "a\\u0041\n", "x" * 50_000],
        b"bytes": [b"", b"\0\xff'\\\n"],
        "numbers": [0, -1, 255, 65_536, -(2**31), 2**40, 2**100, 1.5, float("inf"), True, False, None],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        7: {"inner": {}},
    }
    assert reader.decode(pickle.dumps(value, protocol), "x") == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        np.arange(6, dtype=">i4"),
        np.asfortranarray(np.arange(12, dtype="f8").reshape(3, 4)),
        np.arange(24, dtype="f4").reshape(2, 3, 4).transpose(2, 0, 1),
        np.arange(20_000, dtype="i2")[::2],
        np.array([True, False]),
        np.zeros((0, 5), "f2"),
        np.array(3.5),
        np.arange(200_000, dtype="u4"),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_come_out_as_numpy_has_them(array: np.ndarray, protocol: int) -> None:
    found, again = reader.decode(pickle.dumps([array, array], protocol), "x")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)
    assert found is again or np.shares_memory(found, again) or found.size == 0
    assert not found.flags.writeable or found.size == 0


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_scalars_come_out_as_numbers(protocol: int) -> None:
    value = [np.int64(3), np.float32(0.5), np.bool_(True), np.uint8(9), np.int64(3)]
    found = reader.decode(pickle.dumps(value, protocol), "x")
    assert found == [3, 0.5, True, 9, 3]
    assert [type(item) for item in found] == [int, float, bool, int, int]


def test_a_list_that_is_used_twice_is_not_a_bomb() -> None:
    labels = list(range(1000))
    assert reader.decode(pickle.dumps({"a": labels, "b": labels}), "x")["b"] == labels


def test_the_keys_of_a_table_are_texts_and_there_once() -> None:
    assert reader.decode_table(pickle.dumps({b"data": 1}, 2), "x") == {"data": 1}
    with pytest.raises(DataError, match="duplicate keys, or with keys that are not strings"):
        reader.decode_table(pickle.dumps({b"data": 1, "data": 2}), "x")
    with pytest.raises(DataError, match=r"x contains an object of type list\. Expected a dict of arrays"):
        reader.decode_table(pickle.dumps([1]), "x")


def test_every_truncation_is_an_error() -> None:
    for end in range(len(PYTHON_2)):
        with pytest.raises(DataError, match="truncated or damaged"):
            reader.decode(PYTHON_2[:end], "x")


def test_bytes_declared_beyond_the_end_are_reported() -> None:
    content = b"\x80\4B" + struct.pack("<I", 1000) + b"abc."
    with pytest.raises(
        DataError, match=r"truncated or damaged: 1,000 bytes are declared, but only 4 are left"
    ):
        reader.decode(content, "x")


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a.pickle"
    path.write_bytes(PYTHON_2)
    assert reader.read(path)[b"labels"] == [6, 9]
    path.write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.pickle is truncated or damaged"):
        reader.read(path)
    with pytest.raises(DataError, match="is not a regular file"):
        reader.read(tmp_path)
