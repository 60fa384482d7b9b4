"""The most likely sequence of symbols inside an ONNX graph, as `targets.Places` decodes it."""

from __future__ import annotations

from typing import Final

import numpy as np

from picturewise.onnx_models.graph import Graph, Value
from picturewise.targets.places import Places
from picturewise.targets.sequences import NOTHING

LENGTH: Final = "length"
SYMBOLS: Final = "digits"
CONFIDENCE: Final = "confidence"


def add_reading(graph: Graph, logits: str, target: Places) -> list[Value]:
    """Add the name of logits (N, outputs) → the outputs, and return what they are.

    These are `length` (N,) int64; `digits` (N, L) int64, positions in the alphabet, with -1 for each place behind the
    last symbol; and `confidence` (N,) float32, the probability of the whole reading.
    """
    most, symbols = target.places, len(target.classes)

    def numbers(name: str, *values: int) -> str:
        return graph.constant(f"reading_{name}", np.array(values, np.int64))

    one, along = numbers("one", 1), numbers("axis", 1)
    start, end = numbers("start", 0), numbers("end", target.lengths)
    of_length = graph.node("LogSoftmax", graph.node("Slice", logits, start, end, along), axis=1)  # (N, L + 2)
    of_length = graph.node("Slice", of_length, one, numbers("most", most + 1), along)  # (N, L)
    places = graph.node("Slice", logits, end, numbers("outputs", target.outputs), along)
    places = graph.node("Reshape", places, numbers("form", -1, most, symbols))
    best = graph.node("ArgMax", places, axis=2, keepdims=0)  # (N, L)
    places = graph.node("LogSoftmax", places, axis=2)
    of_symbols = graph.node("ReduceMax", places, numbers("symbols", 2), keepdims=0)  # (N, L)
    # Of all readings with n symbols, the most likely one has the most likely symbol in each of its n places.
    total = graph.node("CumSum", of_symbols, graph.constant("reading_along", np.array(1, np.int64)))
    scores = graph.node("Add", of_length, total)  # (N, L)
    places_read = graph.node("Add", graph.node("ArgMax", scores, axis=1, keepdims=1), one)  # (N, 1)
    graph.node("Squeeze", places_read, along, output=LENGTH)
    there = graph.node("Less", numbers("places", *range(most)), places_read)  # (N, L)
    graph.node("Where", there, best, numbers("nothing", NOTHING), output=SYMBOLS)
    graph.node("Exp", graph.node("ReduceMax", scores, along, keepdims=0), output=CONFIDENCE)
    return [
        (LENGTH, np.int64, ("N",)),
        (SYMBOLS, np.int64, ("N", most)),
        (CONFIDENCE, np.float32, ("N",)),
    ]
