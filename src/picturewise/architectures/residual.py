"""Residual blocks, one or several in a row, as one layer.

A block adds the output of its convolutions to its input (He et al., 2015). Its forms:

    residual 64             3x3, 3x3; batch normalisation after each, an activation between them and after the sum
    bottleneck 64           1x1, 3x3, 1x1 with four times as many channels at the end; the 3x3 has the stride, as in
                            torchvision (in the paper, the first 1x1 has it; the counts are the same)
    ... pre                 normalisation and activation come before each convolution, none after the sum
                            (He et al., 2016; Zagoruyko and Komodakis, 2016, whose Wide-ResNets have dropout between
                            the two convolutions)

No convolution has a bias. If the stride or the number of channels changes, the input passes through a 1x1 convolution
with the same stride, followed by batch normalisation except in the `pre` form; otherwise it is unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from picturewise.architectures.layers import ActivationName, Count, Shape, decimal, sides_and_channels

EXPANSION = 4
"""How many times as many channels as its width a bottleneck outputs."""


class Convolution(NamedTuple):
    """One convolution of a block: `kernel` x `kernel`, same padding, no bias."""

    incoming: int
    outgoing: int
    kernel: int
    stride: int


class Block(NamedTuple):
    """One block: its convolutions in order, and the 1x1 convolution of its shortcut, if it has one."""

    convolutions: tuple[Convolution, ...]
    projection: Convolution | None


@dataclass(frozen=True)
class Residual:
    """Residual blocks of one width in a row; the first has the stride.

    Attributes:
        kind: residual: two 3x3 convolutions; bottleneck: 1x1, 3x3, 1x1.
        width: channels of the 3x3 convolutions.
        blocks: their number.
        stride: of the first block.
        preactivation: normalisation and activation before each convolution.
        dropout: rate between the two convolutions of a residual block, in 0..1, excluding 1.
        activation: of the whole row.
    """

    kind: Literal["residual", "bottleneck"]
    width: int
    blocks: int = 1
    stride: int = 1
    preactivation: bool = False
    dropout: float = 0.0
    activation: ActivationName = "relu"

    @property
    def channels(self) -> int:
        """Output channels."""
        return self.width * (EXPANSION if self.kind == "bottleneck" else 1)

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        words = [f"{self.kind} {self.width}"]
        words += [f"x{self.blocks}"] * (self.blocks > 1) + [f"/{self.stride}"] * (self.stride > 1)
        words += ["pre"] * self.preactivation + [f"dropout {decimal(self.dropout)}"] * (self.dropout > 0)
        return " ".join(words + [self.activation] * (self.activation != "relu"))

    def output(self, shape: Shape) -> Shape:
        """Return (ceil(H / stride), ceil(W / stride), channels)."""
        height, width, _ = sides_and_channels(shape, self.kind)
        return (-(-height // self.stride), -(-width // self.stride), self.channels)

    def count(self, shape: Shape) -> Count:
        """Return kernel weights, and for each normalisation scale and shift (trainable), running mean and variance."""
        kernels, normalised = 0, 0
        for block in self.plan(shape[-1]):
            for part in (*block.convolutions, block.projection):
                if part is not None:
                    kernels += part.kernel**2 * part.incoming * part.outgoing
            normalised += sum(
                part.incoming if self.preactivation else part.outgoing for part in block.convolutions
            )
            if block.projection is not None and not self.preactivation:
                normalised += self.channels
        return Count(trainable=kernels + 2 * normalised, fixed=2 * normalised)

    def plan(self, channels: int) -> Iterator[Block]:
        """Yield each block for `channels` input channels."""
        for incoming, stride in [(channels, self.stride), *[(self.channels, 1)] * (self.blocks - 1)]:
            convolutions: tuple[Convolution, ...]
            if self.kind == "residual":
                convolutions = (
                    Convolution(incoming, self.width, 3, stride),
                    Convolution(self.width, self.width, 3, 1),
                )
            else:
                convolutions = (
                    Convolution(incoming, self.width, 1, 1),
                    Convolution(self.width, self.width, 3, stride),
                    Convolution(self.width, self.channels, 1, 1),
                )
            changes = stride != 1 or incoming != self.channels
            yield Block(convolutions, Convolution(incoming, self.channels, 1, stride) if changes else None)
