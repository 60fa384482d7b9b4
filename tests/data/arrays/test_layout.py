from __future__ import annotations

import numpy as np
import pytest

from picturewise.data.arrays.layout import Layout, check_layout, layout_of
from picturewise.errors import DataError


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


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("block", [1, 60, 150, 1 << 20])
def test_blocks_are_the_pictures_in_their_order(
    order: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picturewise.data.arrays.layout._BLOCK", block)
    array = np.arange(7 * 3 * 4 * 5, dtype=np.uint8).reshape(7, 3, 4, 5, order=order)
    layout = Layout(4, 5, 3, channels_first=True)
    found = list(layout.blocks(array))
    assert [first for first, _ in found] == [
        sum(len(part) for _, part in found[:number]) for number in range(len(found))
    ]
    np.testing.assert_array_equal(np.concatenate([part for _, part in found]), np.moveaxis(array, 1, 3))


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (
            np.zeros((3, 5, 6, 2)),
            r"x has shape \(3, 5, 6, 2\). Expected pictures of shape .*, with a height and width in 1\.\.4096",
        ),
        (
            np.zeros((3, 5, 6, 4)),
            r"x has shape \(3, 5, 6, 4\). Expected 1 or 3 channels; .* pictures\[\.\.\., :3\]",
        ),
        (
            np.zeros((3, 4, 5, 6)),
            r"x has shape \(3, 4, 5, 6\). Expected 1 or 3 channels; .* pictures\[:, :3\]",
        ),
        (np.zeros((0, 4, 4)), r"x does not contain any pictures: its shape is \(0, 4, 4\)"),
        (np.zeros(()), r"x has shape \(\). Expected pictures"),
        (np.zeros((3, 4, 4), "U2"), "x contains values of type <U2. Pass an array of integers or floats"),
        (
            np.zeros((3, 4, 4), complex),
            "x contains values of type complex128. Pass an array of integers or floats",
        ),
    ],
)
def test_arrays_that_cannot_be_pictures_are_refused(array: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        check_layout(array.shape, array.dtype, "x")
