"""Residual blocks as nodes; see `picturewise.architectures.residual` for their forms."""

from __future__ import annotations

from picturewise.architectures.margins import same
from picturewise.architectures.residual import Block, Convolution, Residual
from picturewise.onnx_models.graph import Graph
from picturewise.onnx_models.operators import activated, batch_normalised, convolved


def residual_blocks(graph: Graph, pictures: str, layer: Residual, name: str, channels: int) -> str:
    """Add the blocks of a layer for `channels` input channels, and return the result's name."""
    put_in = _before if layer.preactivation else _after
    for number, block in enumerate(layer.plan(channels)):
        pictures = put_in(graph, pictures, layer, block, f"{name}.{number}")
    return pictures


def _after(graph: Graph, pictures: str, layer: Residual, block: Block, name: str) -> str:
    """Add a block with normalisations and activations after its convolutions."""
    values, shortcut = pictures, pictures
    for number, part in enumerate(block.convolutions, start=1):
        if number > 1:
            values = activated(graph, values, layer.activation)
        values = _convolved(graph, values, f"{name}.conv{number}", part)
        values = batch_normalised(graph, values, f"{name}.bn{number}", part.outgoing)
    if block.projection is not None:
        shortcut = _convolved(graph, pictures, f"{name}.downsample.0", block.projection)
        shortcut = batch_normalised(graph, shortcut, f"{name}.downsample.1", layer.channels)
    return activated(graph, graph.node("Add", values, shortcut), layer.activation)


def _before(graph: Graph, pictures: str, layer: Residual, block: Block, name: str) -> str:
    """Add a block with normalisations and activations before its convolutions."""
    values, shortcut = pictures, pictures
    for number, part in enumerate(block.convolutions, start=1):
        values = batch_normalised(graph, values, f"{name}.bn{number}", part.incoming)
        values = activated(graph, values, layer.activation)
        if number == 1 and block.projection is not None:  # it takes the activated picture
            shortcut = _convolved(graph, values, f"{name}.downsample.0", block.projection)
        values = _convolved(graph, values, f"{name}.conv{number}", part)
    return graph.node("Add", values, shortcut)


def _convolved(graph: Graph, pictures: str, name: str, part: Convolution) -> str:
    kernel = (part.kernel, part.kernel)
    shape = (part.outgoing, part.incoming, *kernel)
    return convolved(graph, pictures, name, shape, stride=part.stride, margins=same(*kernel), bias=False)
