"""Layers as data → a `torch.nn.Sequential` with weights drawn from a seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sightline.architectures.layers import (
    Activation,
    ActivationName,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Pool,
    Shape,
)
from sightline.architectures.summary import summarise


class RowMajorFlatten(nn.Module):
    """(B, C, H, W) → (B, H·W·C): the channels of a pixel stay side by side, as they lie in memory."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the pictures as vectors; flat input passes through."""
        return pictures.permute(0, 2, 3, 1).flatten(1) if pictures.ndim == 4 else pictures


class GlobalMean(nn.Module):
    """(B, C, H, W) → (B, C): the mean over all pixels."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return one mean per channel."""
        return pictures.mean(dim=(2, 3))


_ACTIVATIONS: dict[ActivationName, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


def build(layers: Sequence[Layer], input_shape: Shape, classes: int, *, seed: int) -> nn.Sequential:
    """Return the network of `layers` with `dense <classes>` appended: (B, C, H, W) floats in, logits out.

    The weights depend on `seed` alone; global random state is left as it was. Convolution weights lie
    channels-last, the layout in which processors and GPUs convolve fastest.

    Raises:
        LayerError: a line does not fit what comes into it.
    """
    summary = summarise(layers, input_shape, classes)
    shape, modules = input_shape, list[nn.Module]()
    with torch.random.fork_rng(devices=[]):  # the modules' own initialisation draws from the global state
        for layer, row in zip([*layers, Dense(classes)], summary.rows, strict=True):
            modules += _modules(layer, shape)
            shape = row.output
    network = nn.Sequential(*modules)
    _initialise(network, torch.Generator().manual_seed(seed))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    return network


def _modules(layer: Layer, shape: Shape) -> list[nn.Module]:
    """Return the modules of one layer for the incoming `shape`."""
    match layer:
        case Conv():
            return [*_convolution(layer, shape[-1]), *_activation(layer.activation)]
        case Dense():
            return [nn.Linear(shape[0], layer.units), *_activation(layer.activation)]
        case BatchNorm():
            return [nn.BatchNorm2d(shape[-1]) if len(shape) == 3 else nn.BatchNorm1d(shape[-1])]
        case Pool(kind="maxpool", size=int(size)):
            return [nn.MaxPool2d(size, layer.step)]
        case Pool(size=int(size)):
            return [nn.AvgPool2d(size, layer.step)]
        case Pool():
            return [GlobalMean()]
        case Dropout():
            return [nn.Dropout(layer.rate)]
        case Flatten():
            return [RowMajorFlatten()]
        case Activation():
            return _activation(layer.name)
    raise AssertionError(f"no module for {layer}")


def _convolution(layer: Conv, channels: int) -> list[nn.Module]:
    rows, columns = layer.kernel if layer.padding == "same" else (1, 1)
    above, left = (rows - 1) // 2, (columns - 1) // 2
    below, right = rows - 1 - above, columns - 1 - left
    if (above, left) == (below, right):
        return [nn.Conv2d(channels, layer.filters, layer.kernel, layer.stride, padding=(above, left))]
    # An even kernel cannot lie centred: the odd row and column of padding go below and to the right.
    padding = nn.ZeroPad2d((left, right, above, below))
    return [padding, nn.Conv2d(channels, layer.filters, layer.kernel, layer.stride)]


def _activation(name: ActivationName | None) -> list[nn.Module]:
    return [] if name is None else [_ACTIVATIONS[name]()]


def _initialise(network: nn.Sequential, generator: torch.Generator) -> None:
    """Draw weights from N(0, gain²/fan-in) (He et al., 2015); biases are 0.

    The gain is √2 before relu and its smooth kin, which pass half of what they get, and 1 elsewhere.
    """
    modules = list(network)
    for index, module in enumerate(modules):
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        following = next(
            (m for m in modules[index + 1 :] if not isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d)), None
        )
        gain = math.sqrt(2) if isinstance(following, nn.ReLU | nn.GELU | nn.SiLU) else 1.0
        fan_in = module.weight[0].numel()
        with torch.no_grad():
            module.weight.normal_(0, gain / math.sqrt(fan_in), generator=generator)
            if module.bias is not None:
                module.bias.zero_()
