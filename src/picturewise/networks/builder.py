"""Layers as data → a `torch.nn.Sequential` with weights drawn from a seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from picturewise.architectures.heads import Columns
from picturewise.architectures.inverted import Inverted
from picturewise.architectures.layers import (
    Activation,
    ActivationName,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    Layer,
    Pool,
    Shape,
    sides_and_channels,
)
from picturewise.architectures.lines import with_output
from picturewise.architectures.margins import Margins, around, same
from picturewise.architectures.residual import Residual
from picturewise.architectures.squeeze_excite import SqueezeExcite
from picturewise.architectures.summary import summarise
from picturewise.architectures.timm_line import Timm
from picturewise.networks.activations import activation
from picturewise.networks.blocks import residual_blocks
from picturewise.networks.convolution import convolution
from picturewise.networks.gates import SqueezeExcite as Gate
from picturewise.networks.initialise import initialise
from picturewise.networks.inverted_blocks import inverted_blocks
from picturewise.timm_adapter import build_network

_KEEPS_NO_OUTPUT = (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm)
"""Modules that do not need their output in the backward pass, so that a relu may overwrite it."""


class RowMajorFlatten(nn.Module):
    """(B, C, H, W) → (B, H·W·C): the channels of a pixel stay side by side, as in memory."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the pictures as vectors; flat input passes through."""
        return pictures.permute(0, 2, 3, 1).flatten(1) if pictures.ndim == 4 else pictures


class Chain(nn.Sequential):
    """Modules in sequence, with a relu moved from before a max pooling to after it.

    The output is the same bit for bit, and so are the gradients: relu keeps the order of numbers, and if a whole window
    is below 0, no gradient flows back either way. After windows of 2x2, relu has a quarter of the work.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (nn.Sequential's name for it)
        """Return the output of the last module."""
        found, relu = input, None
        for module in self:
            if relu is not None:
                found = relu(module(found)) if isinstance(module, nn.MaxPool2d) else module(relu(found))
                relu = None
            elif isinstance(module, nn.ReLU):
                relu = module
            else:
                found = module(found)
        return found if relu is None else relu(found)


class ColumnLinear(nn.Linear):
    """(B, C, H, W) → (B, W·outputs): the same linear layer for all values of each column, column by column."""

    def forward(self, maps: Tensor) -> Tensor:
        """Return the outputs of the columns, from left to right."""
        return super().forward(maps.permute(0, 3, 2, 1).flatten(2)).flatten(1)


class GlobalMean(nn.Module):
    """(B, C, H, W) → (B, C): the mean over all pixels."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return one mean per channel."""
        return pictures.mean(dim=(2, 3))


def build(
    layers: Sequence[Layer], input_shape: Shape, output: str, *, seed: int, dirac: bool = False
) -> nn.Sequential:
    """Return the network of `layers` and the line `output`: (B, C, H, W) floats in, logits out.

    The weights depend only on `seed` and `dirac` (see `initialise`); global random state is left unchanged.
    Convolution weights are channels-last, the layout in which processors and GPUs convolve fastest.

    Raises:
        LayerError: a line does not fit what comes into it.
    """
    with torch.random.fork_rng(devices=[]):  # the modules' own initialisation draws from the global state
        torch.default_generator.manual_seed(seed)  # for timm's networks, which `initialise` does not change
        network = assemble(layers, input_shape, output)
    initialise(network, torch.Generator().manual_seed(seed), dirac=dirac)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
    return network


def assemble(layers: Sequence[Layer], input_shape: Shape, output: str) -> nn.Sequential:
    """Return the network's modules in sequence, with PyTorch's own initial weights.

    A layer's modules come one after the other and are numbered in order, so the weights of the n-th are `n.weight`; the
    blocks of a residual line are numbered within it, and have torchvision's names inside: `4.0.conv1.weight` is
    `layer1.0.conv1.weight` in torchvision's ResNets. A timm network is one module, with timm's names.

    Raises:
        LayerError: a line does not fit what comes into it.
    """
    shape, modules = input_shape, list[nn.Module]()
    rows = summarise(layers, input_shape, output).rows
    for layer, row in zip(with_output(layers, output), rows, strict=True):
        modules += _modules(layer, shape)
        shape = row.output
    for before, module in itertools.pairwise(modules):
        if isinstance(module, nn.ReLU):
            module.inplace = isinstance(before, _KEEPS_NO_OUTPUT)
    return Chain(*modules)


def spans(layers: Sequence[Layer], input_shape: Shape, output: str) -> list[range]:
    """Return which modules of the network belong to each layer, the output layer last."""
    shape, found, start = input_shape, list[range](), 0
    rows = summarise(layers, input_shape, output).rows
    with torch.device("meta"):  # here, weights have shapes but take no memory
        for layer, row in zip(with_output(layers, output), rows, strict=True):
            stop = start + len(_modules(layer, shape))
            found.append(range(start, stop))
            shape, start = row.output, stop
    return found


def _modules(layer: Layer, shape: Shape) -> list[nn.Module]:
    """Return the modules of one layer for the incoming `shape`."""
    match layer:
        case Conv():
            return [*_convolution(layer, shape), *_activation(layer.activation)]
        case Dense():
            return [nn.Linear(shape[0], layer.units), *_activation(layer.activation)]
        case Columns():
            return [ColumnLinear(shape[0] * shape[2], layer.outputs_of_column)]
        case BatchNorm():
            return [nn.BatchNorm2d(shape[-1]) if len(shape) == 3 else nn.BatchNorm1d(shape[-1])]
        case GroupNorm():
            return [nn.GroupNorm(layer.groups, shape[-1])]
        case Pool():
            return _pooling(layer)
        case Dropout():
            return [nn.Dropout(layer.rate)]
        case Flatten():
            return [RowMajorFlatten()]
        case Activation():
            return _activation(layer.name)
    return [_whole(layer, shape)]


def _whole(layer: Layer, shape: Shape) -> nn.Module:
    """Return the single module of a layer that has others inside."""
    match layer:
        case Residual():
            return residual_blocks(layer, shape[-1])
        case Inverted():
            return inverted_blocks(layer, shape)
        case SqueezeExcite():
            return Gate(shape[-1], layer.units(shape[-1]), layer.activation)
        case Timm():
            return build_network(layer.name, sides_and_channels(shape, "timm"))
    raise AssertionError(f"no module for {layer}")


def _convolution(layer: Conv, shape: Shape) -> list[nn.Module]:
    height, width, channels = shape
    margins = around(layer.padding, (height, width), layer.kernel, layer.stride)
    edge = list[nn.Module]()
    if margins.uneven and layer.padding == "same":  # a module of its own, for which older files count one
        above, left, below, right = margins
        edge, margins = [nn.ZeroPad2d((left, right, above, below))], Margins()
    made = convolution(
        channels,
        layer.filters,
        layer.kernel,
        layer.stride,
        margins,
        bias=layer.bias,
        whiten=layer.whiten,
        groups=layer.groups_of(channels),
    )
    return [*edge, made]


def _pooling(layer: Pool) -> list[nn.Module]:
    if layer.size is None:
        return [GlobalMean()]
    return _largest(layer.size, layer) if layer.kind == "maxpool" else [nn.AvgPool2d(layer.size, layer.step)]


def _largest(size: int, layer: Pool) -> list[nn.Module]:
    margins = same(size, size) if layer.padding == "same" else Margins()
    above, left, below, right = margins
    if not margins.uneven:
        return [nn.MaxPool2d(size, layer.step, padding=above)]
    edge = nn.ConstantPad2d((left, right, above, below), -math.inf)  # never the largest
    return [edge, nn.MaxPool2d(size, layer.step)]


def _activation(name: ActivationName | None) -> list[nn.Module]:
    return [] if name is None else [activation(name)]
