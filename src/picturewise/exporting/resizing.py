"""Resizing inside an ONNX graph, equal to Pillow's bit for bit.

ONNX has an operator Resize, but it computes in floats and rounds elsewhere. Pillow resizes in two passes, first along
the rows and then along the columns. In each pass, an output pixel is a weighted sum of input pixels ("taps"); the
weights are those of a triangle that is as wide as two input pixels, or two output pixels if these are larger. They are
computed as doubles and rounded to 22 bits after the point, the sum is rounded to bytes: integers, apart from the
weights (Pillow's Resample.c). The sizes of the pictures are known only when the graph runs, so the graph computes the
weights, too.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from picturewise.onnx_models.graph import Graph, Nodes, type_number

_BITS = 22
"""Of a weight after the point."""
_ROWS, _COLUMNS = 1, 2  # axes of pictures (N, H, W, C)


class _Box(NamedTuple):
    """Names of the part of a picture that is resized, along one axis.

    Attributes:
        low: where it begins, in pixels, a float32.
        high: where it ends.
        pixels: how many pixels it becomes, an int64.
    """

    low: str
    high: str
    pixels: str


def with_size(
    graph: Graph, pictures: str, size: tuple[int, int], mode: Literal["crop", "pad", "stretch"]
) -> str:
    """Add (N, H, W, C) uint8 of any H and W → (N, C, height, width) uint8, and return the result's name.

    Args:
        graph: takes the nodes.
        pictures: name of the pictures.
        size: height and width.
        mode: see `data.pictures.resize`.
    """
    numbers = _Numbers(graph)
    shape = graph.node("Shape", pictures)
    sides = [graph.node("Gather", shape, numbers.whole(axis)) for axis in (_ROWS, _COLUMNS)]
    # Pictures of the size go through as well, with one tap of weight 1 for each pixel. An If would be faster, but
    # OpenVINO 2026.4 returns memory that nobody wrote from a branch that changes nothing.
    changed = _changed(graph, numbers, pictures, sides, size, mode)
    known = graph.constant("fitted_shape", np.array([0, 0, *size], np.int64))  # 0: as in the input
    return graph.node("Reshape", changed, known)


def with_channels(graph: Graph, pictures: str, channels: int) -> str:
    """Add (N, 1 or 3, H, W) uint8 → (N, channels, H, W): grey is the rounded mean of colours, or repeated."""
    if channels == 3:
        return graph.node("Expand", pictures, graph.constant("colours", np.array([1, 3, 1, 1], np.int64)))
    numbers, small = _Numbers(graph), type_number(np.int32)
    count = graph.node("Gather", graph.node("Shape", pictures), numbers.whole(1))
    known = graph.node("Or", *(graph.node("Equal", count, numbers.whole(allowed)) for allowed in (1, 3)))
    # With other numbers of channels, there is no such element, and the model stops.
    beyond = graph.node("Cast", graph.node("Not", known), to=type_number(np.int64))
    nothing = graph.node("Gather", numbers.whole_list(0), beyond)
    divisor = graph.node("Cast", graph.node("Add", count, nothing), to=small)
    values = graph.node("Cast", pictures, to=small)
    total = graph.node("ReduceSum", values, numbers.whole_list(1), keepdims=1)
    half = graph.node("Div", divisor, numbers.small(2))  # a third is never halfway
    mean = graph.node("Div", graph.node("Add", total, half), divisor)
    return graph.node("Cast", mean, to=type_number(np.uint8))


class _Numbers:
    """Constants of a graph by their value; nodes within a Loop see them, too."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def whole(self, number: int) -> str:
        return self._graph.constant(f"int64_{number}", np.array(number, np.int64))

    def whole_list(self, *numbers: int) -> str:
        name = "int64s_" + "_".join(map(str, numbers))
        return self._graph.constant(name, np.array(numbers, np.int64))

    def small(self, number: int) -> str:
        return self._graph.constant(f"int32_{number}", np.array(number, np.int32))

    def single(self, number: float) -> str:
        return self._graph.constant(f"float32_{number:g}", np.array(number, np.float32))

    def double(self, number: float) -> str:
        return self._graph.constant(f"float64_{number:g}", np.array(number, np.float64))


def _changed(
    nodes: Nodes,
    numbers: _Numbers,
    pictures: str,
    sides: list[str],
    size: tuple[int, int],
    mode: Literal["crop", "pad", "stretch"],
) -> str:
    """Add the pictures at another size than theirs; the steps are those of `data.pictures.pixels.fitted`."""
    own = [nodes.node("Cast", side, to=type_number(np.float64)) for side in sides]
    counts = [numbers.whole(side) for side in size]
    lows, highs = ["", ""], ["", ""]
    if mode == "crop":
        wanted = [numbers.double(side) for side in size]
        ratios = [nodes.node("Div", *pair) for pair in zip(own, wanted, strict=True)]
        scale = nodes.node("Min", *reversed(ratios))
        for axis in (0, 1):
            used = nodes.node("Mul", scale, wanted[axis])
            surplus = nodes.node("Max", numbers.double(0), nodes.node("Sub", own[axis], used))
            low = nodes.node("Div", surplus, numbers.double(2))
            high = nodes.node("Sub", own[axis], low)
            lows[axis], highs[axis] = (
                nodes.node("Cast", end, to=type_number(np.float32)) for end in (low, high)
            )
    else:
        lows = [numbers.single(0)] * 2
        highs = [nodes.node("Cast", side, to=type_number(np.float32)) for side in own]
    if mode == "pad":
        ratios = [nodes.node("Div", numbers.double(size[axis]), own[axis]) for axis in (1, 0)]
        scale = nodes.node("Min", *ratios)
        counts = [_at_least_one(nodes, numbers, nodes.node("Mul", scale, side)) for side in own]
    # Along the rows first, as Pillow does. The axis is the last but one, so that whole lines are gathered; the channels
    # are not the last one, because ONNX Runtime computes 60 times as long with a last axis of 1.
    turned = nodes.node("Transpose", pictures, perm=(0, 3, 2, 1))
    narrow = _pass(nodes, numbers, turned, own[1], _Box(lows[1], highs[1], counts[1]), "across")
    upright = nodes.node("Transpose", narrow, perm=(0, 1, 3, 2))
    found = _pass(nodes, numbers, upright, own[0], _Box(lows[0], highs[0], counts[0]), "down")
    return _padded(nodes, numbers, found, counts, size) if mode == "pad" else found


def _at_least_one(nodes: Nodes, numbers: _Numbers, length: str) -> str:
    """Add a length, rounded as in Python, as an int64 from 1."""
    whole = nodes.node("Cast", nodes.node("Round", length), to=type_number(np.int64))
    return nodes.node("Max", numbers.whole(1), whole)


def _pass(nodes: Nodes, numbers: _Numbers, pictures: str, own: str, box: _Box, name: str) -> str:
    """Add one pass along axis 2 of (N, C, L, M) uint8 → (N, C, count, M) uint8.

    Args:
        nodes: takes the nodes.
        numbers: the constants.
        pictures: name of the pictures.
        own: name of L, a double.
        box: the part that is resized.
        name: of the pass, which makes names unique.
    """
    places, weights, taps = _taps(nodes, numbers, own, box)
    half = numbers.small(1 << (_BITS - 1))
    column = numbers.whole_list(1)

    def tap(inner: Nodes, number: str) -> str:
        """Add the input pixels of a tap, times their weights."""
        rows = inner.node("Gather", pictures, inner.node("Gather", places, number, axis=1), axis=2)
        weight = inner.node("Unsqueeze", inner.node("Gather", weights, number, axis=1), column)
        return inner.node("Mul", inner.node("Cast", rows, to=type_number(np.int32)), weight)

    first = nodes.node("Add", tap(nodes, numbers.whole(0)), half)
    body = Nodes(f"{name}_")
    step, going, total = f"{name}_step", f"{name}_going", f"{name}_total"
    number = body.node("Add", step, numbers.whole(1))
    body.node("Identity", going, output=f"{name}_goes_on")
    body.node("Add", total, tap(body, number), output=f"{name}_sum")
    summed = nodes.node(
        "Loop",
        nodes.node("Sub", taps, numbers.whole(1)),
        "",  # no condition
        first,
        body=body.graph(
            [(step, np.int64, ()), (going, np.bool, ()), (total, np.int32, None)],
            [(f"{name}_goes_on", np.bool, ()), (f"{name}_sum", np.int32, None)],
            name,
        ),
    )
    rounded = nodes.node("Div", summed, numbers.small(1 << _BITS))
    return nodes.node("Cast", rounded, to=type_number(np.uint8))


def _taps(nodes: Nodes, numbers: _Numbers, own: str, box: _Box) -> tuple[str, str, str]:
    """Add the taps of each output pixel: places (count, taps) int64, weights (count, taps) int32, and their number.

    The order of the operations is that of Pillow's precompute_coeffs, so that every double is the same.
    """
    double, whole = type_number(np.float64), type_number(np.int64)
    one, half = numbers.double(1), numbers.double(0.5)
    extent = nodes.node("Cast", nodes.node("Sub", box.high, box.low), to=double)  # a difference of float32
    scale = nodes.node("Div", extent, nodes.node("Cast", box.pixels, to=double))
    support = nodes.node("Max", scale, one)  # half the width of the triangle
    inverse = nodes.node("Div", one, support)
    output = nodes.node(
        "Cast", nodes.node("Range", numbers.whole(0), box.pixels, numbers.whole(1)), to=double
    )
    middle = nodes.node("Mul", nodes.node("Add", output, half), scale)
    centre = nodes.node("Add", nodes.node("Cast", box.low, to=double), middle)
    first = nodes.node("Floor", nodes.node("Add", nodes.node("Sub", centre, support), half))
    first = nodes.node("Max", first, numbers.double(0))
    end = nodes.node("Floor", nodes.node("Add", nodes.node("Add", centre, support), half))
    end = nodes.node("Min", end, own)
    most = nodes.node("Cast", nodes.node("ReduceMax", nodes.node("Sub", end, first), keepdims=0), to=whole)
    tap = nodes.node("Cast", nodes.node("Range", numbers.whole(0), most, numbers.whole(1)), to=double)
    each = numbers.whole_list(1)
    first, end, centre = (nodes.node("Unsqueeze", column, each) for column in (first, end, centre))
    place = nodes.node("Add", first, tap)  # (count, taps)
    distance = nodes.node("Add", nodes.node("Sub", place, centre), half)
    height = nodes.node("Sub", one, nodes.node("Abs", nodes.node("Mul", distance, inverse)))
    inside = nodes.node("Less", place, end)
    height = nodes.node("Where", inside, nodes.node("Max", height, numbers.double(0)), numbers.double(0))
    share = nodes.node("Div", height, nodes.node("ReduceSum", height, each, keepdims=1))
    scaled = nodes.node("Mul", share, numbers.double(1 << _BITS))
    weight = nodes.node(
        "Cast", nodes.node("Floor", nodes.node("Add", half, scaled)), to=type_number(np.int32)
    )
    # The last taps of all pixels may be outside the triangles. Of pictures that keep their size, one tap is left.
    counted = nodes.node(
        "Where", nodes.node("Greater", weight, numbers.small(0)), nodes.node("Add", tap, one), one
    )
    taps = nodes.node("Cast", nodes.node("ReduceMax", counted, keepdims=0), to=whole)
    last = nodes.node("Sub", own, one)
    return nodes.node("Cast", nodes.node("Min", place, last), to=whole), weight, taps


def _padded(nodes: Nodes, numbers: _Numbers, pictures: str, counts: list[str], size: tuple[int, int]) -> str:
    """Add black around the pictures, so that they have the size; a surplus pixel is below or on the right."""
    befores, afters = [], []
    for count, side in zip(counts, size, strict=True):
        missing = nodes.node("Sub", numbers.whole(side), count)
        before = nodes.node("Div", missing, numbers.whole(2))
        befores.append(nodes.node("Unsqueeze", before, numbers.whole_list(0)))
        afters.append(nodes.node("Unsqueeze", nodes.node("Sub", missing, before), numbers.whole_list(0)))
    zero = numbers.whole_list(0)
    margins = nodes.node("Concat", zero, zero, *befores, zero, zero, *afters, axis=0)
    return nodes.node("Pad", pictures, margins)
