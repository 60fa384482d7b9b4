"""Augmentation at work: whole batches of uint8 pictures in, whole batches out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from picturewise.preparing import colours, geometry, regions
from picturewise.preparing.augmentation import Augmentation
from picturewise.preparing.on_device import on_device
from picturewise.preparing.rand_augment import rand_augment


def augment(
    pictures: Tensor,
    targets: Tensor,
    augmentations: Sequence[Augmentation],
    random: np.random.Generator,
    mirrored: NDArray[np.bool_] | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the batch augmented, line after line.

    Args:
        pictures: (B, H, W, C) uint8.
        targets: (B, K) float32, one row of class shares for each picture.
        augmentations: what to do, in order.
        random: the batch's own stream of random numbers.
        mirrored: (B,) whether each picture is mirrored this time, for `flip alternate`; see `turns`.

    Returns:
        pictures (B, H, W, C), uint8 or, after lines that compute new values, float32 in 0..255; targets (B, K).
    """
    for augmentation in augmentations:
        if augmentation.kind in _PAIR_FUNCTIONS:
            pictures, targets = _PAIR_FUNCTIONS[augmentation.kind](pictures, targets, augmentation, random)
        elif augmentation.alternate:
            assert mirrored is not None  # noqa: S101 (callers that parse such a line pass it)
            pictures = _mirror(pictures, mirrored)
        else:
            pictures = _PICTURE_FUNCTIONS[augmentation.kind](pictures, augmentation, random)
    return pictures, targets


def turns(first: NDArray[np.bool_], epoch: int) -> NDArray[np.bool_]:
    """Return which pictures are mirrored in an epoch, counted from 1, given those mirrored in the first.

    >>> turns(np.array([True, False]), 2).tolist()
    [False, True]
    """
    return first ^ (epoch % 2 == 0)


def _shift(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    border = int(line.amount)
    padded = torch.nn.functional.pad(pictures, (0, 0, border, border, border, border))
    return _random_windows(padded, pictures.shape, random)


def _crop(pictures: Tensor, line: Augmentation, random: np.random.Generator) -> Tensor:
    border = int(line.amount)
    rows = _mirrored(pictures.shape[1], border, pictures.device)
    columns = _mirrored(pictures.shape[2], border, pictures.device)
    return _random_windows(pictures[:, rows][:, :, columns], pictures.shape, random)


def _mirrored(side: int, border: int, device: torch.device) -> Tensor:
    """Return a row's indices padded by mirroring, the edge pixel not repeated: 2 1 0 1 2 … for border 2."""
    index = torch.arange(-border, side + border, device=device).abs()
    return torch.where(index < side, index, 2 * (side - 1) - index)


def _random_windows(padded: Tensor, shape: torch.Size, random: np.random.Generator) -> Tensor:
    """Cut a window of `shape` (B, H, W, C) out of each padded picture, at its own place."""
    batch, height, width, _ = shape
    device = padded.device
    top = on_device(random.integers(0, padded.shape[1] - height + 1, batch), device)
    left = on_device(random.integers(0, padded.shape[2] - width + 1, batch), device)
    rows = top[:, None] + torch.arange(height, device=device)  # (B, H)
    columns = left[:, None] + torch.arange(width, device=device)  # (B, W)
    which = torch.arange(batch, device=device)[:, None, None]
    return padded[which, rows[:, :, None], columns[:, None, :]]


def _flip(pictures: Tensor, _: Augmentation, random: np.random.Generator) -> Tensor:
    return _mirror(pictures, random.random(len(pictures)) < 0.5)


def _mirror(pictures: Tensor, chosen: NDArray[np.bool_]) -> Tensor:
    mask = on_device(chosen, pictures.device)
    return torch.where(mask[:, None, None, None], pictures.flip(2), pictures)


def _mixup(
    pictures: Tensor, targets: Tensor, line: Augmentation, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Blend every picture and its target with those of a random partner; one share for the batch."""
    share = float(random.beta(line.amount, line.amount))
    partner = on_device(random.permutation(len(pictures)), pictures.device)
    floats = pictures.to(torch.float32)
    return torch.lerp(floats[partner], floats, share), torch.lerp(targets[partner], targets, share)


_PICTURE_FUNCTIONS: dict[str, Callable[[Tensor, Augmentation, np.random.Generator], Tensor]] = {
    "shift": _shift,
    "crop": _crop,
    "crop random": geometry.crop_random,
    "flip": _flip,
    "rotate": geometry.rotate,
    "zoom": geometry.zoom,
    "brightness": colours.brightness,
    "contrast": colours.contrast,
    "colour": colours.colour,
    "hue": colours.hue,
    "blur": colours.blur,
    "noise": colours.noise,
    "cutout": regions.cutout,
    "erase": regions.erase,
    "rand-augment": rand_augment,
}
_PAIR_FUNCTIONS: dict[
    str, Callable[[Tensor, Tensor, Augmentation, np.random.Generator], tuple[Tensor, Tensor]]
] = {"mixup": _mixup, "cutmix": regions.cutmix}
