"""The operations of RandAugment, against Pillow, and which of them are drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from picturewise.preparing.augment import augment
from picturewise.preparing.augmentation import parse
from picturewise.preparing.rand_augment import OPERATIONS, apply

Pictures = NDArray[np.uint8]


def photographs(channels: int) -> Pictures:
    """Smooth pictures with few values, and noise; some channels are nearly uniform."""
    random = np.random.default_rng(5)
    ramp = np.add.outer(np.arange(23) * 5, np.arange(31) * 3)[..., None] * np.ones(channels)
    rough = random.integers(0, 256, (23, 31, channels))
    few = random.choice([10, 40, 200], (23, 31, channels))
    narrow = 100 + random.integers(0, 9, (23, 31, channels))
    uniform = np.full((23, 31, channels), 77)
    return np.stack([ramp, rough, few, narrow, uniform]).astype(np.uint8)


def after(pictures: Pictures, operation: str, level: float) -> NDArray[np.float32]:
    found = torch.from_numpy(pictures.astype(np.float32))
    count = len(pictures)
    apply(found, np.full(count, OPERATIONS.index(operation)), np.full(count, level))
    return found.numpy()


def by_pillow(picture: Image.Image, operation: str, level: float) -> Image.Image:
    factor = 1 + 0.9 * level
    bits = 8 - round(4 * abs(level))
    match operation:
        case "brightness":
            return ImageEnhance.Brightness(picture).enhance(factor)
        case "contrast":
            return ImageEnhance.Contrast(picture).enhance(factor)
        case "colour":
            return ImageEnhance.Color(picture).enhance(factor)
        case "sharpness":
            return ImageEnhance.Sharpness(picture).enhance(factor)
        case "posterize":
            return ImageOps.posterize(picture, bits)
        case "solarize":
            return ImageOps.solarize(picture, round(255 * (1 - abs(level))))
        case "autocontrast":
            return ImageOps.autocontrast(picture)
        case "equalize":
            return ImageOps.equalize(picture)
    return picture


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [-1.0, -0.2, 0.0, 0.6, 1.0])
@pytest.mark.parametrize(
    ("operation", "rounding"),
    [
        ("identity", 0),
        ("brightness", 1),
        ("contrast", 2),
        ("colour", 2),
        ("sharpness", 2),
        ("posterize", 0),
        ("solarize", 0),
        ("autocontrast", 1),
        ("equalize", 0),
    ],
)
def test_operations_on_values_are_those_of_pillow(
    operation: str, rounding: float, level: float, channels: int
) -> None:
    pictures = photographs(channels)
    found = after(pictures, operation, level)
    for before, one in zip(pictures, found, strict=True):
        expected = by_pillow(Image.fromarray(before.squeeze()), operation, level)
        np.testing.assert_allclose(one.squeeze(), np.asarray(expected, np.float64), atol=rounding)


@pytest.mark.parametrize("level", [-1.0, -0.3, 0.5, 1.0])
@pytest.mark.parametrize("operation", ["shear x", "shear y", "translate x", "translate y", "rotate"])
def test_operations_on_places_are_those_of_pillow_about_the_centre(operation: str, level: float) -> None:
    (picture,) = photographs(1)[:1]
    height, width = picture.shape[:2]
    angle = math.radians(30 * level)
    a, b, c, d, e, f = {  # the place in the original of a place in the result, from the centre, in pixels
        "shear x": (1, 0.3 * level, 0, 0, 1, 0),
        "shear y": (1, 0, 0, 0.3 * level, 1, 0),
        "translate x": (1, 0, 150 / 331 * level * width, 0, 1, 0),
        "translate y": (1, 0, 0, 0, 1, 150 / 331 * level * height),
        "rotate": (math.cos(angle), -math.sin(angle), 0, math.sin(angle), math.cos(angle), 0),
    }[operation]
    x, y = width / 2, height / 2
    table = (a, b, c + x - a * x - b * y, d, e, f + y - d * x - e * y)
    # Padded, because Pillow does not interpolate with what is outside; floats, because it rounds whole numbers down.
    padded = Image.fromarray(np.pad(picture[..., 0], 40).astype(np.float32))
    table = (a, b, table[2] + 40 - 40 * a - 40 * b, d, e, table[5] + 40 - 40 * d - 40 * e)
    expected = padded.transform(padded.size, Image.Transform.AFFINE, table, Image.Resampling.BILINEAR)
    (found,) = after(picture[None], operation, level)
    inside = np.asarray(expected, np.float64)[40 : 40 + height, 40 : 40 + width]
    np.testing.assert_allclose(found[..., 0], inside, atol=0.01)


def test_each_operation_changes_only_the_pictures_that_drew_it() -> None:
    pictures = np.tile(photographs(3)[:3], (5, 1, 1, 1))[: len(OPERATIONS)]
    order = np.random.default_rng(1).permutation(len(OPERATIONS))
    found = torch.from_numpy(pictures.astype(np.float32))
    apply(found, order, np.full(len(order), 0.6))
    for number, (before, one) in enumerate(zip(pictures, found.numpy(), strict=True)):
        (expected,) = after(before[None], OPERATIONS[order[number]], 0.6)
        np.testing.assert_array_equal(one, expected)


def test_every_operation_is_drawn_equally_often_in_both_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, levels = list[int](), list[float]()

    def note(_: torch.Tensor, places: NDArray[np.int64], strengths: NDArray[np.float64]) -> None:
        drawn.extend(places.tolist())
        levels.extend(strengths.tolist())

    monkeypatch.setattr("picturewise.preparing.rand_augment.apply", note)
    pictures = torch.zeros(7000, 1, 1, 1, dtype=torch.uint8)
    augment(pictures, torch.zeros(7000, 1), parse("rand-augment 2 12"), np.random.default_rng(0))
    counts = np.bincount(drawn)
    assert len(counts) == len(OPERATIONS) == 14
    assert counts.sum() == 14_000
    assert (np.abs(counts - 1000) < 150).all()  # five standard deviations
    assert set(levels) == {-0.4, 0.4}
    assert abs(np.mean(np.array(levels) > 0) - 0.5) < 0.025


def test_values_stay_in_the_range_of_pixels_and_the_batch_is_not_changed() -> None:
    before = torch.from_numpy(np.tile(photographs(3), (40, 1, 1, 1))).float()
    kept = before.clone()
    found, _ = augment(before, torch.zeros(200, 1), parse("rand-augment 5 30"), np.random.default_rng(0))
    assert torch.equal(before, kept)
    assert 0 <= float(found.min()) <= float(found.max()) <= 255.001
