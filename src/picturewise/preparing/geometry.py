"""Augmentations that move pixels to places between others: turns, zooms and random crops, each in one sampling.

A matrix (2, 3) says for each picture which point of the original is seen at a point of the result. Both axes of a
picture run from -1 to 1; the first row is for x.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from picturewise.preparing.augmentation import Augmentation
from picturewise.preparing.on_device import on_device

_LEAST_ASPECT, _MOST_ASPECT = 3 / 4, 4 / 3  # of random crops (Szegedy et al., 2015)


def rotate(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Rotate about the centre with bilinear interpolation; uncovered pixels are black."""
    batch, height, width, _ = pictures.shape
    angles = on_device(random.uniform(-line.amount, line.amount, batch), pictures.device).to(torch.float32)
    sine, cosine = torch.sin(angles * math.pi / 180), torch.cos(angles * math.pi / 180)
    aspect, zero = width / height, torch.zeros_like(angles)
    # The sampling grid runs from -1 to 1 on both axes, so a rotation in pixels is skewed by the aspect ratio.
    matrix = torch.stack([cosine, -sine / aspect, zero, sine * aspect, cosine, zero], dim=1)
    return sample(pictures, matrix.reshape(batch, 2, 3))


def zoom(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Enlarge (by factors above 1) or shrink about the centre; uncovered pixels are black."""
    scale = 1 / random.uniform(*line.range, len(pictures))
    zero = np.zeros_like(scale)
    return sample(pictures, matrices((scale, zero, zero), (zero, scale, zero), pictures))


def crop_random(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """Cut a random rectangle out of each picture, and resize it to the whole.

    The share of the area is uniform in the line's range, the logarithm of the aspect ratio (in relation to that of the
    picture) between those of 3:4 and 4:3. Rectangles that would be wider or higher than the picture are cut to it.
    """
    batch = len(pictures)
    share = random.uniform(*line.range, batch)
    aspect = np.exp(random.uniform(math.log(_LEAST_ASPECT), math.log(_MOST_ASPECT), batch))
    width, height = np.minimum(np.sqrt(share * aspect), 1), np.minimum(np.sqrt(share / aspect), 1)
    # The centre is where the rectangle is inside, from -(1 - width) to 1 - width.
    across, down = (random.uniform(-1, 1, batch) * (1 - side) for side in (width, height))
    zero = np.zeros(batch)
    return sample(pictures, matrices((width, zero, across), (zero, height, down), pictures), "border")


def matrices(
    x: tuple[NDArray[np.float64], ...], y: tuple[NDArray[np.float64], ...], pictures: Tensor
) -> Tensor:
    """Return matrices (B, 2, 3) on the pictures' device of three numbers (B,) for x and three for y."""
    rows = np.stack([np.stack(x, axis=1), np.stack(y, axis=1)], axis=1)
    return on_device(rows.astype(np.float32), pictures.device)


def sample(pictures: Tensor, matrix: Tensor, outside: Literal["zeros", "border"] = "zeros") -> Tensor:
    """Return what matrices (B, 2, 3) show of pictures (B, H, W, C), with bilinear interpolation, as float32.

    Args:
        pictures: uint8 or float32.
        matrix: for each picture.
        outside: what is seen beyond the edge: black, or the nearest pixel.
    """
    floats = pictures.permute(0, 3, 1, 2).to(torch.float32)  # (B, C, H, W)
    grid = torch.nn.functional.affine_grid(matrix, list(floats.shape), align_corners=False)
    found = torch.nn.functional.grid_sample(
        floats, grid, mode="bilinear", padding_mode=outside, align_corners=False
    )
    return found.permute(0, 2, 3, 1)
