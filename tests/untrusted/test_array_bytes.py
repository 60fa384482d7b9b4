from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from picturewise.errors import DataError
from picturewise.untrusted.array_bytes import MAX_DIMENSIONS, array_from, plain_dtype

CODES = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def refusal(content: bytes, shape: tuple[Any, ...], dtype: str = "u1") -> str:
    with pytest.raises(DataError) as caught:
        array_from(content, np.dtype(dtype), shape, where="x")
    return str(caught.value)


@pytest.mark.parametrize(("code", "order"), list(itertools.product(CODES, "<>=|")))
def test_every_plain_type_is_numpys(code: str, order: str) -> None:
    assert plain_dtype(code, order, where="x") == np.dtype((order if order != "|" else "=") + code)


@pytest.mark.parametrize(
    "code", ["O", "O8", "V4", "S3", "U3", "M8", "m8", "c8", "c16", "f16", "i3", "", "u", "u1,u1"]
)
def test_every_other_type_is_refused(code: str) -> None:
    kind = "Python objects" if code.startswith("O") else f"type {code!r}"
    said = f"x contains an array of {kind}. Save it again as integers or floats; Picturewise never runs code from"
    said += " files."
    with pytest.raises(DataError) as caught:
        plain_dtype(code, "<", where="x")
    assert str(caught.value) == said


@pytest.mark.parametrize("order", ["", "!", "<<", "@"])
def test_every_other_order_is_refused(order: str) -> None:
    with pytest.raises(DataError, match="again as integers or floats"):
        plain_dtype("u1", order, where="x")


@given(
    stn.arrays(
        st.sampled_from([np.dtype(code) for code in CODES]),
        stn.array_shapes(min_dims=0, max_dims=6, min_side=0),
    ),
    st.booleans(),
)
def test_bytes_become_the_array_that_they_were(array: np.ndarray, fortran: bool) -> None:
    content = array.tobytes(order="F" if fortran else "C")
    found = array_from(content, array.dtype, array.shape, fortran=fortran, where="x")
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)


def test_nothing_is_copied_and_nothing_can_be_written() -> None:
    content = bytearray(range(6))
    found = array_from(memoryview(content).toreadonly(), np.dtype("u1"), (2, 3), where="x")
    content[0] = 99
    assert found[0, 0] == 99
    assert not found.flags.writeable


@pytest.mark.parametrize(("count", "found"), [(5, "but has 5"), (7, "but has 7"), (0, "but has 0")])
def test_exactly_the_promised_bytes_must_be_there(count: int, found: str) -> None:
    assert refusal(bytes(count), (1, 3), "u2") == (
        f"x is truncated or damaged: an array of 1x3 uint16 needs 6 bytes, {found}. Download it again."
    )


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((-1,), "(-1,)"),
        ((2, -3), "(2, -3)"),
        ((1 << 48,), "(281474976710656,)"),
        ((1,) * (MAX_DIMENSIONS + 1), "(1, 1, 1, 1, 1, 1, 1, 1, 1)"),
        ((1 << 64,), "(…)"),
        ((True,), "(…)"),
        ((1.0,), "(…)"),
        (("1",), "(…)"),
        (([],), "(…)"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(shape: tuple[Any, ...], shown: str) -> None:
    assert (
        refusal(b"\0", shape)
        == f"x declares the array shape {shown}, which is not valid. The file may be damaged: download it again."
    )


def test_a_shape_may_have_the_most_dimensions() -> None:
    assert array_from(b"\7", np.dtype("u1"), (1,) * MAX_DIMENSIONS, where="x").sum() == 7


def test_sides_that_multiply_to_zero_are_refused_where_numpy_cannot_count_them() -> None:
    assert "declares the array shape" in refusal(b"", (2**47, 2**47, 2**47, 0))
    assert array_from(b"", np.dtype("u1"), (2**20, 0, 2**20), where="x").size == 0
