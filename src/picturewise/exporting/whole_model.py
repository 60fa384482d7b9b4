"""A classifier as one ONNX file: pictures of any size in; probabilities, logits and the class or the reading out.

Everything that Picturewise does with a picture is in the graph: the resizing, the channels, the views, the
normalisation, the network and the temperature. So no other program has to do any of it again, in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from picturewise.architectures.lines import parse
from picturewise.exporting.column_readings import add_column_reading
from picturewise.exporting.readings import add_reading
from picturewise.exporting.resizing import with_channels, with_size
from picturewise.exporting.views import averaged, with_views
from picturewise.onnx_models.graph import Graph, Value
from picturewise.onnx_models.layers import add_layers
from picturewise.onnx_models.model import LOGITS, Normalisation, is_portable, normalised, taken_from
from picturewise.targets.ctc import Ctc
from picturewise.targets.places import Places

if TYPE_CHECKING:
    from picturewise.prediction.description import Description
    from picturewise.prediction.network_forms import Arrays

IMAGES, PROBABILITIES, LABEL = "images", "probabilities", "label"
IMAGES_INPUT: Value = (IMAGES, np.uint8, ("N", "H", "W", "channels"))


def has_graph(description: Description) -> bool:
    """Return whether the network consists of layer lines that have nodes of their own."""
    if description.layers is None:
        return False
    inner = description.preparation.output(description.shape)
    return is_portable(parse(description.layers), inner, description.target.output_line)


def whole_model(
    description: Description, weights: Arrays, metadata: Mapping[str, str], *, version: str = ""
) -> bytes:
    """Return the content of an ONNX file; equal classifiers give equal bytes.

    Its input is `images` (N, H, W, 1 or 3) uint8 of any N, H and W; its outputs are `probabilities` (N, K) and `logits`
    (N, K), float32, and `label` (N,), the number of the most likely class, int64. If it reads sequences, the outputs
    are those of `readings.add_reading` and `logits` (N, outputs).

    Args:
        description: of a network that `has_graph`.
        weights: its arrays by name.
        metadata: texts to store.
        version: of Picturewise.
    """
    assert description.layers is not None  # noqa: S101 (see `has_graph`)
    graph = Graph(taken_from(weights))
    inner = description.preparation.output(description.shape)
    values = add_preparation(graph, IMAGES, description)
    logits = add_layers(graph, values, parse(description.layers), inner, description.target.output_line)
    gives = add_answers(graph, logits, description)
    return graph.model(IMAGES_INPUT, gives, version=version, metadata=metadata)


def add_preparation(graph: Graph, pictures: str, description: Description) -> str:
    """Add pictures of any size → the network's input (views · N, C, H, W) float32, and return the result's name."""
    height, width, channels = description.shape
    preparation = description.preparation
    fitted = with_size(graph, pictures, (height, width), description.resize)
    views = with_views(graph, with_channels(graph, fitted, channels), preparation.seen, (height, width))
    scale = Normalisation(preparation.grey, preparation.mean, preparation.std)
    return normalised(graph, views, scale, channels)


def add_answers(graph: Graph, logits: str, description: Description) -> list[Value]:
    """Add the network's result (views · N, K) → the outputs, and return what they are."""
    count = description.target.outputs
    by = graph.constant("temperature", np.array(description.temperature, np.float32))
    mean = averaged(graph, logits, description.preparation.seen, count)
    graph.node("Div", mean, by, output=LOGITS)
    target = description.target
    if isinstance(target, Ctc):
        return [*add_column_reading(graph, LOGITS, target), (LOGITS, np.float32, ("N", count))]
    if isinstance(target, Places):
        return [*add_reading(graph, LOGITS, target), (LOGITS, np.float32, ("N", count))]
    graph.node("Softmax", LOGITS, output=PROBABILITIES, axis=1)
    graph.node("ArgMax", LOGITS, output=LABEL, axis=1, keepdims=0)
    return [
        (PROBABILITIES, np.float32, ("N", count)),
        (LOGITS, np.float32, ("N", count)),
        (LABEL, np.int64, ("N",)),
    ]
