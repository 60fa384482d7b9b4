"""Squeeze-and-excitation as a module."""

from __future__ import annotations

from torch import Tensor, nn

from picturewise.architectures.layers import ActivationName
from picturewise.networks.activations import activation


class SqueezeExcite(nn.Module):
    """Multiply each channel by a number in 0..1, (B, C, H, W) → (B, C, H, W): `reduce`, `restore`.

    Args:
        channels: C.
        units: between the two dense layers.
        inner: the activation between them.
    """

    def __init__(self, channels: int, units: int, inner: ActivationName) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, units)
        self.activation = activation(inner)
        self.restore = nn.Linear(units, channels)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the scaled pictures."""
        means = pictures.mean(dim=(2, 3))
        scale: Tensor = self.restore(self.activation(self.reduce(means))).sigmoid()
        return pictures * scale[:, :, None, None]
