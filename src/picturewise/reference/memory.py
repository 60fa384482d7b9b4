"""The memory that a training step needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from picturewise.architectures.inverted import Inverted
from picturewise.architectures.layers import Conv, Layer, Shape
from picturewise.architectures.residual import Residual


def windows_kept(layers: Sequence[Layer], input_shape: Shape) -> int:
    """Return how many numbers of one picture training keeps as windows of convolutions, see `Convolution`.

    They are by far the largest arrays: every pixel is in up to nine windows of 3x3.

    >>> from picturewise.architectures.lines import parse
    >>> windows_kept(parse("conv 32 3x3; flatten; dense 10"), (28, 28, 3)) == 28 * 28 * 27
    True
    """
    shape, total = input_shape, 0
    for layer in layers:
        total += sum(_windows(layer, shape))
        shape = layer.output(shape)
    return total


def _windows(layer: Layer, shape: Shape) -> Iterator[int]:
    """Yield the numbers in the windows of each convolution of a line: places × numbers in a window."""
    if isinstance(layer, Conv):
        rows, columns, _ = layer.output(shape)
        yield rows * columns * layer.kernel[0] * layer.kernel[1] * shape[2]
    elif isinstance(layer, Inverted):
        for inverted in layer.plan(shape):
            for step in inverted.steps:
                yield step.output[0] * step.output[1] * step.kernel[0] * step.kernel[1] * step.incoming
    elif isinstance(layer, Residual):
        rows, columns, channels = shape
        for block in layer.plan(channels):
            before = rows, columns
            for part in block.convolutions:
                rows, columns = -(-rows // part.stride), -(-columns // part.stride)
                yield rows * columns * part.kernel**2 * part.incoming
            if block.projection is not None:
                stride = block.projection.stride
                yield -(-before[0] // stride) * -(-before[1] // stride) * block.projection.incoming
