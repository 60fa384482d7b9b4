"""Inverted residual blocks as modules."""

from __future__ import annotations

from torch import Tensor, nn

from picturewise.architectures.inverted import Inverted, InvertedBlock, Step
from picturewise.architectures.layers import Shape
from picturewise.networks.activations import activation
from picturewise.networks.convolution import convolution
from picturewise.networks.gates import SqueezeExcite


class InvertedResidual(nn.Module):
    """One block, (B, C, H, W) → (B, C', H', W'): `conv1`, `bn1`, …, `bn3`, and `gate` if it squeezes.

    `conv1` widens, `conv2` is depthwise, `conv3` narrows; a block that does not widen has no `conv1`.

    Args:
        layer: the row of blocks that it belongs to.
        block: its convolutions.

    Attributes:
        adds: whether the input is added to the result.
    """

    bn3: nn.BatchNorm2d

    def __init__(self, layer: Inverted, block: InvertedBlock) -> None:
        super().__init__()
        self._numbers = [step.number for step in block.steps]
        self.adds = block.adds
        for step in block.steps:
            self.add_module(f"conv{step.number}", _convolution(step))
            self.add_module(f"bn{step.number}", nn.BatchNorm2d(step.outgoing))
        self.activation = activation(layer.activation)
        self.gate: nn.Module = nn.Identity()
        if block.squeeze:
            self.gate = SqueezeExcite(block.steps[-1].incoming, block.squeeze, layer.activation)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the output of the convolutions, with the input added if it has the same shape."""
        values = pictures
        for number in self._numbers:
            if number == 3:
                values = self.gate(values)
            values = getattr(self, f"bn{number}")(getattr(self, f"conv{number}")(values))
            if number < 3:
                values = self.activation(values)
        return values + pictures if self.adds else values


def inverted_blocks(layer: Inverted, shape: Shape) -> nn.Sequential:
    """Return the blocks of a layer for pictures of `shape` (H, W, C)."""
    return nn.Sequential(*(InvertedResidual(layer, block) for block in layer.plan(shape)))


def _convolution(step: Step) -> nn.Conv2d:
    sides = step.incoming, step.outgoing
    return convolution(*sides, step.kernel, step.stride, step.margins, bias=False, groups=step.groups)
