"""Squeeze-and-excitation (Hu, Shen and Sun, 2018): every channel is multiplied by a number between 0 and 1.

The numbers are computed from the means of all channels, by two small dense layers with a sigmoid at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from picturewise.architectures.layers import ActivationName, Count, Shape, sides_and_channels


@dataclass(frozen=True)
class SqueezeExcite:
    """The layer on a line of its own.

    Attributes:
        reduction: the first dense layer has this fraction of the channels as units, 1 / reduction, at least one.
        activation: of the first dense layer.
    """

    reduction: int
    activation: ActivationName = "relu"

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return f"squeeze-excite {self.reduction}" + f" {self.activation}" * (self.activation != "relu")

    def output(self, shape: Shape) -> Shape:
        """Return the shape unchanged; only pictures fit."""
        return sides_and_channels(shape, "squeeze-excite")

    def count(self, shape: Shape) -> Count:
        """Return the weights and biases of both dense layers."""
        return gate_count(shape[-1], self.units(shape[-1]))

    def units(self, channels: int) -> int:
        """Return the units of the first dense layer."""
        return squeezed(channels, self.reduction)


def squeezed(channels: int, reduction: int) -> int:
    """Return the units of the first dense layer: channels / reduction, rounded down, at least one.

    >>> squeezed(16, 4), squeezed(3, 4)
    (4, 1)
    """
    return max(channels // reduction, 1)


def gate_count(channels: int, units: int) -> Count:
    """Return the numbers of both dense layers: channels → units → channels."""
    return Count((channels + 1) * units + (units + 1) * channels)
