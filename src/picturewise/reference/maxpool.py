"""The largest value of each window."""

from __future__ import annotations

import math

import numpy as np

from picturewise.architectures.margins import Margins
from picturewise.reference.convolution import at_offset
from picturewise.reference.layer import Floats, Layer, Training
from picturewise.reference.padding import crop, pad


class MaxPool(Layer):
    """y[b, i, j, c] = max over p, q of x[b, i·s + p, j·s + q, c].

    x (B, H, W, C), y (B, H', W', C). A small change of x changes y only if x is the largest in its window, so ∂L/∂x
    is ∂L/∂y at that pixel, summed where windows overlap, and 0 elsewhere. Among several equal pixels, the first, row
    by row, gets all of it, as in PyTorch.

    Args:
        size: the window's side.
        stride: s.
        margin: rows and columns on every side that are never the largest.
    """

    def __init__(self, size: int, stride: int, margin: int = 0) -> None:
        self._size, self._stride = size, stride
        self._margins = Margins(margin, margin, margin, margin)
        self._padded: Floats
        self._largest: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, H', W', C) for (B, H, W, C)."""
        padded = pad(values, self._margins, -math.inf)
        places = places_of(padded, self._size, self._stride)
        # Not window by window: each offset, for all windows at once, is one operation on whole pictures.
        largest = at_offset(padded, (0, 0), places, self._stride).copy()
        for offset in np.ndindex(self._size, self._size):
            np.maximum(largest, at_offset(padded, offset, places, self._stride), out=largest)
        if training is not None:
            self._padded, self._largest = padded, largest
        return largest

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, H, W, C) for (B, H', W', C)."""
        places = gradient.shape[1], gradient.shape[2]
        padded = np.zeros_like(self._padded)
        open_ = np.ones(gradient.shape, bool)  # windows whose largest pixel is not yet found
        for offset in np.ndindex(self._size, self._size):
            found = at_offset(self._padded, offset, places, self._stride) == self._largest
            found &= open_
            open_ ^= found
            at_offset(padded, offset, places, self._stride)[...] += gradient * found
        return crop(padded, self._margins)


def places_of(pictures: Floats, size: int, stride: int) -> tuple[int, int]:
    """Return how many whole windows with a side of `size` fit down and across pictures (B, H, W, C)."""
    _, height, width, _ = pictures.shape
    return (height - size) // stride + 1, (width - size) // stride + 1
