"""Residual blocks as modules; their parameters have torchvision's names."""

from __future__ import annotations

from torch import Tensor, nn

from picturewise.architectures.margins import same
from picturewise.architectures.residual import Block, Convolution, Residual
from picturewise.networks.activations import activation
from picturewise.networks.convolution import convolution


class ResidualBlock(nn.Module):
    """One block, (B, C, H, W) → (B, C', H', W'): `conv1`, `bn1`, `conv2`, …, and `downsample` for its shortcut.

    Args:
        layer: the row of blocks that it belongs to.
        block: its convolutions.
    """

    def __init__(self, layer: Residual, block: Block) -> None:
        super().__init__()
        self.preactivation = layer.preactivation
        self._pairs: list[tuple[str, str]] = []
        for number, part in enumerate(block.convolutions, start=1):
            normalised = part.incoming if layer.preactivation else part.outgoing
            self.add_module(f"conv{number}", _convolution(part))
            self.add_module(f"bn{number}", nn.BatchNorm2d(normalised))
            self._pairs.append((f"conv{number}", f"bn{number}"))
        self.activation = activation(layer.activation)
        self.dropout = nn.Dropout(layer.dropout) if layer.dropout else nn.Identity()
        self.downsample: nn.Sequential | None = None
        if block.projection is not None:
            norms = [] if layer.preactivation else [nn.BatchNorm2d(layer.channels)]
            self.downsample = nn.Sequential(_convolution(block.projection), *norms)

    @property
    def pairs(self) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
        """Each convolution with its normalisation, in order."""
        return [(getattr(self, conv), getattr(self, norm)) for conv, norm in self._pairs]

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the sum of the shortcut and the output of the convolutions."""
        return self._before(pictures) if self.preactivation else self._after(pictures)

    def _after(self, pictures: Tensor) -> Tensor:
        values = pictures
        for number, (conv, norm) in enumerate(self.pairs):
            if number > 0:
                values = self.dropout(self.activation(values))
            values = norm(conv(values))
        shortcut = pictures if self.downsample is None else self.downsample(pictures)
        total: Tensor = self.activation(values + shortcut)
        return total

    def _before(self, pictures: Tensor) -> Tensor:
        (first, norm), *others = self.pairs
        activated = self.activation(norm(pictures))
        values: Tensor = first(activated)
        for conv, norm in others:
            values = conv(self.dropout(self.activation(norm(values))))
        # A projection is applied to the activated input, as in both papers' code; the plain shortcut is the input
        # itself.
        shortcut = pictures if self.downsample is None else self.downsample(activated)
        return values + shortcut


def residual_blocks(layer: Residual, channels: int) -> nn.Sequential:
    """Return the blocks of a layer for `channels` input channels."""
    return nn.Sequential(*(ResidualBlock(layer, block) for block in layer.plan(channels)))


def _convolution(part: Convolution) -> nn.Conv2d:
    kernel = (part.kernel, part.kernel)
    return convolution(part.incoming, part.outgoing, kernel, part.stride, same(*kernel), bias=False)
