from __future__ import annotations

import numpy as np
import pytest

from sightline.data.layouts import Layout, layout_of, to_bytes, to_labels
from sightline.errors import DataError


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((5, 28, 20), Layout(28, 20, 1)),
        ((5, 28, 20, 1), Layout(28, 20, 1)),
        ((5, 28, 20, 3), Layout(28, 20, 3)),
        ((5, 3, 28, 20), Layout(28, 20, 3, channels_first=True)),
        ((5, 1, 28, 20), Layout(28, 20, 1, channels_first=True)),
        ((5, 784), Layout(28, 28, 1)),
        ((5, 3072), Layout(32, 32, 3)),
        ((5, 785), None),
        ((5,), None),
        ((5, 4, 4, 4), None),
        ((5, 4097, 4), None),
        ((5, 3, 0, 4), None),
    ],
)
def test_shapes_say_how_pictures_lie(shape: tuple[int, ...], expected: Layout | None) -> None:
    assert layout_of(shape) == expected


def test_channels_first_become_last() -> None:
    block = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    layout = layout_of(block.shape)
    assert layout is not None
    np.testing.assert_array_equal(layout.arrange(block), np.moveaxis(block, 1, 3))


def test_floats_are_rounded_and_scaled() -> None:
    assert to_bytes(np.array([[0.4, 0.6, 255.0]]), 1, "x", 0).tolist() == [[0, 1, 255]]
    assert to_bytes(np.array([[0.0, 0.5, 1.0]], np.float32), 255, "x", 0).tolist() == [[0, 128, 255]]
    assert to_bytes(np.array([[7, 255]], np.int64), 1, "x", 0).tolist() == [[7, 255]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -1, 256])
def test_a_value_that_is_no_pixel_is_named(value: float) -> None:
    with pytest.raises(DataError, match=rf"x: picture 12 .* has the value {value:g}, expected .* 0..255"):
        to_bytes(np.array([[0.0, 1.0], [2.0, 3.0], [4.0, value]]), 1, "x", 10)


@pytest.mark.parametrize(
    "values", [[1, 0, 2], [[1], [0], [2]], [[0, 1, 0], [1, 0, 0], [0, 0, 1]], [1.0, 0.0, 2.0]]
)
def test_labels_may_be_numbers_or_one_hot(values: list[object]) -> None:
    assert to_labels(np.array(values), 3, "y").tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1, 2], "2 labels for 3 pictures"),
        ([1, -1, 0], r"label 1 \(counted from 0\) is -1"),
        ([1, 0, 1.5], "label 2 .* is 1.5"),
        ([1, 0, np.nan], "label 2 .* is nan"),
        ([1, 0, 10_000], r"is 10000, expected a whole number in 0\.\.9999"),
        ([[1, 1], [0, 1], [1, 0]], "one column per class"),
    ],
)
def test_labels_that_are_none_are_refused(values: list[object], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        to_labels(np.array(values), 3, "y")
