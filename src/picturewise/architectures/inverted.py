"""Inverted residual blocks ("MBConv"), one or several in a row, as one layer.

A block widens its input with a 1x1 convolution, filters each channel by itself with a depthwise convolution, and
narrows it again with a 1x1 convolution (Sandler et al., "MobileNetV2", 2018). Batch normalisation follows each of the
three, and an activation the first two. If neither the sides nor the channels change, the input is added to the result.
Squeeze-and-excitation may come before the narrowing (Tan and Le, "EfficientNet", 2019); its units are a share of the
block's input channels, as there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from picturewise.architectures.layers import ActivationName, Count, Padding, Pair, Shape, sides_and_channels
from picturewise.architectures.margins import Margins, around
from picturewise.architectures.squeeze_excite import gate_count, squeezed


class Step(NamedTuple):
    """One convolution of a block, without bias, followed by batch normalisation.

    Attributes:
        number: 1 widens, 2 is depthwise, 3 narrows; a block with `expand 1` has no first one.
        incoming: input channels.
        outgoing: output channels.
        kernel: rows and columns.
        stride: in both directions.
        groups: of the channels; as many as channels for the depthwise one.
        margins: of the picture.
        output: rows and columns of its result.
    """

    number: int
    incoming: int
    outgoing: int
    kernel: Pair
    stride: int
    groups: int
    margins: Margins
    output: Pair

    @property
    def weight(self) -> tuple[int, int, int, int]:
        """The shape of its kernels, (F, C, P, Q)."""
        return (self.outgoing, self.incoming // self.groups, *self.kernel)


class InvertedBlock(NamedTuple):
    """One block: its convolutions in order, the units of its squeeze (0: none), and whether the input is added."""

    steps: tuple[Step, ...]
    squeeze: int
    adds: bool


@dataclass(frozen=True)
class Inverted:
    """Inverted residual blocks with the same output channels in a row; the first has the stride.

    Attributes:
        channels: output channels.
        blocks: their number.
        stride: of the first block.
        expand: the depthwise convolution has this many times the block's input channels.
        kernel: of the depthwise convolution.
        squeeze: reduction of the squeeze-and-excitation; 0: there is none.
        padding: of the depthwise convolution.
        activation: of the whole row.
    """

    channels: int
    blocks: int = 1
    stride: int = 1
    expand: int = 6
    kernel: Pair = (3, 3)
    squeeze: int = 0
    padding: Padding = "same"
    activation: ActivationName = "relu6"

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        words = [f"mbconv {self.channels}"]
        words += [f"x{self.blocks}"] * (self.blocks > 1) + [f"/{self.stride}"] * (self.stride > 1)
        words += [f"expand {self.expand}"] * (self.expand != 6)
        words += [f"{self.kernel[0]}x{self.kernel[1]}"] * (self.kernel != (3, 3))
        words += [f"squeeze {self.squeeze}"] * (self.squeeze > 0) + [self.padding] * (self.padding != "same")
        return " ".join(words + [self.activation] * (self.activation != "relu6"))

    def output(self, shape: Shape) -> Shape:
        """Return (ceil(H / stride), ceil(W / stride), channels)."""
        height, width, _ = sides_and_channels(shape, "mbconv")
        return (-(-height // self.stride), -(-width // self.stride), self.channels)

    def count(self, shape: Shape) -> Count:
        """Return kernel weights, scales and shifts and the squeeze (trainable), running means and variances (fixed)."""
        trainable, normalised = 0, 0
        for block in self.plan(shape):
            for step in block.steps:
                filters, seen, rows, columns = step.weight
                trainable += filters * seen * rows * columns
                normalised += step.outgoing
            if block.squeeze:
                trainable += gate_count(block.steps[-1].incoming, block.squeeze).trainable
        return Count(trainable=trainable + 2 * normalised, fixed=2 * normalised)

    def plan(self, shape: Shape) -> Iterator[InvertedBlock]:
        """Yield each block for pictures of `shape` (H, W, C)."""
        height, width, channels = shape
        for number in range(self.blocks):
            stride = self.stride if number == 0 else 1
            wide, sides = self.expand * channels, (height, width)
            height, width = (-(-side // stride) for side in sides)
            steps = [Step(1, channels, wide, (1, 1), 1, 1, Margins(), sides)] * (self.expand > 1)
            margins = around(self.padding, sides, self.kernel, stride)
            steps.append(Step(2, wide, wide, self.kernel, stride, wide, margins, (height, width)))
            steps.append(Step(3, wide, self.channels, (1, 1), 1, 1, Margins(), (height, width)))
            squeeze = squeezed(channels, self.squeeze) if self.squeeze else 0
            yield InvertedBlock(tuple(steps), squeeze, stride == 1 and channels == self.channels)
            channels = self.channels
