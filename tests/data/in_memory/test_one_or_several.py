"""What a shape means: one picture or several, and where its channels are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from picturewise.data.in_memory.one_or_several import arranged
from picturewise.errors import DataError

GREY, COLOUR = (28, 28, 1), (28, 28, 3)


def numbered(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.int64).reshape(shape)


@pytest.mark.parametrize(
    ("shape", "trained", "found", "single"),
    [
        ((5, 7), GREY, (1, 5, 7, 1), True),
        ((28, 28), GREY, (1, 28, 28, 1), True),
        ((256, 256), GREY, (1, 256, 256, 1), True),
        ((28, 28, 3), GREY, (1, 28, 28, 3), True),
        ((28, 28, 1), COLOUR, (1, 28, 28, 1), True),
        ((9, 5, 7), GREY, (9, 5, 7, 1), False),
        ((3, 28, 28), GREY, (3, 28, 28, 1), False),
        ((1, 28, 28), GREY, (1, 28, 28, 1), False),
        ((6, 5, 4), (5, 4, 1), (6, 5, 4, 1), False),
        ((2, 28, 30, 3), GREY, (2, 28, 30, 3), False),
        ((3, 28, 28, 1), GREY, (3, 28, 28, 1), False),
        ((10, 784), GREY, (10, 28, 28, 1), False),
        ((10, 6), (2, 3, 1), (10, 2, 3, 1), False),
    ],
)
def test_an_array_has_its_channels_last(
    shape: tuple[int, ...], trained: tuple[int, int, int], found: tuple[int, ...], single: bool
) -> None:
    array = numbered(*shape)
    pictures, one, _ = arranged(array, trained, "It")
    assert (pictures.shape, one) == (found, single)
    assert np.array_equal(pictures.ravel(), array.ravel())


@pytest.mark.parametrize(
    ("shape", "trained", "found", "single"),
    [
        ((5, 7), GREY, (1, 5, 7, 1), True),
        ((3, 28, 30), COLOUR, (1, 28, 30, 3), True),
        ((1, 28, 30), COLOUR, (1, 28, 30, 1), True),
        ((9, 5, 7), GREY, (9, 5, 7, 1), False),
        ((2, 3, 28, 30), COLOUR, (2, 28, 30, 3), False),
        ((2, 28, 30, 3), COLOUR, (2, 28, 30, 3), False),
    ],
)
def test_a_tensor_has_its_channels_first(
    shape: tuple[int, ...], trained: tuple[int, int, int], found: tuple[int, ...], single: bool
) -> None:
    array = numbered(*shape)
    pictures, one, _ = arranged(torch.from_numpy(array), trained, "It")
    assert (pictures.shape, one) == (found, single)
    if found[3] == 3 and shape[-1] != 3:
        assert np.array_equal(np.moveaxis(pictures, 3, 1).ravel(), array.ravel())
    else:
        assert np.array_equal(pictures.ravel(), array.ravel())


def test_an_array_of_several_with_channels_first_can_be_nothing_else() -> None:
    array = numbered(2, 3, 28, 30)
    assert np.array_equal(arranged(array, COLOUR, "It").pictures, array.transpose(0, 2, 3, 1))


@pytest.mark.parametrize(
    ("value", "trained", "said"),
    [
        (numbered(3, 28, 3), GREY, r"channels last or first\. Pass it to picturewise\.predict with hints"),
        (numbered(3, 28, 28), COLOUR, r"three grey pictures, or one with its channels first\. Pass x\[\.\.\., None\]"),
        (numbered(28, 28, 4), GREY, r"one picture with transparency, or several grey pictures\. Pass x\[\.\.\., :-1\]"),
        (numbered(5, 3, 28, 3), GREY, r"channels last or first\. Pass it to picturewise\.predict with hints"),
        (numbered(28, 28, 1, 1), COLOUR, r"looks like \(H, W, C, N\)\. Pass np\.moveaxis\(x, -1, 0\)"),
        (numbered(28, 28, 1, 3), COLOUR, r"looks like \(H, W, C, N\)"),
        (numbered(28, 28, 3, 10), COLOUR, r"looks like \(H, W, C, N\)"),
        (numbered(5, 28, 28, 4), GREY, r"xpected 1 or 3 channels; leave out a fourth"),
        (numbered(5, 28, 28, 2), GREY, r"xpected pictures of shape"),
        (numbered(64, 64), (8, 8, 1), r"64 pictures of shape \(8, 8\) as rows\. Pass x\[None\] or x\.reshape\(-1, 8"),
        (torch.zeros(28, 28, 3), COLOUR, r"several grey pictures\. If it is one picture, pass x\.permute"),
        (torch.zeros(3, 28, 28), GREY, r"three grey pictures, or one with its channels first\. Pass x\[:, None\]"),
        (numbered(5), GREY, r"has shape \(5,\)\. Expected \(H, W\), \(H, W, C\), \(N, H, W\) or"),
        (np.float64(3.5), GREY, r"has shape \(\)\. Expected"),
        (numbered(1, 1, 1, 28, 28), GREY, r"has shape \(1, 1, 1, 28, 28\)\. Expected"),
        (np.zeros((0, 28, 28)), GREY, r"has shape \(0, 28, 28\), so it is empty"),
        (np.zeros((28, 28), object), GREY, r"has dtype object\. Pass integers or floats"),
        (np.zeros((28, 28), complex), GREY, r"has dtype complex128\. Pass"),
        (np.broadcast_to(np.uint8(0), (5, 5000)), GREY, r"pictures would be 5x5,000\. Expected at most 4,096"),
    ],
)  # fmt: skip
def test_what_is_no_picture_or_can_be_two_things_is_refused(
    value: Any, trained: tuple[int, int, int], said: str
) -> None:
    with pytest.raises(DataError, match=rf"^It .*{said}"):
        arranged(value, trained, "It")


@pytest.mark.parametrize(
    ("shape", "layout", "found"),
    [
        ((3, 28, 28), "channels-first", (1, 28, 28, 3)),
        ((3, 28, 28), "channels-last", (3, 28, 28, 1)),
        ((5, 3, 28, 3), "channels-first", (5, 28, 3, 3)),
        ((5, 3, 28, 3), "channels-last", (5, 3, 28, 3)),
    ],
)
def test_what_the_user_says_of_the_channels_decides(
    shape: tuple[int, ...], layout: Any, found: tuple[int, ...]
) -> None:
    assert arranged(numbered(*shape), COLOUR, "It", layout).pictures.shape == found


def test_rows_of_colour_are_read_in_the_order_in_which_they_are_smooth() -> None:
    smooth = np.add.outer(np.arange(16), np.arange(16))[None, :, :, None] * np.array([1, 3, 5])
    planar = smooth.transpose(0, 3, 1, 2).reshape(1, -1)
    rows = np.repeat(planar, 4, axis=0)
    found = arranged(rows, (16, 16, 3), "It")
    assert np.array_equal(found.pictures[0], smooth[0])
    assert "planar" in found.notes[0]


def test_what_fails_to_become_an_array_is_told() -> None:
    class Broken:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise KeyError("nothing")

    with pytest.raises(DataError, match=r"^It: cannot convert the Broken to an array"):
        arranged(Broken(), GREY, "It")


@pytest.mark.parametrize(
    ("value", "trained", "ways"),
    [
        (numbered(3, 28, 28), COLOUR, {(3, 28, 28, 1), (1, 28, 28, 3)}),
        (numbered(28, 28, 4), GREY, {(1, 28, 28, 3), (28, 28, 4, 1)}),
        (numbered(64, 64), (8, 8, 1), {(1, 64, 64, 1), (64, 8, 8, 1)}),
        (numbered(192, 192), (8, 8, 3), {(1, 192, 192, 1), (192, 8, 8, 3)}),
        (numbered(28, 28, 3, 10), COLOUR, {(10, 28, 28, 3)}),
        (torch.zeros(28, 28, 3), GREY, {(1, 28, 28, 3)}),
        (torch.zeros(28, 28, 3), COLOUR, {(1, 28, 28, 3)}),
        (torch.zeros(3, 28, 28), GREY, {(3, 28, 28, 1), (1, 28, 28, 3)}),
    ],
)
def test_the_ways_out_that_a_refusal_offers_work(
    value: Any, trained: tuple[int, int, int], ways: set[tuple[int, ...]]
) -> None:
    with pytest.raises(DataError) as refusal:
        arranged(value, trained, "It")
    offered = (
        str(refusal.value).rpartition("ass ")[2].removesuffix(".").removesuffix(" instead").split(" or ")
    )
    found = [eval(way, {"x": value, "np": np}) for way in offered]
    assert {arranged(one, trained, "It").pictures.shape for one in found} == ways
