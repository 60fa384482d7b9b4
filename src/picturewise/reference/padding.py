"""Padding around pictures."""

from __future__ import annotations

import numpy as np

from picturewise.architectures.margins import Margins
from picturewise.reference.layer import Floats, Layer, Training


def pad(pictures: Floats, margins: Margins, fill: float = 0.0) -> Floats:
    """Return (B, H, W, C) pictures with padding of `fill`; the pictures themselves if there are none."""
    if not any(margins):
        return pictures
    batch, height, width, channels = pictures.shape
    rows, columns = margins.above + height + margins.below, margins.left + width + margins.right
    padded = np.full((batch, rows, columns, channels), fill, pictures.dtype)
    crop(padded, margins)[...] = pictures
    return padded


def crop(padded: Floats, margins: Margins) -> Floats:
    """Return the view of pictures without their padding, (B, H, W, C)."""
    _, rows, columns, _ = padded.shape
    return padded[:, margins.above : rows - margins.below, margins.left : columns - margins.right]


class Padding(Layer):
    """y is x with padding of one value; ∂L/∂x is ∂L/∂y without the padding, which is not part of the picture."""

    def __init__(self, margins: Margins, fill: float = 0.0) -> None:
        self._margins, self._fill = margins, fill

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, above + H + below, left + W + right, C)."""
        return pad(values, self._margins, self._fill)

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, H, W, C)."""
        return crop(gradient, self._margins)
