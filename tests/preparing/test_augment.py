"""Augmentation of whole batches, against one picture at a time in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from picturewise.preparing.augment import augment, turns
from picturewise.preparing.augmentation import parse

Pictures = NDArray[np.uint8]
ALL = (
    "shift 2; crop 2; flip; cutout 3; erase; rotate 30; zoom; brightness; contrast; colour; hue; blur; noise; "
    "rand-augment; mixup 0.4"
)


def noise(batch: int, height: int, width: int, channels: int) -> Pictures:
    """Pictures in which every part looks different from every other, and nothing is black."""
    return np.random.default_rng(7).integers(1, 256, (batch, height, width, channels), dtype=np.uint8)


def augmented(pictures: Pictures, lines: str, seed: int = 0) -> NDArray[np.generic]:
    targets = torch.eye(len(pictures))
    found, same = augment(torch.from_numpy(pictures), targets, parse(lines), np.random.default_rng(seed))
    assert torch.equal(same, targets)
    assert tuple(found.shape) == pictures.shape
    return found.numpy()


def windows(padded: Pictures, height: int, width: int) -> dict[bytes, tuple[int, int]]:
    """Every window of a padded picture, and its position."""
    places = np.ndindex(padded.shape[0] - height + 1, padded.shape[1] - width + 1)
    return {padded[y : y + height, x : x + width].tobytes(): (y, x) for y, x in places}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("line", "mode"), [("shift 2", "constant"), ("crop 2", "reflect")])
def test_moved_pictures_are_windows_of_the_padded_one_and_all_windows_occur(
    line: str, mode: str, channels: int
) -> None:
    pictures = noise(400, 5, 7, channels)
    found = augmented(pictures, line)
    assert found.dtype == np.uint8
    places = set()
    for before, after in zip(pictures, found, strict=True):
        padded = np.pad(before, [(2, 2), (2, 2), (0, 0)], mode=mode)  # type: ignore[call-overload]
        places.add(windows(padded, 5, 7)[after.tobytes()])
    assert places == set(np.ndindex(5, 5))


def test_alternating_flips_mirror_those_whose_turn_it_is_and_the_others_in_the_next_epoch() -> None:
    pictures, targets = noise(6, 4, 5, 3), torch.eye(6)
    first = np.array([True, False, False, True, True, False])
    for epoch in (1, 2, 3, 4):
        mirrored = turns(first, epoch)
        found, _ = augment(
            torch.from_numpy(pictures), targets, parse("flip alternate"), np.random.default_rng(0), mirrored
        )
        expected = pictures.copy()
        chosen = first if epoch % 2 else ~first
        expected[chosen] = pictures[chosen][:, :, ::-1]
        np.testing.assert_array_equal(found.numpy(), expected)


def test_a_crop_may_be_all_but_one_pixel_of_the_picture() -> None:
    pictures = noise(50, 4, 4, 1)
    for before, after in zip(pictures, augmented(pictures, "crop 3"), strict=True):
        padded = np.pad(before, [(3, 3), (3, 3), (0, 0)], mode="reflect")
        assert after.tobytes() in windows(padded, 4, 4)


def test_half_of_the_pictures_are_flipped_left_to_right() -> None:
    pictures = noise(1000, 3, 4, 3)
    found = augmented(pictures, "flip")
    flipped = [np.array_equal(after, before[:, ::-1]) for before, after in zip(pictures, found, strict=True)]
    kept = [np.array_equal(after, before) for before, after in zip(pictures, found, strict=True)]
    assert all(one != other for one, other in zip(flipped, kept, strict=True))
    assert 420 < sum(flipped) < 580  # five standard deviations around 500
    assert found.dtype == np.uint8


@pytest.mark.parametrize("side", [1, 3, 4])
def test_a_square_of_mid_grey_is_cut_out_around_any_pixel(side: int) -> None:
    height, width = 5, 7
    pictures = np.zeros((600, height, width, 3), np.uint8)
    masks = {}
    for y, x in np.ndindex(height, width):  # the centre
        mask = np.zeros((height, width), bool)
        top, left = y - side // 2, x - side // 2
        mask[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = True
        masks[mask.tobytes()] = (y, x)
    found = augmented(pictures, f"cutout {side}")
    assert found.dtype == np.uint8
    assert set(np.unique(found)) == {0, 128}
    assert {masks[(after == 128).all(axis=2).tobytes()] for after in found} == set(masks.values())
    assert np.array_equal((found == 128).any(axis=3), (found == 128).all(axis=3))


class Turning:
    """In place of a stream of random numbers: hands out these angles."""

    def __init__(self, *angles: float) -> None:
        self.angles = np.array(angles)
        self.asked: list[tuple[float, float, int]] = []

    def uniform(self, low: float, high: float, size: int) -> NDArray[np.float64]:
        self.asked.append((low, high, size))
        return self.angles


def turned(pictures: Pictures, *angles: float) -> NDArray[np.float32]:
    random = Turning(*angles)
    found, _ = augment(torch.from_numpy(pictures), torch.eye(len(pictures)), parse("rotate 180"), random)  # type: ignore[arg-type]
    assert random.asked == [(-180, 180, len(pictures))]
    assert found.dtype == torch.float32
    return found.numpy()


@pytest.mark.parametrize("side", [4, 5])
def test_quarter_turns_of_square_pictures_are_exact_in_both_directions(side: int) -> None:
    pictures = noise(5, side, side, 3)
    found = turned(pictures, 0, 90, -90, 180, -180)
    for after, before, quarters in zip(found, pictures, [0, 1, -1, 2, 2], strict=True):
        np.testing.assert_allclose(after, np.rot90(before, quarters), atol=0.02)


def test_half_turns_of_any_shape_are_exact() -> None:
    pictures = noise(2, 3, 6, 1)
    np.testing.assert_allclose(turned(pictures, 180, -180), pictures[:, ::-1, ::-1], atol=0.02)


def turned_pixel_by_pixel(picture: Pictures, degrees: float) -> NDArray[np.float64]:
    """Turn counter-clockwise about the centre, in pixels: bilinear, black outside."""
    height, width, channels = picture.shape
    padded = np.pad(picture.astype(np.float64), [(2, 2), (2, 2), (0, 0)])
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    result = np.zeros((height, width, channels))
    for y, x in np.ndindex(height, width):
        down, right = y - (height - 1) / 2, x - (width - 1) / 2
        from_y = sine * right + cosine * down + (height - 1) / 2
        from_x = cosine * right - sine * down + (width - 1) / 2
        if not (-1 < from_y < height and -1 < from_x < width):
            continue
        top, left = math.floor(from_y), math.floor(from_x)
        v, u = from_y - top, from_x - left
        corner = padded[top + 2 : top + 4, left + 2 : left + 4]  # (2, 2, C)
        result[y, x] = (1 - v) * ((1 - u) * corner[0, 0] + u * corner[0, 1])
        result[y, x] += v * ((1 - u) * corner[1, 0] + u * corner[1, 1])
    return result


@given(st.integers(1, 9), st.integers(1, 9), st.floats(-180, 180))
def test_a_turn_by_any_angle_equals_a_loop_over_pixels_also_where_pictures_are_not_square(
    height: int, width: int, degrees: float
) -> None:
    pictures = noise(1, height, width, 1)
    expected = turned_pixel_by_pixel(pictures[0], degrees)
    np.testing.assert_allclose(turned(pictures, degrees)[0], expected, atol=0.05)


def test_turned_pictures_stay_in_the_range_of_pixels() -> None:
    found = augmented(noise(50, 9, 6, 3), "rotate 45")
    assert 0 <= found.min() <= found.max() <= 255.001


@given(st.integers(0, 1000))
def test_mixup_blends_each_picture_with_one_partner_in_the_shares_of_their_targets(seed: int) -> None:
    pictures = noise(6, 3, 4, 3)
    found, targets = augment(
        torch.from_numpy(pictures), torch.eye(6), parse("mixup 0.4"), np.random.default_rng(seed)
    )
    shares = targets.numpy()  # row i: how much of each picture is in picture i
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-6)  # partners are a permutation
    assert (shares >= 0).all()
    assert ((shares > 0).sum(axis=1) <= 2).all()
    own = shares.diagonal()
    mixed = own[own < 0.9999999]  # without pictures that are paired with themselves
    np.testing.assert_allclose(mixed, np.full_like(mixed, own.min()), atol=1e-6)  # one share for the batch
    blend = np.tensordot(shares, pictures.astype(np.float64), axes=1)
    np.testing.assert_allclose(found.numpy(), blend, atol=1e-3)


def test_shares_of_mixup_follow_their_beta_distribution() -> None:
    shares = []
    for seed in range(300):
        _, targets = augment(
            torch.zeros(2, 1, 1, 1), torch.eye(2), parse("mixup 0.2"), np.random.default_rng(seed)
        )
        shares.append(float(targets[0].max()))
    # From Beta(0.2, 0.2), the larger share of a pair is above 0.9 in 67 of 100 batches; here also
    # whenever both are paired with themselves, half of the time.
    assert 0.75 < np.mean(np.array(shares) > 0.9) < 0.92


@pytest.mark.parametrize("line", [*ALL.split("; "), "crop random", "cutmix", ALL])
def test_equal_streams_give_equal_pictures_and_others_do_not(line: str) -> None:
    def result(seed: int) -> tuple[bytes, bytes]:
        pictures, targets = torch.from_numpy(noise(8, 6, 7, 3)), torch.eye(8)
        found, mixed = augment(pictures, targets, parse(line), np.random.default_rng(seed))
        assert (pictures.numpy() == noise(8, 6, 7, 3)).all()
        assert torch.equal(targets, torch.eye(8))
        return found.numpy().tobytes(), mixed.numpy().tobytes()

    assert result(1) == result(1)
    assert result(1) != result(2)


def test_pictures_stay_uint8_until_they_are_turned_or_blended() -> None:
    assert augmented(noise(4, 6, 6, 1), "shift 1; crop 1; flip; cutout 2; erase").dtype == np.uint8
    assert (
        augmented(noise(4, 6, 6, 1), "rotate 5; shift 1; crop 1; flip; cutout 2; erase").dtype == np.float32
    )


@pytest.mark.parametrize("line", [*ALL.split("; "), "crop random", "cutmix"])
def test_any_number_of_threads_gives_the_same_pictures(line: str) -> None:
    pictures, targets = torch.from_numpy(noise(3, 150, 151, 3)), torch.eye(3)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            results.append(augment(pictures, targets, parse(line), np.random.default_rng(4)))
    finally:
        torch.set_num_threads(before)
    for found, mixed in results[1:]:
        assert torch.equal(found, results[0][0])
        assert torch.equal(mixed, results[0][1])


def test_without_lines_nothing_happens() -> None:
    np.testing.assert_array_equal(augmented(noise(3, 4, 4, 1), ""), noise(3, 4, 4, 1))
