"""The whole classifier as one ONNX model: preparation, network and temperature."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.architectures.layers import Conv, Dense, Dropout, Flatten, Layer, Shape
from picturewise.architectures.summary import summarise
from picturewise.onnx_models.exact_pixels import dense_factors, exact_channels, exact_weight
from picturewise.onnx_models.graph import FirstFactors, Graph, type_number
from picturewise.onnx_models.layers import Known, add_layers
from picturewise.targets.target import Target

PICTURES = "pictures"
LOGITS = "logits"

Narrow: TypeAlias = Literal["rounded", "exact first"] | None
"""How a model is made for bfloat16, see `onnx_model`."""

_MOST_BYTES = 2_000_000_000
"""Bytes of weights: protocol buffers do not allow messages above 2 GiB."""


class Normalisation(NamedTuple):
    """How pictures become floats: grey or not, then (x − mean) / std for each channel, with x in 0..255."""

    grey: bool
    mean: Sequence[float]
    std: Sequence[float]


def is_portable(layers: Sequence[Layer], shape: Shape, output: str) -> bool:
    """Return whether there is an ONNX model of the network.

    Args:
        layers: what `architectures.lines.parse` returns.
        shape: (H, W, C) of the prepared pictures.
        output: the line of the output layer, such as 'dense 10'.

    Raises:
        LayerError: a line does not fit what comes into it.
    """
    if not all(isinstance(layer, Known) for layer in layers):
        return False
    summary = summarise(layers, shape, output)
    return (summary.trainable + summary.fixed) * 4 <= _MOST_BYTES


def takes_pixels(layers: Sequence[Layer]) -> Conv | Dense | None:
    """Return the first layer that multiplies if pixels reach it as they are, and it is one of `exact_pixels`."""
    for layer in layers:
        match layer:
            case Flatten() | Dropout():
                continue
            case Conv():
                return layer if layer.groups == 1 and not layer.depthwise else None
            case Dense():
                return layer
            case _:
                return None
    return None


def weight_shapes(layers: Sequence[Layer], shape: Shape, output: str) -> dict[str, Shape]:
    """Return the name and shape of every array of the PyTorch network of the same lines; see `is_portable`."""
    found = dict[str, Shape]()

    def noted(name: str, shape: Shape) -> NDArray[Any]:
        found[name] = shape
        return np.broadcast_to(np.float32(0), shape)  # takes no memory

    add_layers(Graph(noted), PICTURES, layers, shape, output)
    return found


def onnx_model(
    layers: Sequence[Layer],
    shape: Shape,
    target: Target,
    weights: Mapping[str, NDArray[Any]],
    scale: Normalisation,
    *,
    temperature: float = 1.0,
    version: str = "",
    narrow: Narrow = None,
) -> bytes:
    """Return the content of an ONNX file; equal classifiers give equal bytes.

    Its input is `pictures` (N, H, W, C) uint8, its output `logits` (N, outputs) float32, divided by the temperature.
    The names of the classes are in its metadata under `classes`, as a JSON list.

    Args:
        layers: of a network that `is_portable`.
        shape: (H, W, C) of pictures before preparation.
        target: what the logits mean.
        weights: arrays of float32 with the names and the shapes that `weight_shapes` returns.
        scale: how pictures are prepared.
        temperature: above 0.
        version: of Picturewise, which is stored in the file.
        narrow: for bfloat16. rounded: round factors of all layers but the first, for runtimes that compute in float32;
            exact first: the first layer that multiplies takes exact pixels in runtimes that compute the whole model in
            bfloat16, see `exact_pixels`; it must be one for which `takes_pixels` returns it.

    Raises:
        LayerError: a line does not fit what comes into it.
    """
    graph = Graph(taken_from(weights), narrow=narrow == "rounded")
    if narrow == "exact first":
        pixels = graph.node("Transpose", PICTURES, perm=(0, 3, 1, 2))
        if isinstance(takes_pixels(layers), Dense):
            values = graph.node("Cast", pixels, to=type_number(np.float32))
            graph.first = lambda weight: dense_factors(weight, scale.mean, scale.std, shape[-1])
        else:
            values = exact_channels(graph, pixels)
            graph.first = lambda weight: FirstFactors(
                exact_weight(weight, scale.mean, scale.std, shape[-1]), values
            )
    else:
        values = _prepared(graph, PICTURES, scale, shape[-1])
    inner = (*shape[:2], 1 if scale.grey else shape[-1])
    logits = add_layers(graph, values, layers, inner, target.output_line)
    by = graph.constant("temperature", np.array(temperature, np.float32))
    graph.node("Div", logits, by, output=LOGITS)
    return graph.model(
        (PICTURES, np.uint8, ("N", *shape)),
        [(LOGITS, np.float32, ("N", target.outputs))],
        version=version,
        metadata={"classes": json.dumps(list(target.classes), ensure_ascii=False)},
    )


def feature_model(
    layers: Sequence[Layer], shape: Shape, weights: Mapping[str, NDArray[Any]], scale: Normalisation
) -> bytes:
    """Return a model like that of `onnx_model`, but without output layer: its result is that of the last line.

    Args:
        layers: of a network that `is_portable`; the last one returns (features,).
        shape: (H, W, C) of pictures before preparation.
        weights: arrays of float32 by name; those of the output layer may be missing.
        scale: how pictures are prepared.

    Raises:
        LayerError: a line does not fit what comes into it.
    """
    graph = Graph(taken_from(weights))
    values = _prepared(graph, PICTURES, scale, shape[-1])
    inner = (*shape[:2], 1 if scale.grey else shape[-1])
    graph.node("Identity", add_layers(graph, values, layers, inner, None), output=LOGITS)
    (features,) = summarise(layers, inner, "dense 1").rows[-2].output
    return graph.model(
        (PICTURES, np.uint8, ("N", *shape)), [(LOGITS, np.float32, ("N", features))], version="", metadata={}
    )


def taken_from(weights: Mapping[str, NDArray[Any]]) -> Callable[[str, Shape], NDArray[Any]]:
    """Return a function for `Graph` that takes arrays from a table."""

    def given(name: str, expected: Shape) -> NDArray[Any]:
        found = weights[name]
        assert found.shape == expected, f"{name} is {found.shape}, expected {expected}"  # noqa: S101 (checked before)
        return found

    return given


def _prepared(graph: Graph, pictures: str, scale: Normalisation, channels: int) -> str:
    """Add (N, H, W, C) uint8 → (N, C, H, W) float32, and return the result's name."""
    # Bytes are transposed before they become floats, which are four times as large.
    return normalised(graph, graph.node("Transpose", pictures, perm=(0, 3, 1, 2)), scale, channels)


def normalised(graph: Graph, pictures: str, scale: Normalisation, channels: int) -> str:
    """Add (N, C, H, W) uint8 → (N, C or 1, H, W) float32, and return the result's name."""
    values = graph.node("Cast", pictures, to=type_number(np.float32))
    if scale.grey and channels > 1:
        over = graph.constant("channels", np.array([1], np.int64))
        values = graph.node("ReduceMean", values, over, keepdims=1)
    mean, std = (np.array(numbers, np.float32).reshape(-1, 1, 1) for numbers in (scale.mean, scale.std))
    factor = graph.constant("factor", np.float32(1) / std)
    shift = graph.constant("shift", -mean / std)
    return graph.node("Add", graph.node("Mul", values, factor), shift)
