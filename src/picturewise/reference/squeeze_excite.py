"""Squeeze-and-excitation: every channel is scaled by a number that depends on the whole picture."""

from __future__ import annotations

from picturewise.reference.chain import Chain
from picturewise.reference.layer import Floats, Layer, Parameter, Training


class SqueezeExcite(Layer):
    """y[b, i, j, c] = x[b, i, j, c] · s[b, c], with s = gate(x) in 0..1 (Hu, Shen and Sun, 2018).

    x appears twice, so its gradient has two parts: with G = ∂L/∂y,

        ∂L/∂s = Σ G · x over the pixels     ∂L/∂x = G · s + ∂L/∂s · ∂s/∂x

    Args:
        gate: the means of the channels, two dense layers and a sigmoid, (B, H, W, C) → (B, C).
    """

    def __init__(self, gate: Chain) -> None:
        self._gate = gate
        self._values: Floats
        self._scale: Floats

    def forward(self, values: Floats, training: Training = None) -> Floats:
        """Return (B, H, W, C) for (B, H, W, C)."""
        scale = self._gate.forward(values, training)[:, None, None, :]
        if training is not None:
            self._values, self._scale = values, scale
        return values * scale

    def backward(self, gradient: Floats) -> Floats:
        """Return (B, H, W, C) for (B, H, W, C)."""
        by_scale = (gradient * self._values).sum(axis=(1, 2))
        return gradient * self._scale + self._gate.backward(by_scale)

    def parameters(self) -> dict[str, Parameter]:
        """Return those of the dense layers, `reduce` and `restore`."""
        return self._gate.parameters()
