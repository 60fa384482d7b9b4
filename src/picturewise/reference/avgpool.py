"""Means of windows, and of whole pictures."""

from __future__ import annotations

import numpy as np

from picturewise.reference.convolution import at_offset
from picturewise.reference.layer import Floats, Layer, Training
from picturewise.reference.maxpool import places_of


class AvgPool(Layer):
    """y[b, i, j, c] = 1/P² Σ x[b, i·s + p, j·s + q, c], the sum over p and q in 0..P-1.

    x (B, H, W, C), y (B, H', W', C). Every pixel of a window has the same share in its mean: ∂L/∂x is ∂L/∂y / P²,
    summed over the windows that contain the pixel.

    Args:
        size: P.
        stride: s.
    """

    def __init__(self, size: int, stride: int) -> None:
        self._size, self._stride = size, stride
        self._shape: tuple[int, ...]

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, H', W', C) for (B, H, W, C)."""
        if training is not None:
            self._shape = values.shape
        places = places_of(values, self._size, self._stride)
        total = np.zeros((len(values), *places, values.shape[3]), values.dtype)
        for offset in np.ndindex(self._size, self._size):
            total += at_offset(values, offset, places, self._stride)
        total /= self._size**2
        return total

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, H, W, C) for (B, H', W', C)."""
        share = gradient / self._size**2
        inward: Floats = np.zeros(self._shape, gradient.dtype)
        for offset in np.ndindex(self._size, self._size):
            at_offset(inward, offset, (share.shape[1], share.shape[2]), self._stride)[...] += share
        return inward


class GlobalMean(Layer):
    """y[b, c] = mean over i, j of x[b, i, j, c]: (B, H, W, C) → (B, C); ∂L/∂x is ∂L/∂y / (H·W) at every pixel."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...]

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, C) for (B, H, W, C)."""
        if training is not None:
            self._shape = values.shape
        means: Floats = values.mean(axis=(1, 2))
        return means

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, H, W, C) for (B, C)."""
        _, height, width, _ = self._shape
        return np.broadcast_to((gradient / (height * width))[:, None, None], self._shape)
