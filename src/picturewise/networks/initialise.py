"""The initial weights of a network, drawn from one generator in the order of the modules."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from picturewise.networks.activations import gain
from picturewise.networks.blocks import ResidualBlock
from picturewise.networks.gates import SqueezeExcite
from picturewise.networks.inverted_blocks import InvertedResidual

_NORMALISATION = (nn.BatchNorm2d, nn.BatchNorm1d, nn.GroupNorm)


def initialise(network: nn.Sequential, generator: torch.Generator, *, dirac: bool = False) -> None:
    """Draw weights from N(0, gain²/fan-in) (He et al., 2015); biases are 0.

    The gain is that of the activation that follows, even after a normalisation. For a convolution without a
    normalisation before the next weights, the mean of fan-in and fan-out (Glorot and Bengio, 2010) takes the place of
    the fan-in: neighbouring pixels are alike, so with few channels and many filters, the values would grow too large.
    Between convolutions of equal width, it is the same.

    Normalisations start as the identity, but the last one of a block that adds its input starts at scale 0, so that the
    block initially passes on its input (Goyal et al., 2017). The `pre` form ends in a convolution and starts as in its
    paper; a scale of 0 before relu would stay. A timm network keeps timm's initial weights.

    Args:
        network: from the builder.
        generator: of the random numbers.
        dirac: let a convolution's first filters, as many as it has input channels, start by passing these on (Zagoruyko
            and Komodakis, "DiracNets", 2017); the others are drawn. Kernels without a centre do not pass anything on.
    """
    modules = list(network)
    for index, module in enumerate(modules):
        if isinstance(module, nn.Conv2d | nn.Linear):
            following = next((m for m in modules[index + 1 :] if not isinstance(m, _NORMALISATION)), None)
            fan = None
            if isinstance(module, nn.Conv2d) and not _is_normalised(modules[index + 1 :]):
                fan = _mean_fan(module)
            _draw(module.weight, gain(following), generator, fan)
            if dirac and isinstance(module, nn.Conv2d) and _passes_on(module):
                nn.init.dirac_(module.weight[: module.in_channels])
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, SqueezeExcite):
            _initialise_gate(module, generator)
        elif isinstance(module, nn.Sequential):
            for block in module:
                _initialise_block(block, generator)


def _is_normalised(following: Sequence[nn.Module]) -> bool:
    """Return whether there is a normalisation before the next weights; residual blocks have their own."""
    weighty = (*_NORMALISATION, nn.Conv2d, nn.Linear, nn.Sequential)
    first = next((module for module in following if isinstance(module, weighty)), None)
    return isinstance(first, (*_NORMALISATION, nn.Sequential))


def _mean_fan(module: nn.Conv2d) -> float:
    """Return the mean of the numbers of values that an output depends on, and that an input takes part in."""
    fan_in = module.weight[0].numel()
    return fan_in * (1 + module.out_channels / module.in_channels) / 2


def _initialise_block(block: nn.Module, generator: torch.Generator) -> None:
    assert isinstance(block, ResidualBlock | InvertedResidual)  # noqa: S101 (the builder does not nest anything else)
    for module in block.modules():
        if isinstance(module, nn.Conv2d):
            _draw(module.weight, gain(block.activation), generator)
        elif isinstance(module, SqueezeExcite):
            _initialise_gate(module, generator)
    if isinstance(block, ResidualBlock) and not block.preactivation:
        _, last = block.pairs[-1]
        nn.init.zeros_(last.weight)
    elif isinstance(block, InvertedResidual) and block.adds:
        nn.init.zeros_(block.bn3.weight)


def _initialise_gate(gate: SqueezeExcite, generator: torch.Generator) -> None:
    """Draw the dense layers; every channel starts at about half, the sigmoid of 0."""
    for layer, following in ((gate.reduce, gate.activation), (gate.restore, None)):
        _draw(layer.weight, gain(following), generator)
        nn.init.zeros_(layer.bias)


def _passes_on(module: nn.Conv2d) -> bool:
    return module.groups == 1 and all(side % 2 for side in module.kernel_size)


def _draw(weight: Tensor, factor: float, generator: torch.Generator, fan: float | None = None) -> None:
    with torch.no_grad():
        weight.normal_(0, factor / math.sqrt(fan or weight[0].numel()), generator=generator)
