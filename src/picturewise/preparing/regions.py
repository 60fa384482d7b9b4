"""Augmentations that blank, fill or exchange a region of each picture."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from picturewise.preparing.augmentation import Augmentation
from picturewise.preparing.on_device import on_device

_ERASED = 0.5  # share of the pictures, and the range of aspect ratios (Zhong et al., 2020)
_LEAST_ASPECT, _MOST_ASPECT = 0.3, 1 / 0.3


def cutout(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Blank a square with mid grey; its centre is anywhere, so part of it may be outside."""
    batch, height, width, _ = pictures.shape
    side = int(line.amount)
    top = random.integers(0, height, batch) - side // 2
    left = random.integers(0, width, batch) - side // 2
    return pictures.masked_fill(_rectangles(pictures, top, left, side, side), 128)


def erase(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Fill a rectangle of half of the pictures with random pixels; it is inside the picture.

    The share of the area is uniform in the line's range, the logarithm of height / width between log 0.3 and -log 0.3.
    A rectangle that would be wider or higher than the picture is cut to it, where Zhong et al. draw again.
    """
    batch, height, width, _ = pictures.shape
    chosen = random.random(batch) < _ERASED
    area = random.uniform(*line.range, batch) * height * width
    aspect = np.exp(random.uniform(math.log(_LEAST_ASPECT), math.log(_MOST_ASPECT), batch))
    rows = np.clip(np.rint(np.sqrt(area * aspect)), 1, height).astype(np.int64)
    columns = np.clip(np.rint(np.sqrt(area / aspect)), 1, width).astype(np.int64)
    top, left = random.integers(0, height - rows + 1), random.integers(0, width - columns + 1)
    mask = _rectangles(pictures, top, left, np.where(chosen, rows, 0), columns)
    filling = on_device(random.integers(0, 256, tuple(pictures.shape), dtype=np.uint8), pictures.device)
    return torch.where(mask, filling.to(pictures.dtype), pictures)


def cutmix(
    pictures: Tensor, targets: Tensor, line: Augmentation, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Replace a rectangle of each picture by that of a random partner, and blend the targets by area.

    As in the authors' code, the rectangle has the shape of the picture, its centre is anywhere, and it is cut at the
    edge. Each picture has its own rectangle, where the authors' code has one for the batch.
    """
    batch, height, width, _ = pictures.shape
    side = np.sqrt(1 - random.beta(line.amount, line.amount, batch))
    rows, columns = (side * height).astype(np.int64), (side * width).astype(np.int64)
    top, left = random.integers(0, height, batch) - rows // 2, random.integers(0, width, batch) - columns // 2
    bottom, right = np.minimum(top + rows, height), np.minimum(left + columns, width)
    top, left = np.maximum(top, 0), np.maximum(left, 0)
    rows, columns = bottom - top, right - left
    partner = on_device(random.permutation(batch), pictures.device)
    mask = _rectangles(pictures, top, left, rows, columns)
    own = 1 - rows * columns / (height * width)
    share = on_device(own.astype(np.float32), targets.device)[:, None]
    return torch.where(mask, pictures[partner], pictures), torch.lerp(targets[partner], targets, share)


def _rectangles(
    pictures: Tensor,
    top: NDArray[np.int64],
    left: NDArray[np.int64],
    rows: NDArray[np.int64] | int,
    columns: NDArray[np.int64] | int,
) -> Tensor:
    """Return a mask (B, H, W, 1) of one rectangle for each picture; parts outside do not matter."""
    _, height, width, _ = pictures.shape
    inside = []
    for start, count, side in ((top, rows, height), (left, columns, width)):
        first, end = (on_device(numbers, pictures.device)[:, None] for numbers in (start, start + count))
        places = torch.arange(side, device=pictures.device)
        inside.append((places >= first) & (places < end))  # (B, side)
    down, across = inside
    return (down[:, :, None] & across[:, None, :])[..., None]
