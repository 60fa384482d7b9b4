"""Erased and exchanged rectangles; those of `cutout` are in test_augment.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from picturewise.preparing.augment import augment
from picturewise.preparing.augmentation import parse

Pictures = NDArray[np.uint8]


def erased(pictures: Pictures, line: str, seed: int = 0) -> Pictures:
    found, _ = augment(
        torch.from_numpy(pictures), torch.eye(len(pictures)), parse(line), np.random.default_rng(seed)
    )
    assert found.dtype == torch.uint8
    return found.numpy()


def rectangle(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return top, left, height and width of the only rectangle of a mask (H, W)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert mask.sum() == height * width
    return rows[0], columns[0], height, width


def masks(found: Pictures, seed: int, line: str) -> NDArray[np.bool_]:
    """Return which pixels were erased: those that are equal for any original."""
    black, white = (erased(np.full_like(found, value), line, seed) for value in (0, 255))
    same: NDArray[np.bool_] = (black == white).all(axis=3)
    return same


@pytest.mark.parametrize("channels", [1, 3])
def test_half_of_the_pictures_lose_a_rectangle_of_the_share_in_the_range(channels: int) -> None:
    pictures = np.zeros((1000, 40, 60, channels), np.uint8)
    line = "erase 0.05..0.2"
    mask = masks(pictures, 0, line)
    chosen = mask.any(axis=(1, 2))
    assert 420 < chosen.sum() < 580  # five standard deviations around 500
    found = erased(pictures, line)
    assert not found[~mask].any()
    boxes = [rectangle(one) for one in mask[chosen]]
    shares = np.array([height * width for _, _, height, width in boxes]) / 2400
    assert stats.kstest(shares, stats.uniform(0.05, 0.15).cdf).pvalue > 0.001
    aspects = np.log([height / width for _, _, height, width in boxes])
    assert stats.kstest(aspects, stats.uniform(np.log(0.3), 2 * np.log(1 / 0.3)).cdf).pvalue > 0.001
    tops = [top / (40 - height) for top, _, height, _ in boxes if height < 40]
    assert stats.kstest(tops, stats.uniform.cdf).pvalue > 0.001
    values = found[mask].ravel()
    assert stats.chisquare(np.bincount(values, minlength=256)).pvalue > 0.001


def test_a_rectangle_may_be_the_whole_picture_and_is_at_least_one_pixel() -> None:
    pictures = np.zeros((40, 5, 3, 1), np.uint8)
    assert {tuple(map(int, rectangle(mask))) for mask in masks(pictures, 1, "erase 0.02") if mask.any()} <= {
        (row, column, 1, 1) for row in range(5) for column in range(3)
    }
    large = masks(np.zeros((400, 5, 3, 1), np.uint8), 1, "erase 1..1")
    assert large.all(axis=(1, 2)).any()


def mixed(
    batch: int, height: int, width: int, line: str = "cutmix", seed: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the number of the picture (B, H, W) that each pixel came from, and the targets (B, B)."""
    pictures = np.empty((batch, height, width, 2), np.uint8)
    pictures[..., 0] = np.arange(batch)[:, None, None]
    pictures[..., 1] = np.arange(height * width).reshape(height, width)  # the place, which must not change
    found, targets = augment(
        torch.from_numpy(pictures), torch.eye(batch), parse(line), np.random.default_rng(seed)
    )
    assert found.dtype == torch.uint8
    assert np.array_equal(found.numpy()[..., 1], pictures[..., 1])
    return found.numpy()[..., 0].astype(np.int64), targets.numpy().astype(np.float64)


@pytest.mark.parametrize("seed", range(5))
def test_cutmix_pastes_a_rectangle_of_a_partner_at_the_same_place_and_blends_the_targets_by_area(
    seed: int,
) -> None:
    origin, targets = mixed(100, 9, 12, seed=seed)
    partners = []
    for number, (pixels, shares) in enumerate(zip(origin, targets, strict=True)):
        np.testing.assert_allclose(shares, np.bincount(pixels.ravel(), minlength=100) / 108, atol=1e-6)
        foreign = pixels != number
        if foreign.any():
            rectangle(foreign)
            (partner,) = np.unique(pixels[foreign])
            partners.append(partner)
    assert len(partners) > 60
    assert len(set(partners)) == len(partners)  # a permutation
    assert len({targets[number, number] for number in range(100)}) > 20  # each picture has its own rectangle


def test_the_areas_of_cutmix_follow_the_beta_distribution_where_rectangles_are_inside() -> None:
    inside = []
    for seed in range(40):
        origin, _ = mixed(100, 12, 12, "cutmix 1", seed)
        for number, pixels in enumerate(origin):
            foreign = pixels != number
            if foreign.any():
                top, left, height, width = rectangle(foreign)
                if 0 < top < 12 - height and 0 < left < 12 - width:
                    inside.append(height)
    # The side is the root of a uniform share, rounded down; in the middle, (11 - h)^2 of the 144 centres are inside.
    heights = np.arange(1, 10)
    weights = (((heights + 1) / 12) ** 2 - (heights / 12) ** 2) * (11 - heights) ** 2
    counts = np.bincount(inside, minlength=10)[1:10]
    assert stats.chisquare(counts, counts.sum() * weights / weights.sum()).pvalue > 0.001
