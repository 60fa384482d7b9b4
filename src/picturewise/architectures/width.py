"""The width of a network: one factor on the channels and units of all its layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from picturewise.architectures.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GroupNorm,
    Layer,
    Pool,
)
from picturewise.architectures.lines import parse
from picturewise.architectures.residual import Residual
from picturewise.errors import UsageError

MULTIPLE = 8
"""Widths are rounded to it, as processors compute that many numbers at a time; smaller widths to 1."""
_KEPT = (Activation, BatchNorm, Dropout, Flatten, GroupNorm, Pool)


def widened(lines: Sequence[str], factor: float) -> tuple[str, ...]:
    """Return layer lines with `factor` times the channels and units, in multiples of 8.

    The whitening convolution stays, because its filters are the directions of its patches.

    Args:
        lines: without the output layer.
        factor: above 0; 1 changes nothing.

    Raises:
        UsageError: a line has a width that depends on others: pretrained, depthwise and grouped layers.

    >>> widened(["conv 32 3x3", "batchnorm", "flatten", "dense 128 relu"], 0.75)
    ('conv 24 3x3', 'batchnorm', 'flatten', 'dense 96 relu')
    """
    layers = parse(lines)
    for number, layer in enumerate(layers, start=1):
        if not _can_be_widened(layer):
            raise UsageError(
                f"Layer line {number}, '{layer.line}', depends on the width of other layers, so the network's width "
                "cannot be changed by a factor. Leave the width as it is."
            )
    return tuple(layer.line if factor == 1 else _widened(layer, factor).line for layer in layers)


def can_be_widened(lines: Sequence[str]) -> bool:
    """Return whether `widened` accepts the layer lines and changes any of them."""
    layers = parse(lines)
    return all(map(_can_be_widened, layers)) and any(_width(layer) for layer in layers)


def _can_be_widened(layer: Layer) -> bool:
    if isinstance(layer, Conv):
        return layer.groups == 1 and not layer.depthwise
    return type(layer) in {Dense, Residual} or isinstance(layer, _KEPT)


def _width(layer: Layer) -> int:
    """Return the width of a layer that has one of its own, or 0."""
    match layer:
        case Conv():
            return 0 if layer.whiten else layer.filters
        case Dense():
            return layer.units
        case Residual():
            return layer.width
    return 0


def _widened(layer: Layer, factor: float) -> Layer:
    before = _width(layer)
    unit = MULTIPLE if before >= MULTIPLE else 1
    width = max(unit, round(before * factor / unit) * unit)
    match layer:
        case Conv() if not layer.whiten:
            return replace(layer, filters=width)
        case Dense():
            return replace(layer, units=width)
        case Residual():
            return replace(layer, width=width)
    return layer
