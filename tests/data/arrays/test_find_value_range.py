from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from picturewise.data.arrays.find_value_range import find_value_range
from picturewise.data.arrays.value_range import PLAIN, Ends, ValueRange
from picturewise.errors import DataError


def in_twos(array: np.ndarray) -> Callable[[], Iterator[tuple[int, np.ndarray]]]:
    return lambda: ((first, array[first : first + 2]) for first in range(0, len(array), 2))


def found(
    array: np.ndarray, *, said: str | None = None, learned: Ends | None = None, **statistics: np.ndarray
) -> ValueRange:
    return find_value_range(array.dtype, in_twos(array), "x", said=said, learned=learned, **statistics)


def up_to(top: float, kind: str = "f8", *, fractions: bool = True) -> np.ndarray:
    """Pictures whose values reach from 0 to `top`."""
    values = np.random.default_rng(0).random((70, 4, 5, 1)) * top
    values[0, 0, 0], values[-1, 0, 0] = 0, top
    return (values if fractions else np.rint(values)).astype(kind)


def pixels(count: int = 7) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (count, 4, 5, 3)).astype(np.float64)
    values[0, 0, 0], values[-1, 0, 0] = 0, 255
    return values


@pytest.mark.parametrize(
    ("array", "ends"),
    [
        (up_to(255, "u1", fractions=False), (0, 255)),
        (up_to(120, "u1", fractions=False), (0, 255)),
        (up_to(40, "u1", fractions=False), (0, 255)),
        (up_to(17, "u1", fractions=False), (0, 255)),
        (up_to(255, ">i4", fractions=False), (0, 255)),
        (up_to(60, "i8", fractions=False), (0, 255)),
        (np.zeros((2, 4, 4, 1), np.uint8), (0, 255)),
        (np.zeros((2, 4, 4, 1)), (0, 1)),
        (up_to(1) > 0.4, (0, 1)),
        (up_to(255), (0, 255)),
        (up_to(140), (0, 255)),
        (up_to(255.2) - 0.2, (0, 255)),  # as smoothing leaves them
        (up_to(200, fractions=False), (0, 255)),
        (up_to(1), (0, 1)),
        (up_to(1, "f2"), (0, 1)),
        (up_to(0.3), (0, 1)),
        (up_to(1, fractions=False), (0, 1)),
    ],
)
def test_what_nearly_all_have_is_taken_without_a_word(array: np.ndarray, ends: Ends) -> None:
    scale = found(array)
    assert ((scale.low, scale.high), scale.note, scale.kept) == (ends, None, None)


@pytest.mark.parametrize(
    ("array", "top"),
    [
        (up_to(1, "u1", fractions=False), 1),
        (up_to(1, "i8", fractions=False), 1),
        (up_to(15, "u1", fractions=False), 15),
        (up_to(16, "u1", fractions=False), 16),
        (up_to(16, fractions=False), 16),
        (up_to(15.9), 16),
        (up_to(2, "u1", fractions=False), 3),
        (up_to(3, "u1", fractions=False), 3),
        (up_to(7, "u1", fractions=False), 7),
        (up_to(13, "i8", fractions=False), 16),
        (up_to(9, fractions=False), 16),
        (up_to(100, "u1", fractions=False), 100),
        (up_to(100, "i4", fractions=False), 100),
        (up_to(99.6), 100),
        (up_to(900, "u2", fractions=False), 1023),
        (up_to(3856, "u2", fractions=False), 4095),
        (up_to(4080), 4095),
        (up_to(12000, "i4", fractions=False), 16383),
        (up_to(24100, "i4", fractions=False), 65535),
        (up_to(60000), 65535),
    ],
)
def test_the_largest_value_tells_other_ranges_which_is_noted_and_kept(array: np.ndarray, top: float) -> None:
    scale = found(array)
    assert scale.kept == (0, top)
    assert f"so the values were read as 0..{top:g}" in str(scale.note)
    assert "--value-range" in str(scale.note)


def test_a_few_small_numbers_say_nothing_about_where_others_would_end() -> None:
    scale = found(np.arange(12, dtype=np.uint8).reshape(2, 3, 2, 1))
    assert ((scale.low, scale.high), scale.note, scale.bright) == ((0, 255), None, False)
    assert found(np.eye(4, dtype=np.uint8)[np.newaxis, :, :, np.newaxis]).kept == (0, 1)


def test_all_of_sixteen_bits_is_kept_and_goes_without_saying() -> None:
    scale = found(up_to(50000, "u2", fractions=False))
    assert (scale.kept, scale.note) == ((0, 65535), None)


@pytest.mark.parametrize(
    "array",
    [
        up_to(1.5),
        up_to(12.3),
        up_to(50.5),
        up_to(90),
        up_to(300),
        up_to(300, "u2", fractions=False),
        up_to(511, "i8", fractions=False),
        up_to(70000, "i8", fractions=False),
        up_to(2**31, "u4", fractions=False),
        up_to(2) - 1,
        (up_to(4000, "i2", fractions=False) - 1000).astype("i2"),
    ],
)
def test_what_cannot_be_known_is_refused_with_the_way_out(array: np.ndarray) -> None:
    with pytest.raises(
        DataError, match=r"x contains values in .* instead of 0\.\.1 or 0\.\.255: picture .*--value-range"
    ):
        found(array)


def test_a_range_that_was_named_counts_and_nothing_is_looked_at() -> None:
    scale = find_value_range(np.dtype("i2"), lambda: pytest.fail("looked at"), "x", said="-1000..3000")
    assert (scale.kept, scale.note) == ((-1000, 3000), None)


def test_of_bytes_no_more_is_looked_at_than_tells_them() -> None:
    def blocks() -> Iterator[tuple[int, np.ndarray]]:
        yield 0, np.full((2, 4, 4, 1), 90, np.uint8)
        yield 2, np.full((2, 4, 4, 1), 101, np.uint8)
        pytest.fail("looked at more")

    scale = find_value_range(np.dtype(np.uint8), blocks, "x")
    assert (scale.high, scale.bright) == (255, True)


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
        DataError, match=rf"x: picture 5 \(counted from 0\) has the value {value:g}, which is not a finite"
    ):
        found(array)


def test_a_range_that_is_not_valid_is_reported_with_the_picture() -> None:
    array = pixels()
    array[3] *= 1.5
    with pytest.raises(
        DataError, match=r"values in 0\.\.\d+.* instead of 0\.\.1 or 0\.\.255: picture 3 .* mean_image"
    ):
        found(array)
    array = pixels()
    array[4, 0, 0, 0] = -300
    with pytest.raises(DataError, match=r"values in -300\.\.\d+ .*: picture 4 .* has -300"):
        found(array)


@pytest.mark.parametrize(
    ("array", "learned", "ends"),
    [
        (up_to(3000, "u2", fractions=False), (0, 4095), (0, 4095)),
        (up_to(500, "u2", fractions=False), (0, 4095), (0, 4095)),
        (up_to(255, "u1", fractions=False), (0, 4095), (0, 255)),  # bytes cannot hold 12 bits
        (up_to(12, "u1", fractions=False), (0, 16), (0, 16)),
        (up_to(200, "u1", fractions=False), (0, 16), (0, 255)),
        (up_to(0.2), (0, 1), (0, 1)),
        (up_to(1) > 0.5, (0, 16), (0, 1)),
        (up_to(2) - 1, (-1, 1), (-1, 1)),
    ],
)
def test_a_classifier_looks_at_pictures_in_the_range_that_it_was_trained_on(
    array: np.ndarray, learned: Ends, ends: Ends
) -> None:
    scale = found(array, learned=learned)
    assert ((scale.low, scale.high), scale.note) == (ends, None)


@pytest.mark.parametrize(
    ("array", "ends"),
    [
        (up_to(5, "u1", fractions=False), (0, 255)),
        (up_to(1, "u1", fractions=False), (0, 255)),
        (up_to(100, "i8", fractions=False), (0, 255)),
        (up_to(0.4), (0, 1)),
        (up_to(3000, "u2", fractions=False), (0, 4095)),
    ],
)
def test_a_classifier_of_bytes_takes_dark_pictures_for_dark(array: np.ndarray, ends: Ends) -> None:
    scale = found(array, learned=PLAIN)
    assert (scale.low, scale.high) == ends


def test_other_ranges_than_the_learned_one_are_noted_or_refused() -> None:
    scale = found(up_to(200), learned=(0, 1))
    assert (scale.low, scale.high) == (0, 255)
    assert "read as 0..255, but the classifier was trained on 0..1" in str(scale.note)
    dark = found(up_to(200, "u2", fractions=False), learned=(0, 4095))
    assert (dark.low, dark.high) == (0, 4095)
    assert "values up to 200" in str(dark.note)
    for array in (up_to(1), up_to(5000, "u2", fractions=False), up_to(2) - 1):
        with pytest.raises(DataError, match=r"the classifier was trained on 0\.\.4095\. .*--value-range"):
            found(array, learned=(0, 4095))


def test_the_way_out_is_not_an_empty_range_if_all_values_are_the_same() -> None:
    with pytest.raises(DataError, match=r"values in -7\.\.-7 .*--value-range LOW\.\.HIGH"):
        found(np.full((3, 4, 5, 1), -7.0))
