"""What a network may cost for one picture, so that a small file cannot take all memory or a day.

A stranger's file of 20 kB can describe a network that takes gigabytes and minutes. What a network costs is counted from
its layer lines, before anything is built or read. The limits come from the largest networks that Picturewise builds:

    work    twice that of vgg19 on 224x224, which is 20 billion multiplications, and 32,768 for each of its own numbers,
            more than any named network needs on 1024x1024 (airbench94: 20,000)
    held    100 million numbers at a time, 0.4 GB, and 8 for each of its own; named networks hold up to 92 million on
            1024x1024 (airbench94), and up to 7 million on 224x224 (vgg19)
    steps   4,000 calls of an engine: a ResNet with 1,001 layers has 3,340, resnet50 has 166

So a network with many weights may cost more, for its file is large; and whatever can be trained can be opened.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from picturewise.architectures.layers import Activation, BatchNorm, Conv, Dense, GroupNorm, Layer, Pool, Shape
from picturewise.architectures.residual import Convolution, Residual
from picturewise.architectures.timm_line import Timm

MOST_WORK = 40_000_000_000
WORK_A_NUMBER = 1 << 15
MOST_HELD = 100_000_000
HELD_A_NUMBER = 8
MOST_OPERATIONS = 4_000
_AN_ELEMENT = (
    8  # multiplications that a normalisation or an activation counts as, for each number that it gives
)


class Cost(NamedTuple):
    """What a layer costs for one picture.

    Attributes:
        work: multiplications, and what takes about as long as so many.
        held: numbers that an engine has in memory at the same time: what comes in, what goes out, and between.
        windows: numbers that the NumPy reference has, which lays out all windows of a picture side by side.
    """

    work: int
    held: int
    windows: int = 0


def cost(layer: Layer, shape: Shape, output: Shape) -> Cost:
    """Return what a layer costs that makes `output` of `shape`; of a network of timm's, what timm tells."""
    incoming, outgoing = math.prod(shape), math.prod(output)
    both = incoming + outgoing
    match layer:
        case Conv():
            window = layer.kernel[0] * layer.kernel[1] * shape[-1]
            after = _AN_ELEMENT * outgoing * (layer.activation is not None)
            return Cost(window * outgoing + after, both, window * output[0] * output[1])
        case Dense():
            return Cost(incoming * outgoing + _AN_ELEMENT * outgoing, both)
        case Pool(size=None):
            return Cost(incoming, both)
        case Pool(size=int(size)):
            return Cost(size * size * outgoing, both, size * size * outgoing)
        case Residual():
            return _of_blocks(layer, shape, output)
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


def _of_convolution(part: Convolution, sides: tuple[int, int]) -> tuple[int, int]:
    """Return the work of a convolution with what follows it, and its windows, for what goes out with these sides."""
    places = sides[0] * sides[1]
    window = part.kernel**2 * part.incoming
    return places * part.outgoing * (window + _AN_ELEMENT), places * window


def complaint(work: int, held: int, operations: int, numbers: int) -> str | None:
    """Return why a network costs more than it may, or None.

    Args:
        work: of all layers together.
        held: of the layer that holds most.
        operations: calls of an engine.
        numbers: that the network has itself.
    """
    if operations > MOST_OPERATIONS:
        return f"its layers are {operations:,} steps, more than {MOST_OPERATIONS:,}: write fewer layers or blocks"
    if held > (most := MOST_HELD + HELD_A_NUMBER * numbers):
        return (
            f"it holds {held:,} numbers at a time for one picture, more than {most:,}: use smaller pictures, fewer "
            "filters, or pool earlier"
        )
    if work > (most := MOST_WORK + WORK_A_NUMBER * numbers):
        return (
            f"one picture costs {work:,} multiplications, more than {most:,}: use smaller pictures, fewer filters, "
            "or pool earlier"
        )
    return None
