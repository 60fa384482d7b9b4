from __future__ import annotations

import numpy as np
import pytest

from picturewise.data.arrays.value_range import Conversion, ValueRange
from picturewise.errors import DataError


def test_floats_are_rounded_and_scaled() -> None:
    assert ValueRange().to_bytes(np.array([[0.4, 0.6, 255.0]]), "x", 0).tolist() == [[0, 1, 255]]
    unit = ValueRange(0, 1)
    assert unit.to_bytes(np.array([[0.0, 0.5, 1.0]], np.float32), "x", 0).tolist() == [[0, 128, 255]]
    assert ValueRange().to_bytes(np.array([[7, 255]], np.int64), "x", 0).tolist() == [[7, 255]]
    assert unit.to_bytes(np.array([[False, True]]), "x", 0).tolist() == [[0, 255]]


@pytest.mark.parametrize("kind", ["u2", "i4", "u8", "f4", "f8"])
def test_any_range_and_type_comes_to_the_whole_of_bytes(kind: str) -> None:
    stored = np.array([[0, 1606, 4095]]).astype(kind)
    assert ValueRange(0, 4095).to_bytes(stored, "x", 0).tolist() == [[0, 100, 255]]


def test_sixteen_bits_are_divided_by_257_to_the_last_value() -> None:
    stored = np.arange(65536, dtype=np.uint16)[np.newaxis]
    np.testing.assert_array_equal(ValueRange(0, 65535).to_bytes(stored, "x", 0), np.rint(stored / 257))


def test_black_may_be_below_zero() -> None:
    tomography = ValueRange(-1000, 3000)
    assert tomography.to_bytes(np.array([[-1000, 1000, 3000]], np.int16), "x", 0).tolist() == [[0, 128, 255]]
    assert ValueRange(-1, 1).to_bytes(np.array([[-1.0, 0.0, 1.0]]), "x", 0).tolist() == [[0, 128, 255]]


def test_bytes_are_not_copied() -> None:
    values = np.arange(4, dtype=np.uint8).reshape(2, 2)
    assert ValueRange().to_bytes(values, "x", 0) is values


def test_what_rounding_moves_out_of_the_range_is_a_pixel() -> None:
    assert ValueRange(0, 1).to_bytes(np.array([[-1e-6, 1.000001]]), "x", 0).tolist() == [[0, 255]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -1, 256])
def test_a_value_that_is_not_a_pixel_is_named(value: float) -> None:
    with pytest.raises(
        DataError,
        match=rf"x: picture 12 .* has the value {value:g}, but the range of the training pictures is 0..255",
    ):
        ValueRange().to_bytes(np.array([[0.0, 1.0], [2.0, 3.0], [4.0, value]]), "x", 10)


@pytest.mark.parametrize("kind", ["i2", "i8", "u4"])
def test_a_whole_number_that_is_not_a_pixel_is_named(kind: str) -> None:
    with pytest.raises(
        DataError,
        match=r"picture 3 .* the value 300, but the range of the training pictures is 0\.\.255.*--value-range",
    ):
        ValueRange().to_bytes(np.array([[0], [300]], kind), "x", 2)


def test_values_outside_of_a_range_that_was_named_are_refused_and_not_cut_off() -> None:
    with pytest.raises(DataError, match=r"4096, but the range from --value-range is 0\.\.4095"):
        ValueRange.said("0..4095").to_bytes(np.array([[4096]], np.uint16), "x", 0)


def test_what_stays_no_pixel_without_the_normalisation_says_so() -> None:
    scale = ValueRange(spread=np.full((1, 1, 1), 2.0), centre=np.full((1, 1, 1), 100.0))
    with pytest.raises(DataError, match=r"picture 0 .* has the value 300 after its normalisation was undone"):
        scale.to_bytes(np.full((1, 2, 2, 1), 100.0), "x", 0)
    with pytest.raises(DataError, match="has the value nan"):
        scale.to_bytes(np.full((1, 2, 2, 1), np.nan), "x", 0)


def test_facts_make_the_range_again() -> None:
    scale = ValueRange(0, 16, plain=False, bright=True, note="a note")
    again = ValueRange.of(scale.facts())
    assert again.facts() == scale.facts()
    assert (again.kept, again.notes) == ((0, 16), ("a note",))
    assert (ValueRange().kept, ValueRange().notes) == (None, ())


def converted(values: np.ndarray, scale: ValueRange) -> list[list[int]]:
    conversion = Conversion(scale, "x_test")
    found = [
        conversion.to_bytes(values[first : first + 1], first).tolist()[0] for first in range(len(values))
    ]
    conversion.finish()
    return found


def test_a_split_in_another_unit_than_trains_is_refused_with_both_ranges() -> None:
    bright = ValueRange(bright=True)
    for dark in (
        np.array([[0.0, 0.5], [1.0, 0.2]]),
        np.array([[1, 0], [0, 0]]),
        np.array([[0, 16]], np.uint8),
    ):
        with pytest.raises(
            DataError,
            match=r"x_test contains values in 0\.\.\d+, but the train split contains values in 0\.\.255.*value-range",
        ):
            converted(dark, bright)
    with pytest.raises(DataError, match=r"in 0\.\.255, but the train split contains values in 0\.\.4095"):
        converted(np.array([[255]], np.uint16), ValueRange(0, 4095, bright=True))
    with pytest.raises(
        DataError, match=r"in 0\.\.255, but the train split contains values in 0\.\.1023"
    ):  # bytes end there, bright or not
        converted(np.array([[240]], np.uint8), ValueRange(0, 1023, bright=True))


def test_black_pictures_and_dark_sets_are_not_another_unit() -> None:
    assert converted(np.zeros((1, 2)), ValueRange(bright=True)) == [[0, 0]]
    assert converted(np.array([[1], [18]]), ValueRange(bright=True)) == [[1], [18]]
    assert converted(np.array([[1]]), ValueRange(bright=False)) == [[1]]  # train itself was dark
