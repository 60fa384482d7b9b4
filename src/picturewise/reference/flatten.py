"""Pictures as vectors."""

from __future__ import annotations

from picturewise.reference.layer import Floats, Layer, Training


class Flatten(Layer):
    """(B, H, W, C) → (B, H·W·C): the same numbers in the same order, so ∂L/∂x is ∂L/∂y in the shape of x."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...]

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, H·W·C)."""
        if training is not None:
            self._shape = values.shape
        return values.reshape(len(values), -1)

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, H, W, C)."""
        return gradient.reshape(self._shape)
