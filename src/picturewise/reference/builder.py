"""Layers as data → NumPy layers, on arrays with the names in a PyTorch network of the same lines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from picturewise.architectures.inverted import Inverted, InvertedBlock
from picturewise.architectures.layers import (
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
from picturewise.architectures.lines import with_output
from picturewise.architectures.margins import Margins, around, same
from picturewise.architectures.residual import Block, Convolution, Residual
from picturewise.architectures.squeeze_excite import SqueezeExcite
from picturewise.architectures.summary import summarise
from picturewise.errors import LayerError
from picturewise.reference import avgpool, batchnorm, convolution, dense, dropout, flatten, maxpool
from picturewise.reference.activations import activation, gain
from picturewise.reference.arrays import ReferenceArrays
from picturewise.reference.chain import Chain
from picturewise.reference.layer import Layer as Computed
from picturewise.reference.padding import Padding
from picturewise.reference.residual import PreactivatedBlock, ResidualBlock
from picturewise.reference.squeeze_excite import SqueezeExcite as Squeeze

_Known: TypeAlias = (
    Conv | Dense | BatchNorm | Residual | Inverted | SqueezeExcite | Pool | Dropout | Flatten | Activation
)


def check_lines(layers: Sequence[Layer]) -> None:
    """Check that there are NumPy layers for all lines.

    Raises:
        LayerError: there is none for a line; the message names it.
    """
    for number, layer in enumerate(layers, start=1):
        if not isinstance(layer, _Known):
            raise LayerError(
                f"Layer line {number}, '{layer.line}', is not supported by the NumPy engine, which supports "
                "conv, batchnorm, maxpool, avgpool, residual, bottleneck, mbconv, squeeze-excite, dropout, flatten, "
                "dense and the activations. Use one of these instead, or the engine 'torch'."
            )


def build(layers: Sequence[Layer], input_shape: Shape, output: str, source: ReferenceArrays) -> Chain:
    """Return the layers in order, numbered like the modules of a PyTorch network of the same lines.

    Raises:
        LayerError: a line does not fit what comes into it, or does not have a NumPy layer.
    """
    check_lines(layers)
    every, shape, built = with_output(layers, output), input_shape, dict[str, Computed]()
    for number, (layer, row) in enumerate(
        zip(every, summarise(layers, input_shape, output).rows, strict=True)
    ):
        following, plain = _activation_after(every[number:]), not _is_normalised(every[number + 1 :])
        for part in _parts(layer, shape, len(built), following, source, plain=plain):
            built[str(len(built))] = part
        shape = row.output
    return Chain(built)


def _parts(
    layer: Layer,
    shape: Shape,
    first: int,
    following: ActivationName | None,
    source: ReferenceArrays,
    *,
    plain: bool,
) -> Iterator[Computed]:
    """Yield the layers of one line.

    Args:
        layer: the line.
        shape: of the input.
        first: the number of the first part.
        following: the activation after the weights of this line.
        source: of the arrays.
        plain: there is no normalisation before the next weights.
    """
    match layer:
        case Conv():
            yield from _convolved(layer, shape, first, following, source, plain=plain)
        case Dense():
            spread = gain(following) / math.sqrt(shape[0])
            weight = source.take(f"{first}.weight", (layer.units, shape[0]), spread=spread)
            yield dense.Dense(weight, source.take(f"{first}.bias", (layer.units,)))
        case BatchNorm():
            yield _batchnorm(source, f"{first}", shape[-1])
        case Residual():
            blocks = enumerate(layer.plan(shape[-1]))
            yield Chain(
                {f"{number}": _block(layer, block, f"{first}.{number}", source) for number, block in blocks}
            )
        case Inverted():
            inverted = enumerate(layer.plan(shape))
            yield Chain(
                {
                    f"{number}": _inverted(layer.activation, block, f"{first}.{number}", source)
                    for number, block in inverted
                }
            )
        case SqueezeExcite():
            units = layer.units(shape[-1])
            yield _squeezed(f"{first}", shape[-1], units, layer.activation, source)
        case Pool():
            yield from _pooled(layer)
        case Dropout():
            yield dropout.Dropout(layer.rate)
        case Flatten():
            yield flatten.Flatten()
        case Activation():
            yield activation(layer.name)
        case _:
            raise AssertionError(f"no NumPy layer for {layer}")
    if isinstance(layer, Conv | Dense) and layer.activation is not None:
        yield activation(layer.activation)


def _convolved(
    layer: Conv,
    incoming: Shape,
    first: int,
    following: ActivationName | None,
    source: ReferenceArrays,
    *,
    plain: bool,
) -> Iterator[Computed]:
    height, width, channels = incoming
    margins = around(layer.padding, (height, width), layer.kernel, layer.stride)
    shape = (layer.filters, layer.seen(channels), *layer.kernel)
    name = f"{first}"
    if margins.uneven and layer.padding == "same":  # a layer of its own, as in PyTorch
        yield Padding(margins)
        name, margins = f"{first + 1}", Margins()
    yield _convolution(
        source,
        name,
        shape,
        layer.stride,
        margins,
        bias=layer.bias,
        following=following,
        learns=not layer.whiten,
        groups=layer.groups_of(channels),
        plain=plain,
    )


def _pooled(layer: Pool) -> Iterator[Computed]:
    if layer.size is None:
        yield avgpool.GlobalMean()
    elif layer.kind == "avgpool":
        yield avgpool.AvgPool(layer.size, layer.step)
    else:
        margins = same(layer.size, layer.size) if layer.padding == "same" else Margins()
        if margins.uneven:
            yield Padding(margins, -math.inf)  # never the largest
        yield maxpool.MaxPool(layer.size, layer.step, 0 if margins.uneven else margins.above)


def _convolution(
    source: ReferenceArrays,
    name: str,
    shape: tuple[int, int, int, int],
    stride: int,
    margins: Margins,
    *,
    bias: bool,
    following: ActivationName | None,
    learns: bool = True,
    groups: int = 1,
    plain: bool = False,
) -> convolution.Convolution:
    """Return a convolution whose weight has the `shape` (F, C / groups, P, Q)."""
    fan_in = math.prod(shape[1:])
    fan_out = math.prod((shape[0] // groups, *shape[2:])) if plain else fan_in
    spread = gain(following) / math.sqrt((fan_in + fan_out) / 2)
    weight = source.take(f"{name}.weight", shape, spread=spread)
    return convolution.Convolution(
        weight,
        source.take(f"{name}.bias", shape[:1]) if bias else None,
        stride,
        margins,
        learns=learns,
        groups=groups,
    )


def _batchnorm(source: ReferenceArrays, name: str, channels: int, scale: float = 1.0) -> batchnorm.BatchNorm:
    return batchnorm.BatchNorm(
        source.take(f"{name}.weight", (channels,), centre=scale),
        source.take(f"{name}.bias", (channels,)),
        source.take(f"{name}.running_mean", (channels,)),
        source.take(f"{name}.running_var", (channels,), centre=1.0),
        source.take(f"{name}.num_batches_tracked", ()),
    )


def _block(layer: Residual, block: Block, name: str, source: ReferenceArrays) -> Computed:
    """Return one block of a residual line; its parameters are named as in torchvision."""

    def convolved(part: Convolution, own: str) -> convolution.Convolution:
        shape = (part.outgoing, part.incoming, part.kernel, part.kernel)
        margins = same(part.kernel, part.kernel)
        return _convolution(
            source, f"{name}.{own}", shape, part.stride, margins, bias=False, following=layer.activation
        )

    # In torchvision, activations of a block do not have names or parameters.
    branch, entry = dict[str, Computed](), dict[str, Computed]()
    last = len(block.convolutions)
    for number, part in enumerate(block.convolutions, start=1):
        channels = part.incoming if layer.preactivation else part.outgoing
        scale = 0.0 if number == last and not layer.preactivation else 1.0
        norm = _batchnorm(source, f"{name}.bn{number}", channels, scale)
        noise = {f"dropout{number}": dropout.Dropout(layer.dropout)} if layer.dropout else {}
        conv = {f"conv{number}": convolved(part, f"conv{number}")}
        normalised = {f"bn{number}": norm}
        activated = {f"activation{number}": activation(layer.activation)}
        if not layer.preactivation:
            branch |= conv | normalised | (activated | noise if number < last else {})
        elif number == 1:
            entry = normalised | activated
            branch |= conv
        else:
            branch |= normalised | activated | noise | conv
    shortcut = dict[str, Computed]()
    if block.projection is not None:
        shortcut["0"] = convolved(block.projection, "downsample.0")
        if not layer.preactivation:
            shortcut["1"] = _batchnorm(source, f"{name}.downsample.1", layer.channels)
    if layer.preactivation:
        return PreactivatedBlock(Chain(entry), Chain(branch), Chain(shortcut) if shortcut else None)
    return ResidualBlock(Chain(branch), Chain(shortcut), activation(layer.activation))


def _inverted(name: ActivationName, block: InvertedBlock, place: str, source: ReferenceArrays) -> Computed:
    """Return one block of an mbconv line, with the activation `name`; its parameters are below `place`."""
    branch = dict[str, Computed]()
    for step in block.steps:
        if step.number == 3 and block.squeeze:
            branch["gate"] = _squeezed(f"{place}.gate", step.incoming, block.squeeze, name, source)
        own = f"conv{step.number}"
        branch[own] = _convolution(
            source,
            f"{place}.{own}",
            step.weight,
            step.stride,
            step.margins,
            bias=False,
            following=name,
            groups=step.groups,
        )
        scale = 0.0 if step.number == 3 and block.adds else 1.0
        branch[f"bn{step.number}"] = _batchnorm(source, f"{place}.bn{step.number}", step.outgoing, scale)
        if step.number < 3:
            branch[f"activation{step.number}"] = activation(name)
    return ResidualBlock(Chain(branch), Chain({}), Chain({})) if block.adds else Chain(branch)


def _squeezed(
    name: str, channels: int, units: int, inner: ActivationName, source: ReferenceArrays
) -> Squeeze:
    """Return a squeeze-and-excitation whose dense layers are `reduce` and `restore`."""

    def dense_layer(own: str, shape: tuple[int, int], following: ActivationName | None) -> dense.Dense:
        spread = gain(following) / math.sqrt(shape[1])
        weight = source.take(f"{name}.{own}.weight", shape, spread=spread)
        return dense.Dense(weight, source.take(f"{name}.{own}.bias", shape[:1]))

    gate: dict[str, Computed] = {
        "means": avgpool.GlobalMean(),
        "reduce": dense_layer("reduce", (units, channels), inner),
        "activation": activation(inner),
        "restore": dense_layer("restore", (channels, units), None),
        "scale": activation("sigmoid"),
    }
    return Squeeze(Chain(gate))


def _activation_after(layers: Sequence[Layer]) -> ActivationName | None:
    """Return the activation after the first of the layers, even with normalisations in between."""
    own = getattr(layers[0], "activation", None)
    following = next((layer for layer in layers[1:] if not isinstance(layer, BatchNorm)), None)
    if own is None and isinstance(following, Activation):
        return following.name
    found: ActivationName | None = own
    return found


def _is_normalised(following: Sequence[Layer]) -> bool:
    """Return whether there is a normalisation before the next weights; blocks have their own."""
    first = next(
        (one for one in following if isinstance(one, BatchNorm | Residual | Inverted | Conv | Dense)), None
    )
    return isinstance(first, BatchNorm | Residual | Inverted)
