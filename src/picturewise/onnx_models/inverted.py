"""Inverted residual blocks as nodes; see `picturewise.architectures.inverted`."""

from __future__ import annotations

from picturewise.architectures.inverted import Inverted
from picturewise.architectures.layers import Shape
from picturewise.onnx_models.graph import Graph
from picturewise.onnx_models.operators import activated, batch_normalised, convolved, squeezed


def inverted_blocks(graph: Graph, pictures: str, layer: Inverted, name: str, shape: Shape) -> str:
    """Add the blocks of a layer for pictures of `shape` (H, W, C), and return the result's name."""
    for number, block in enumerate(layer.plan(shape)):
        values, place = pictures, f"{name}.{number}"
        for step in block.steps:
            if step.number == 3 and block.squeeze:
                gate = f"{place}.gate"
                values = squeezed(graph, values, gate, step.incoming, block.squeeze, layer.activation)
            values = convolved(
                graph,
                values,
                f"{place}.conv{step.number}",
                step.weight,
                stride=step.stride,
                margins=step.margins,
                bias=False,
                groups=step.groups,
            )
            values = batch_normalised(graph, values, f"{place}.bn{step.number}", step.outgoing)
            if step.number < 3:
                values = activated(graph, values, layer.activation)
        pictures = graph.node("Add", values, pictures) if block.adds else values
    return pictures
