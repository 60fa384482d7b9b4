"""Layer lines → nodes of an ONNX graph.

Weights have their names in the PyTorch network of the same lines, where modules are numbered in order, and padding, an
activation and a dropout are modules, too: see `picturewise.networks.builder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from picturewise.architectures.heads import Columns
from picturewise.architectures.inverted import Inverted
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
    Shape,
)
from picturewise.architectures.lines import with_output
from picturewise.architectures.margins import Margins, around, same
from picturewise.architectures.residual import Residual
from picturewise.architectures.squeeze_excite import SqueezeExcite
from picturewise.architectures.summary import summarise
from picturewise.onnx_models.graph import Graph
from picturewise.onnx_models.inverted import inverted_blocks
from picturewise.onnx_models.operators import (
    activated,
    averaged,
    batch_normalised,
    convolved,
    flattened,
    group_normalised,
    multiplied,
    pooled,
    squeezed,
)
from picturewise.onnx_models.residual import residual_blocks

Known: TypeAlias = (
    Conv
    | Dense
    | Columns
    | BatchNorm
    | GroupNorm
    | Residual
    | Inverted
    | SqueezeExcite
    | Pool
    | Dropout
    | Flatten
    | Activation
)
"""All layers except timm networks, which are PyTorch code."""


def add_layers(
    graph: Graph, pictures: str, layers: Sequence[Layer], input_shape: Shape, output: str | None
) -> str:
    """Add all layers and the line `output`, and return the name of the logits (N, classes).

    Args:
        graph: has the weights.
        pictures: name of the prepared pictures (N, C, H, W).
        layers: each of a kind that is `Known`.
        input_shape: (H, W, C) of the prepared pictures.
        output: the line of the output layer, such as 'dense 10'; None: there is none, and the result is that of the
            last layer, (N, features).

    Raises:
        LayerError: a line does not fit what comes into it.
    """
    shape, values, module = input_shape, pictures, 0
    every = with_output(layers, output or "dense 1")
    rows = summarise(layers, input_shape, every[-1].line).rows
    for layer, row in list(zip(every, rows, strict=True))[: None if output else -1]:
        values, modules = _add(graph, values, layer, shape, module)
        shape, module = row.output, module + modules
    return values


def _add(  # noqa: C901 (a case for each kind of layer)
    graph: Graph, values: str, layer: Layer, shape: Shape, module: int
) -> tuple[str, int]:
    """Add one layer for the incoming `shape`; return its result's name and how many modules PyTorch has for it.

    Args:
        graph: takes the nodes.
        values: name of the input.
        layer: the line.
        shape: of the input.
        module: the number of the layer's first module.
    """
    match layer:
        case Conv():
            return _convolution(graph, values, layer, shape, module)
        case Dense():
            values = multiplied(graph, values, f"{module}", shape[0], layer.units)
            return activated(graph, values, layer.activation), 1 + (layer.activation is not None)
        case Columns():
            return _of_columns(graph, values, layer, shape, module), 1
        case BatchNorm():
            return batch_normalised(graph, values, f"{module}", shape[-1]), 1
        case GroupNorm():
            return group_normalised(graph, values, f"{module}", layer.groups, shape), 1
        case Residual():
            return residual_blocks(graph, values, layer, f"{module}", shape[-1]), 1
        case Inverted():
            return inverted_blocks(graph, values, layer, f"{module}", shape), 1
        case SqueezeExcite():
            units = layer.units(shape[-1])
            return squeezed(graph, values, f"{module}", shape[-1], units, layer.activation), 1
        case Pool():
            return _pooling(graph, values, layer)
        case Dropout():  # it only acts in training
            return values, 1
        case Flatten():
            return (flattened(graph, values) if len(shape) == 3 else values), 1
        case Activation():
            return activated(graph, values, layer.name), 1
    raise AssertionError(f"no nodes for {layer}")


def _of_columns(graph: Graph, values: str, layer: Columns, shape: Shape, module: int) -> str:
    """Add the layer of every column of maps (N, C, H, W), and return the result's name, (N, W · outputs)."""
    height, width, channels = shape
    turned = graph.node("Transpose", values, perm=[0, 3, 2, 1])
    rows = graph.node(
        "Reshape", turned, graph.constant("columns", np.array([-1, height * channels], np.int64))
    )
    found = multiplied(graph, rows, f"{module}", height * channels, layer.outputs_of_column)
    together = np.array([-1, width * layer.outputs_of_column], np.int64)
    return graph.node("Reshape", found, graph.constant("together", together))


def _convolution(graph: Graph, values: str, layer: Conv, shape: Shape, module: int) -> tuple[str, int]:
    height, width, channels = shape
    margins = around(layer.padding, (height, width), layer.kernel, layer.stride)
    uneven = margins.uneven and layer.padding == "same"  # then a separate module adds the padding
    values = convolved(
        graph,
        values,
        f"{module + uneven}",
        (layer.filters, layer.seen(channels), *layer.kernel),
        stride=layer.stride,
        margins=margins,
        bias=layer.bias,
        groups=layer.groups_of(channels),
    )
    return activated(graph, values, layer.activation), 1 + uneven + (layer.activation is not None)


def _pooling(graph: Graph, values: str, layer: Pool) -> tuple[str, int]:
    if layer.size is None:
        return averaged(graph, values), 1
    margins = same(layer.size, layer.size) if layer.padding == "same" else Margins()
    operator = "MaxPool" if layer.kind == "maxpool" else "AveragePool"
    values = pooled(graph, values, operator, layer.size, layer.step, margins)
    return values, 1 + margins.uneven
