"""Single layers as nodes. Pictures are (N, C, H, W), vectors (N, features); each function returns its result's name."""

from __future__ import annotations

import numpy as np

from picturewise.architectures.layers import ActivationName, Shape
from picturewise.architectures.margins import Margins
from picturewise.onnx_models.graph import Attribute, Graph

_EPSILON = 1e-5  # of PyTorch's normalisations

_ACTIVATIONS: dict[ActivationName, str] = {
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "gelu": "Gelu",  # the exact one, with erf
}


def activated(graph: Graph, values: str, name: ActivationName | None) -> str:
    """Add an activation; None: nothing."""
    if name is None:
        return values
    if name == "relu6":
        low, high = (graph.constant(f"relu6.{end}", np.array(end, np.float32)) for end in (0, 6))
        return graph.node("Clip", values, low, high)
    if name == "silu":  # x · sigmoid(x), for which ONNX does not have an operator before opset 24
        return graph.node("Mul", values, graph.node("Sigmoid", values))
    return graph.node(_ACTIVATIONS[name], values)


def convolved(
    graph: Graph,
    pictures: str,
    name: str,
    shape: Shape,
    *,
    stride: int,
    margins: Margins,
    bias: bool,
    groups: int = 1,
) -> str:
    """Add a convolution with a weight of `shape` (F, C / groups, P, Q)."""
    pictures, weight = graph.factors(pictures, f"{name}.weight", shape)
    weights = [weight]
    if bias:
        weights.append(graph.weight(f"{name}.bias", shape[:1]))
    options: dict[str, Attribute] = {"kernel_shape": shape[2:], "strides": (stride, stride), "pads": margins}
    if groups > 1:  # otherwise left out, so that older networks keep their bytes
        options["group"] = groups
    return graph.node("Conv", pictures, *weights, output=None, **options)


def multiplied(graph: Graph, vectors: str, name: str, incoming: int, units: int) -> str:
    """Add a dense layer, (N, incoming) → (N, units)."""
    vectors, weight = graph.factors(vectors, f"{name}.weight", (units, incoming))
    return graph.node("Gemm", vectors, weight, graph.bias(f"{name}.bias", (units,)), transB=1)


def batch_normalised(graph: Graph, values: str, name: str, channels: int) -> str:
    """Add a batch normalisation with running means and variances; values are pictures or vectors."""
    kinds = ("weight", "bias", "running_mean", "running_var")
    weights = [graph.weight(f"{name}.{kind}", (channels,)) for kind in kinds]
    graph.unused(f"{name}.num_batches_tracked", ())  # counted in training
    return graph.node("BatchNormalization", values, *weights, epsilon=_EPSILON)


def group_normalised(graph: Graph, values: str, name: str, groups: int, shape: Shape) -> str:
    """Add a group normalisation of pictures or vectors of `shape` (H, W, C) or (features,).

    Each group is arranged as one row and normalised by itself, like instance normalisation; ONNX's own operator with a
    scale for each channel came with opset 21, and runtimes replace it by the same nodes.
    """
    channels, sides = shape[-1], shape[:-1]
    rows = graph.constant(f"{name}.rows", np.array([0, groups, -1], np.int64))  # 0: as many as in the input
    back = graph.constant(f"{name}.back", np.array([0, channels, *sides], np.int64))
    one, zero = (
        graph.constant(f"{name}.{kind}", np.full(groups, value, np.float32))
        for kind, value in (("one", 1), ("zero", 0))
    )
    normalised = graph.node(
        "InstanceNormalization", graph.node("Reshape", values, rows), one, zero, epsilon=_EPSILON
    )
    over = (channels,) + (1,) * len(sides)
    scale, shift = (graph.weight(f"{name}.{kind}", (channels,), seen_as=over) for kind in ("weight", "bias"))
    return graph.node("Add", graph.node("Mul", graph.node("Reshape", normalised, back), scale), shift)


def squeezed(
    graph: Graph, pictures: str, name: str, channels: int, units: int, activation: ActivationName
) -> str:
    """Add a squeeze-and-excitation: each channel times a number in 0..1, from the means of all channels."""
    inner = activated(
        graph, multiplied(graph, averaged(graph, pictures), f"{name}.reduce", channels, units), activation
    )
    scale = graph.node("Sigmoid", multiplied(graph, inner, f"{name}.restore", units, channels))
    over = graph.constant(
        f"{name}.over", np.array([0, channels, 1, 1], np.int64)
    )  # 0: as many as in the input
    return graph.node("Mul", pictures, graph.node("Reshape", scale, over))


def pooled(graph: Graph, pictures: str, operator: str, size: int, stride: int, margins: Margins) -> str:
    """Add the MaxPool or AveragePool of windows of `size` x `size`; margins are ignored."""
    return graph.node(operator, pictures, kernel_shape=(size, size), strides=(stride, stride), pads=margins)


def averaged(graph: Graph, pictures: str) -> str:
    """Add the mean over all pixels: (N, C, H, W) → (N, C)."""
    return graph.node("Flatten", graph.node("GlobalAveragePool", pictures), axis=1)


def flattened(graph: Graph, pictures: str) -> str:
    """Add (N, C, H, W) → (N, H·W·C): row by row, pixel by pixel, the channels of a pixel side by side."""
    return graph.node("Flatten", graph.node("Transpose", pictures, perm=(0, 2, 3, 1)), axis=1)
