"""Augmentations that change the values of pixels: brightness, contrast, colour, hue, blur, noise.

Each result is the same for any number of threads: sums over pixels are sums of whole numbers, which are exact, and the
rest is computed pixel by pixel.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from picturewise.preparing.augmentation import Augmentation
from picturewise.preparing.on_device import on_device

GREY = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in grey (ITU-R BT.601), as in Pillow and torchvision."""

# YIQ (NTSC, 1953): grey, and two axes of colour around which the hue turns.
_TO_YIQ = np.array([GREY, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112)])


def brightness(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Multiply the pixels of each picture by its own factor; as in torchvision, 0 is black."""
    return brighten(pictures, _drawn(line, pictures, random))


def contrast(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Multiply the distances from the picture's mean grey by a factor; as in torchvision, 0 is uniform grey."""
    return stretch(pictures, _drawn(line, pictures, random))


def colour(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Multiply the distances from each pixel's grey by a factor; as in torchvision, 0 is a grey picture."""
    return saturate(pictures, _drawn(line, pictures, random))


def hue(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Turn the colours about the axis of grey, in YIQ: one matrix for each picture, where HSV needs many steps.

    The same as `adjust_hsv_in_yiq` of TensorFlow Addons. A pixel's grey does not change, unless it is cut to 0..255.
    """
    angles = np.radians(random.uniform(-line.amount, line.amount, len(pictures)))
    turns = np.zeros((len(pictures), 3, 3))
    turns[:, 0, 0] = 1
    turns[:, 1, 1] = turns[:, 2, 2] = np.cos(angles)
    turns[:, 1, 2], turns[:, 2, 1] = -np.sin(angles), np.sin(angles)
    matrices = np.linalg.inv(_TO_YIQ) @ turns @ _TO_YIQ  # (B, 3, 3)
    factors = on_device(matrices.astype(np.float32), pictures.device)[:, :, :, None, None]
    channels = pictures.to(torch.float32).unbind(3)
    turned = [
        sum_of([channel * row[:, index] for index, channel in enumerate(channels)])
        for row in factors.unbind(1)
    ]
    return torch.stack(turned, dim=3).clamp_(0, 255)


def noise(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Add Gaussian noise, each picture's with its own standard deviation, and cut to 0..255."""
    deviations = _drawn(line, pictures, random)
    normal = random.standard_normal(tuple(pictures.shape), dtype=np.float32)
    return on_device(normal, pictures.device).mul(deviations).add_(pictures).clamp_(0, 255)


def blur(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Blur with Gaussian weights up to three standard deviations; beyond the edge, its pixels are repeated."""
    deviations = random.uniform(*line.range, len(pictures))
    distances = np.arange(math.ceil(3 * line.range[1]) + 1)
    # Below a hundredth of a pixel, the weights are 1 in the middle and 0 elsewhere.
    weights = np.exp(-0.5 * (distances / np.maximum(deviations, 0.01)[:, None]) ** 2)  # (B, distances)
    weights /= weights[:, :1] + 2 * weights[:, 1:].sum(axis=1, keepdims=True)
    shares = on_device(weights.astype(np.float32), pictures.device)[:, :, None, None, None].unbind(1)
    return _blurred(_blurred(pictures.to(torch.float32), shares, 1), shares, 2)


def _blurred(pictures: Tensor, shares: tuple[Tensor, ...], axis: int) -> Tensor:
    """Blur along one axis; `shares` are the weights (B, 1, 1, 1) of the pixels at distance 0, 1 and so on."""
    border, side = len(shares) - 1, pictures.shape[axis]
    places = torch.arange(-border, side + border, device=pictures.device).clamp_(0, side - 1)
    padded = pictures.index_select(axis, places)
    result = pictures * shares[0]
    for distance, share in enumerate(shares[1:], start=1):
        before = padded.narrow(axis, border - distance, side)
        after = padded.narrow(axis, border + distance, side)
        result.addcmul_(before + after, share)
    return result


def brighten(pictures: Tensor, factors: Tensor) -> Tensor:
    """(B, H, W, C) → the same, multiplied by factors (B, 1, 1, 1) and cut to 0..255."""
    return torch.mul(pictures, factors).clamp_(0, 255)


def stretch(pictures: Tensor, factors: Tensor) -> Tensor:
    """Multiply the distances from each picture's mean grey by factors (B, 1, 1, 1), and cut to 0..255."""
    return torch.mul(pictures, factors).add_(mean_grey(pictures) * (1 - factors)).clamp_(0, 255)


def saturate(pictures: Tensor, factors: Tensor) -> Tensor:
    """Multiply the distances from each pixel's grey by factors (B, 1, 1, 1), and cut to 0..255."""
    return torch.mul(pictures, factors).add_(grey(pictures) * (1 - factors)).clamp_(0, 255)


def mean_grey(pictures: Tensor) -> Tensor:
    """(B, H, W, C) → (B, 1, 1, 1), the mean grey of the pixels, rounded to whole numbers first."""
    batch, height, width, channels = pictures.shape
    whole = pictures.round() if pictures.is_floating_point() else pictures
    # Up to 1,024 whole numbers: exact in float32, and adding rows is faster than adding pixels.
    rows = whole.flatten(2).sum(dim=1, dtype=torch.float32).to(torch.int32)
    totals = rows.view(batch, 1, width, channels).sum(dim=2, keepdim=True, dtype=torch.int32)
    return grey(totals) / (height * width)


def grey(pictures: Tensor) -> Tensor:
    """(…, C) → (…, 1) float32: the grey of pixels with three channels, the mean of any other number."""
    channels = pictures.to(torch.float32).unbind(-1)
    shares = GREY if len(channels) == 3 else (1 / len(channels),) * len(channels)
    return sum_of([channel * share for channel, share in zip(channels, shares, strict=True)])[..., None]


def sum_of(tensors: list[Tensor]) -> Tensor:
    """Return the sum, in the order of the list; the first tensor is overwritten."""
    for tensor in tensors[1:]:
        tensors[0].add_(tensor)
    return tensors[0]


def per_picture(numbers: NDArray[np.float64], pictures: Tensor) -> Tensor:
    """Return numbers (B,) as (B, 1, 1, 1) float32 on the pictures' device."""
    return on_device(numbers.astype(np.float32), pictures.device)[:, None, None, None]


def _drawn(line: Augmentation, pictures: Tensor, random: np.random.Generator) -> Tensor:
    return per_picture(random.uniform(*line.range, len(pictures)), pictures)
