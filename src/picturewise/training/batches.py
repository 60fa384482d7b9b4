"""Batches of pictures and targets by index, gathered on the GPU if the whole split is there."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from picturewise.data.arrays.lazy_rows import slices
from picturewise.data.imageset import ImageSet
from picturewise.preparing.on_device import on_device

SHARE_OF_MEMORY = 0.25
"""Share of a GPU's free memory that pictures may take; the rest is for the network and its backward pass."""


class Batches:
    """The pictures and targets of a split, by index, on the device that trains.

    Args:
        part: a split with labels.
        device: where the batches are needed.
        resident: copy the whole split to the device now, and gather there; otherwise a batch is gathered here and sent.
            The batches are the same, bit for bit.

    Raises:
        DataError: the split does not have labels.
    """

    def __init__(self, part: ImageSet, device: torch.device, *, resident: bool) -> None:
        self._images, self._device = part.images, device
        # The shares of each different label once, because a split may have a million pictures with few labels.
        different, self._which = np.unique(part.required_labels, axis=0, return_inverse=True)
        self._targets = part.target.shares(different)
        self._there: tuple[Tensor, Tensor, Tensor] | None = None
        if resident:
            everything = torch.empty(part.images.shape, dtype=torch.uint8, device=device)
            for rows in slices(part.images):  # in pieces, because the split may be larger than memory
                everything[rows] = torch.from_numpy(np.array(part.images[rows]))
            which, targets = (torch.tensor(table, device=device) for table in (self._which, self._targets))
            self._there = everything, which, targets

    def at(self, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return the pictures (B, H, W, C) uint8 and targets (B, outputs) float32 of the indices (B,)."""
        if self._there is not None:
            everything, which, targets = self._there
            where = on_device(indices, self._device)
            return everything.index_select(0, where), targets.index_select(0, which.index_select(0, where))
        pictures = on_device(self._images[indices], self._device)
        return pictures, on_device(self._targets[self._which[indices]], self._device)


def fits(part: ImageSet, device: torch.device) -> bool:
    """Return whether `device` is a GPU with enough memory for all pictures of `part`; see `SHARE_OF_MEMORY`."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return math.prod(part.images.shape) <= SHARE_OF_MEMORY * free
