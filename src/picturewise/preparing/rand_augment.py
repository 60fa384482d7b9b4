"""RandAugment (Cubuk et al., 2020, https://arxiv.org/abs/1909.13719): random operations of one magnitude.

Each picture draws its own operations, one after the other, from the 14 of the paper, with the magnitudes of torchvision
(`RandAugment`, 31 levels from 0 to 30). At 30:

    identity        nothing
    shear x, y      by 0.3 either way
    translate x, y  by 150/331 of the side either way
    rotate          by 30 degrees either way
    brightness, contrast, colour, sharpness    by a factor of 1 - 0.9 or 1 + 0.9
    posterize       4 bits for each channel are kept, of 8
    solarize        pixels from 0, and so all of them, are inverted; at lower magnitudes, only bright ones
    autocontrast    each channel stretched to 0..255
    equalize        each channel with an equalised histogram

Different from torchvision: pictures are sheared about the centre, and sampled with bilinear interpolation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from picturewise.preparing import colours
from picturewise.preparing.augmentation import Augmentation
from picturewise.preparing.geometry import matrices, sample
from picturewise.preparing.on_device import on_device

_MOST = 30
_SHEAR, _TRANSLATION, _DEGREES, _FACTOR = 0.3, 150 / 331, 30, 0.9
_MOVES = ("shear x", "shear y", "translate x", "translate y", "rotate")


def rand_augment(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    """(B, H, W, C) uint8 or float → float32 in 0..255, after `line.operations` operations of each picture."""
    result = pictures.to(torch.float32, copy=True)
    level = line.amount / _MOST
    for _ in range(line.operations):
        drawn = random.integers(0, len(OPERATIONS), len(pictures))
        levels = np.where(random.integers(0, 2, len(pictures)), level, -level)
        apply(result, drawn, levels)
    return result


def apply(pictures: Tensor, drawn: NDArray[np.int64], levels: NDArray[np.float64]) -> None:
    """Change pictures (B, H, W, C) float32 in place.

    Args:
        pictures: in 0..255.
        drawn: (B,) places in `OPERATIONS`.
        levels: (B,) magnitudes in -1..1; for operations without a direction, the sign does not count.
    """
    for first, operation in _GROUPS.items():
        members = [OPERATIONS.index(name) for name in (_MOVES if first == _MOVES[0] else (first,))]
        chosen = np.flatnonzero(np.isin(drawn, members))
        if chosen.size:
            places = on_device(chosen, pictures.device)
            part = operation(pictures.index_select(0, places), levels[chosen], drawn[chosen])
            pictures.index_copy_(0, places, part)


def _move(pictures: Tensor, levels: NDArray[np.float64], drawn: NDArray[np.int64]) -> Tensor:
    """Shear, translate or rotate each picture, all in one sampling."""
    aspect = pictures.shape[2] / pictures.shape[1]  # pixels are not square where both axes run from -1 to 1
    shear_x, shear_y, right, down, turned = (
        np.where(drawn == OPERATIONS.index(name), levels, 0) for name in _MOVES
    )
    angles = np.radians(_DEGREES * turned)
    sine, cosine = np.sin(angles), np.cos(angles)
    x = cosine, (_SHEAR * shear_x - sine) / aspect, 2 * _TRANSLATION * right
    y = (_SHEAR * shear_y + sine) * aspect, cosine, 2 * _TRANSLATION * down
    return sample(pictures, matrices(x, y, pictures))


def _sharpness(pictures: Tensor, factors: Tensor) -> Tensor:
    """Multiply the distances from a smoothed picture by factors (B, 1, 1, 1); the outermost pixels do not change."""
    height, width = pictures.shape[1:3]
    if min(height, width) < 3:
        return pictures
    middle = pictures[:, 1:-1, 1:-1]
    smooth = middle * 4  # the kernel of Pillow's SMOOTH: 1, in the middle 5, divided by 13
    for row in range(3):
        for column in range(3):
            smooth += pictures[:, row : row + height - 2, column : column + width - 2]
    smooth /= 13
    result = pictures.clone()
    result[:, 1:-1, 1:-1] = torch.lerp(smooth, middle, factors).clamp_(0, 255)
    return result


def _posterize(pictures: Tensor, levels: NDArray[np.float64], _: NDArray[np.int64]) -> Tensor:
    # 8 bits at level 0, 4 at level 1; each removed bit doubles the step between the values.
    steps = colours.per_picture(2.0 ** np.rint(4 * np.abs(levels)), pictures)
    return pictures.round().div_(steps).floor_().mul_(steps)


def _solarize(pictures: Tensor, levels: NDArray[np.float64], _: NDArray[np.int64]) -> Tensor:
    thresholds = colours.per_picture(255 * (1 - np.abs(levels)), pictures)
    return torch.where(pictures >= thresholds, 255 - pictures, pictures)


def _autocontrast(pictures: Tensor, _: NDArray[np.float64], __: NDArray[np.int64]) -> Tensor:
    low, high = pictures.amin(dim=(1, 2), keepdim=True), pictures.amax(dim=(1, 2), keepdim=True)
    uniform = high == low
    scale = 255 / torch.where(uniform, 1, high - low)
    return torch.where(uniform, pictures, ((pictures - low) * scale).clamp_(0, 255))


def _equalize(pictures: Tensor, _: NDArray[np.float64], __: NDArray[np.int64]) -> Tensor:
    """As in Pillow's `ImageOps.equalize`: a table of 256 values for each channel of each picture."""
    batch, height, width, channels = pictures.shape
    values = pictures.round().to(torch.int64).permute(0, 3, 1, 2).reshape(batch * channels, -1)  # (R, H·W)
    counts = torch.zeros(len(values), 256, dtype=torch.int64, device=pictures.device)
    counts.scatter_add_(1, values, torch.ones_like(values))
    brightest = counts.gather(1, values.amax(dim=1, keepdim=True))  # how many pixels have the largest value
    step = (height * width - brightest) // 255  # 0 also if all pixels are equal
    below = counts.cumsum(dim=1) - counts
    table = ((step // 2 + below) // step.clamp(min=1)).clamp_(max=255)
    equalised = torch.where(step > 0, table.gather(1, values), values)
    return equalised.view(batch, channels, height, width).permute(0, 2, 3, 1).to(torch.float32)


def _factor(change: Callable[[Tensor, Tensor], Tensor]) -> _Operation:
    """Return an operation that passes factors of 1 ± 0.9 · level."""
    return lambda pictures, levels, _: change(pictures, colours.per_picture(1 + _FACTOR * levels, pictures))


_Operation = Callable[[Tensor, NDArray[np.float64], NDArray[np.int64]], Tensor]
_GROUPS: Mapping[str, _Operation] = {
    _MOVES[0]: _move,
    "brightness": _factor(colours.brighten),
    "contrast": _factor(colours.stretch),
    "colour": _factor(colours.saturate),
    "sharpness": _factor(_sharpness),
    "posterize": _posterize,
    "solarize": _solarize,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
}
OPERATIONS = ("identity", *_MOVES, *list(_GROUPS)[1:])
