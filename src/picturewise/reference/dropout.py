"""Noise that sets numbers to 0."""

from __future__ import annotations

import numpy as np

from picturewise.reference.layer import Floats, Layer, Training


class Dropout(Layer):
    """In training y = x · m / (1 - rate) with m drawn each time, 0 with probability `rate`, otherwise 1.

    The network cannot rely on a single number, so what it learns is spread over many (Srivastava et al., 2014). Because
    of the division by 1 - rate, y has the mean x, and in prediction y = x. ∂L/∂x = ∂L/∂y · m / (1 - rate): dropped
    numbers did not take part, so they do not get a gradient.

    Args:
        rate: in 0..1, excluding 1.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._factors: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return y, in the shape of x."""
        if training is None:
            return values
        kept = training.random(values.shape, np.float32) >= self._rate
        self._factors = kept.astype(values.dtype)
        self._factors /= 1 - self._rate
        return values * self._factors

    def backward(self, gradient: Floats) -> Floats:
        """Return ∂L/∂x, in the shape of x."""
        return gradient * self._factors
