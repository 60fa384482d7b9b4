"""The limits on a network's cost for one picture, so that a small file cannot take all memory or a day.

An untrusted file of 20 kB can describe a network that takes gigabytes and minutes. A network's cost is counted from its
layer lines, before anything is built or read. The limits come from the largest networks that Picturewise builds:

    work    8 billion multiplications, and 32,768 for each of its own numbers; no named network needs more than
            21,000 on 1024x1024 (vgg19), and cnn, which has few numbers of its own, needs 10 billion in all
    held    60 million numbers at a time, 0.24 GB, and 8 for each of its own; nine times as many as vgg19 holds on
            224x224, and cnn holds 42 million on 1024x1024
    steps   4,000 calls of an engine: resnet50 has 166, and a ResNet of 1,001 layers 3,333

So a network with many weights may cost more, because its file is large; and every trained network can be opened.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from picturewise.architectures.heads import Columns
from picturewise.architectures.inverted import Inverted
from picturewise.architectures.layers import Activation, BatchNorm, Conv, Dense, GroupNorm, Layer, Pool, Shape
from picturewise.architectures.residual import Convolution, Residual
from picturewise.architectures.squeeze_excite import SqueezeExcite
from picturewise.architectures.timm_line import Timm

MOST_WORK = 8_000_000_000
WORK_A_NUMBER = 1 << 15
MOST_HELD = 60_000_000
HELD_A_NUMBER = 8
MOST_OPERATIONS = 4_000
# Measured: how many multiplications of a large convolution take as long as …
_AN_ELEMENT = 16  # one output number of a normalisation or an activation
_A_COMPARISON = 16  # one number in a window of a pooling
_A_GROUPED = 8  # one of a depthwise convolution, which reads as many numbers as it multiplies
_LANES = 16  # so many filters are computed at once; fewer take the same time


class Cost(NamedTuple):
    """The cost of a layer for one picture.

    Attributes:
        work: multiplications, and other operations converted to the same time.
        held: numbers that an engine has in memory at the same time: input, output, and those in between.
        windows: numbers in the NumPy reference, which stores all windows of a picture.
    """

    work: int
    held: int
    windows: int = 0


def cost(layer: Layer, shape: Shape, output: Shape) -> Cost:
    """Return the cost of a layer from `shape` to `output`; for a timm network, according to timm."""
    incoming, outgoing = math.prod(shape), math.prod(output)
    both = incoming + outgoing
    match layer:
        case Conv():
            kernel, seen = layer.kernel[0] * layer.kernel[1], layer.seen(shape[-1])
            after = _AN_ELEMENT * outgoing * (layer.activation is not None)
            places = output[0] * output[1]
            work = _product(kernel * seen, layer.filters, layer.groups_of(shape[-1])) * places
            return Cost(work + after, both, kernel * shape[-1] * places)
        case Dense():
            return Cost(incoming * outgoing + _AN_ELEMENT * outgoing, both)
        case Columns():
            return Cost(incoming * layer.outputs_of_column, both)
        case Pool(size=None):
            return Cost(_A_COMPARISON * incoming, both)
        case Pool(size=int(size)):
            seen = size * size * outgoing
            return Cost(_A_COMPARISON * seen, both, seen)
        case Residual():
            return _of_blocks(layer, shape, output)
        case Inverted():
            return _of_inverted(layer, shape, output)
        case SqueezeExcite():
            return Cost(_AN_ELEMENT * outgoing + 2 * shape[-1] * layer.units(shape[-1]), both)
        case Timm():
            return Cost(layer.measured(shape).multiplications, both)
        case BatchNorm() | GroupNorm() | Activation():
            return Cost(_AN_ELEMENT * outgoing, both)
    return Cost(outgoing, both)


def _of_blocks(layer: Residual, shape: Shape, output: Shape) -> Cost:
    work = windows = 0
    height, width, _ = shape
    largest = math.prod(shape)
    for block in layer.plan(shape[-1]):
        sides = height, width
        for part in block.convolutions:
            sides = -(-sides[0] // part.stride), -(-sides[1] // part.stride)
            more, side_by_side = _of_convolution(part, sides)
            work += more
            windows = max(windows, side_by_side)
            largest = max(largest, sides[0] * sides[1] * max(part.incoming, part.outgoing))
        if block.projection is not None:
            work += _of_convolution(block.projection, sides)[0]
        height, width = sides
    return Cost(work, math.prod(shape) + 2 * largest + math.prod(output), windows)


def _of_inverted(layer: Inverted, shape: Shape, output: Shape) -> Cost:
    work = windows = 0
    largest = math.prod(shape)
    for block in layer.plan(shape):
        for step in block.steps:
            filters, seen, rows, columns = step.weight
            places = step.output[0] * step.output[1]
            work += places * (_product(rows * columns * seen, filters, step.groups) + _AN_ELEMENT * filters)
            windows = max(windows, places * rows * columns * step.incoming)
            largest = max(largest, places * filters)
        wide = block.steps[-1].incoming
        work += block.squeeze and 2 * wide * block.squeeze + _AN_ELEMENT * places * wide
    return Cost(work, math.prod(shape) + 2 * largest + math.prod(output), windows)


def _of_convolution(part: Convolution, sides: tuple[int, int]) -> tuple[int, int]:
    """Return the work of a convolution with what follows it, and its windows, for an output with these sides."""
    places = sides[0] * sides[1]
    window = part.kernel**2 * part.incoming
    after = _AN_ELEMENT * part.outgoing
    return places * (window * _whole_lanes(part.outgoing) + after), places * window


def _product(window: int, filters: int, groups: int) -> int:
    """Return the work of a convolution at one place, for windows of as many numbers as a filter sees."""
    return window * _whole_lanes(filters) if groups == 1 else _A_GROUPED * window * filters


def _whole_lanes(filters: int) -> int:
    return -(-filters // _LANES) * _LANES


def complaint(work: int, held: int, operations: int, numbers: int) -> str | None:
    """Return why a network costs more than it may, or None.

    Args:
        work: of all layers together.
        held: of the layer with most.
        operations: calls of an engine.
        numbers: the network's own numbers.
    """
    if operations > MOST_OPERATIONS:
        return (
            f"its layers need {operations:,} operations, but at most {MOST_OPERATIONS:,} are allowed. Use fewer "
            "layers or blocks"
        )
    if held > (most := MOST_HELD + HELD_A_NUMBER * numbers):
        return (
            f"one picture needs {held:,} values in memory at the same time, but at most {most:,} are allowed. Use "
            "smaller pictures or fewer filters, or pool earlier"
        )
    if work > (most := MOST_WORK + WORK_A_NUMBER * numbers):
        return (
            f"one picture needs {work:,} multiplications, but at most {most:,} are allowed. Use smaller pictures or "
            "fewer filters, or pool earlier"
        )
    return None
