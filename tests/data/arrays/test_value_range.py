from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from picturewise.data.arrays.value_range import ValueRange, find_value_range
from picturewise.errors import DataError


def in_twos(array: np.ndarray) -> Callable[[], Iterator[tuple[int, np.ndarray]]]:
    return lambda: ((first, array[first : first + 2]) for first in range(0, len(array), 2))


def found(array: np.ndarray, **statistics: np.ndarray) -> ValueRange:
    return find_value_range(array.dtype, in_twos(array), "x", **statistics)


def pixels(count: int = 7) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (count, 4, 5, 3)).astype(np.float64)
    values[0, 0, 0], values[-1, 0, 0] = 0, 255
    return values


def test_floats_are_rounded_and_scaled() -> None:
    assert ValueRange().to_bytes(np.array([[0.4, 0.6, 255.0]]), "x", 0).tolist() == [[0, 1, 255]]
    assert ValueRange(255).to_bytes(np.array([[0.0, 0.5, 1.0]], np.float32), "x", 0).tolist() == [
        [0, 128, 255]
    ]
    assert ValueRange().to_bytes(np.array([[7, 255]], np.int64), "x", 0).tolist() == [[7, 255]]
    assert ValueRange(255).to_bytes(np.array([[False, True]]), "x", 0).tolist() == [[0, 255]]


def test_bytes_are_not_copied() -> None:
    values = np.arange(4, dtype=np.uint8).reshape(2, 2)
    assert ValueRange().to_bytes(values, "x", 0) is values


def test_what_rounding_moves_out_of_the_range_is_a_pixel() -> None:
    assert ValueRange(255).to_bytes(np.array([[-1e-6, 1.000001]]), "x", 0).tolist() == [[0, 255]]
    assert found(np.array([[-1e-6, 1.000001]])).factor == 255


@pytest.mark.parametrize("value", [np.nan, np.inf, -1, 256])
def test_a_value_that_is_no_pixel_is_named(value: float) -> None:
    with pytest.raises(DataError, match=rf"x: picture 12 .* has the value {value:g}, expected .* 0..255"):
        ValueRange().to_bytes(np.array([[0.0, 1.0], [2.0, 3.0], [4.0, value]]), "x", 10)


@pytest.mark.parametrize("kind", ["i2", "i8", "u4"])
def test_a_whole_number_that_is_no_pixel_is_named(kind: str) -> None:
    with pytest.raises(DataError, match=r"picture 3 .* has the value 300, expected pixels in 0\.\.255"):
        ValueRange().to_bytes(np.array([[0], [300]], kind), "x", 2)


@pytest.mark.parametrize(
    ("array", "factor"),
    [
        (pixels().astype(np.uint8), 1),
        (pixels().astype(">i4") // 255, 1),
        (pixels() > 100, 255),
        (pixels(), 1),
        (pixels() / 255, 255),
        ((pixels() / 255).astype(np.float16), 255),
    ],
    ids=["bytes", "whole", "booleans", "0..255", "0..1", "half"],
)
def test_type_and_range_say_the_factor(array: np.ndarray, factor: float) -> None:
    scale = found(array)
    assert (scale.factor, scale.spread, scale.centre) == (factor, None, None)


def test_whole_numbers_are_not_looked_at() -> None:
    assert find_value_range(np.dtype("u1"), lambda: pytest.fail("looked at"), "x").factor == 1


@pytest.mark.parametrize("top", [1, 255])
@pytest.mark.parametrize("divided", [False, True])
def test_a_normalisation_is_undone(top: int, divided: bool) -> None:
    values = pixels() / (255 / top)
    mean, std = values.mean(axis=0), values.std(axis=0) + 0.01
    stored = ((values - mean) / (std if divided else 1)).astype(np.float32)
    restored = found(stored, mean=mean, std=std).to_bytes(stored, "x", 0)
    np.testing.assert_array_equal(restored, pixels())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_picture_of_train_with_no_number_in_it_is_named(value: float) -> None:
    array = pixels()
    array[5, 1, 1, 1] = value
    with pytest.raises(
        DataError, match=rf"x: picture 5 \(counted from 0\) has the value {value:g}, expected"
    ):
        found(array)


def test_a_range_that_is_none_is_told_with_the_picture() -> None:
    array = pixels()
    array[3] *= 3
    with pytest.raises(
        DataError, match=r"values in 0\.\.\d+, expected 0\.\.1 or 0\.\.255: picture 3 .* mean_image"
    ):
        found(array)
    array = pixels()
    array[4, 0, 0, 0] = -300
    with pytest.raises(DataError, match=r"values in -300\.\.\d+, .*: picture 4 .* has -300"):
        found(array)


def test_what_stays_no_pixel_without_the_normalisation_says_so() -> None:
    scale = ValueRange(1.0, np.full((1, 1, 1), 2.0), np.full((1, 1, 1), 100.0))
    with pytest.raises(DataError, match=r"picture 0 .* has the value 300 without the normalisation"):
        scale.to_bytes(np.full((1, 2, 2, 1), 100.0), "x", 0)
    with pytest.raises(DataError, match="has the value nan"):
        scale.to_bytes(np.full((1, 2, 2, 1), np.nan), "x", 0)
