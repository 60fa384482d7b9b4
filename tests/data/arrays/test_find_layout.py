from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from picturewise.data.arrays.find_layout import FoundLayout, find_layout
from picturewise.data.arrays.layout import Layout
from picturewise.data.hints import LayoutName
from picturewise.errors import DataError


def smooth(count: int, height: int, width: int, channels: int = 3, *, grey: bool = False) -> np.ndarray:
    """Pictures (N, H, W, C) of a few soft waves with noise; in colours that differ, unless `grey`."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width] / max(height, width)
    turns = random.uniform(1, 3, (count, 1, 1, 2))
    waves = np.sin(6 * (turns[..., 0] * y + turns[..., 1] * x))[..., None]
    tint = np.ones(channels) if grey else random.uniform(0.3, 1, (count, 1, 1, channels))
    return (
        ((waves + 1) * 110 * tint + random.normal(0, 4, (count, height, width, channels)))
        .clip(0, 255)
        .astype("u1")
    )


def look(array: np.ndarray, said: LayoutName | None = None) -> FoundLayout:
    return find_layout(array.shape, array.dtype, lambda rows: array[rows], "x", said)


def rows(pictures: np.ndarray, *, planar: bool) -> np.ndarray:
    return (pictures.transpose(0, 3, 1, 2) if planar else pictures).reshape(len(pictures), -1)


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("side", [16, 32])
def test_rows_are_read_in_the_order_in_which_they_are_smooth(count: int, side: int, grey: bool) -> None:
    pictures = smooth(count, side, side, grey=grey)
    usual = look(rows(pictures, planar=False))
    assert (usual.layout, usual.note) == (Layout(side, side, 3), None)
    planar = look(rows(pictures, planar=True))
    assert planar.layout == Layout(side, side, 3, channels_first=True)
    assert planar.channels_first is True
    assert "(planar)" in str(planar.note)
    assert "--layout interleaved" in str(planar.note)
    np.testing.assert_array_equal(planar.layout.arrange(rows(pictures, planar=True)), pictures)


@pytest.mark.parametrize("shape", [(90, 64, 3, 3), (90, 3, 64, 3), (90, 28, 1, 3), (90, 28, 3, 3)])
def test_unlucky_sizes_are_read_as_is_smooth(shape: tuple[int, ...]) -> None:
    pictures = smooth(*shape)
    last = look(pictures)
    assert last.layout.shape == shape[1:]
    assert last.note is None
    if {shape[1], shape[3]} <= {1, 3} or {shape[2], shape[3]} <= {1, 3}:
        turned = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
        first = look(turned)
        np.testing.assert_array_equal(first.layout.arrange(turned), pictures)


@pytest.mark.parametrize(
    "shape", [(90, 3072), (90, 48), (90, 3, 64, 3), (90, 3, 28, 1), (90, 1, 28, 3), (90, 3, 3, 3), (2, 768)]
)
def test_what_is_as_smooth_in_both_readings_is_refused_with_the_option(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    expected = (
        "interleaved or --layout planar" if len(shape) == 2 else "channels-last or --layout channels-first"
    )
    with pytest.raises(DataError, match=f"ambiguous.* about equally smooth .*--layout {expected}"):
        look(noise)


def test_grey_pictures_in_three_channels_do_not_mix_rows_up() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 16, 16, 1), np.uint8).repeat(3, axis=3)
    with pytest.raises(DataError, match="--layout"):
        look(rows(noise, planar=False))


@pytest.mark.parametrize("said", ["planar", "interleaved"])
def test_the_option_decides(said: LayoutName) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 768), np.uint8)
    assert look(noise, said).layout.channels_first is (said == "planar")
    assert look(noise[:, :256], said).layout == Layout(16, 16, 1)  # grey ones have only one layout


def test_an_option_that_the_shape_contradicts_is_refused() -> None:
    with pytest.raises(
        DataError, match=r"shape \(9, 8, 8, 3\), which cannot be channels-first\. Omit --layout"
    ):
        look(np.zeros((9, 8, 8, 3)), "channels-first")


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((9, 1, 784), Layout(28, 28, 1, channels_first=True)),
        ((9, 784, 1), Layout(28, 28, 1)),
        ((9, 3, 1024), Layout(32, 32, 3, channels_first=True)),
        ((9, 1024, 3), Layout(32, 32, 3)),
    ],
)
def test_rows_with_an_axis_of_channels_are_squares(shape: tuple[int, ...], layout: Layout) -> None:
    found = look(np.zeros(shape, np.uint8))
    assert found.layout == layout
    colour = "grey" if layout.channels == 1 else "colour"
    assert f"read as 9 {colour} pictures of {layout.height}x{layout.width}" in str(found.note)


@pytest.mark.parametrize("shape", [(9, 3072), (9, 3, 64, 3)])
def test_flat_pictures_say_nothing_and_are_read_in_the_usual_way(shape: tuple[int, ...]) -> None:
    found = look(np.full(shape, 7, np.uint8))
    assert (found.layout.channels_first, found.note) == (False, None)


def test_no_row_is_read_where_the_shape_says_it_all() -> None:
    def never(_: Any) -> Any:
        pytest.fail("read")

    for shape in ((9, 784), (9, 28, 28), (9, 28, 28, 3), (9, 3, 28, 28)):
        assert find_layout(shape, np.dtype("u1"), never, "x").note is None


def test_a_few_megabytes_are_looked_at() -> None:
    asked: list[np.ndarray] = []

    def some(indices: np.ndarray) -> np.ndarray:
        asked.append(indices)
        return smooth(len(indices), 512, 512).reshape(len(indices), -1)

    find_layout((1000, 512 * 512 * 3), np.dtype("u1"), some, "x")
    assert len(asked[0]) == 5
    assert asked[0].tolist() == sorted(asked[0].tolist())
    assert (asked[0][0], asked[0][-1]) == (0, 999)
