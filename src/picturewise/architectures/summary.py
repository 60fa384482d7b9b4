"""A network for pictures of one shape, line by line, with shapes and parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from picturewise import displays
from picturewise.architectures.budget import MOST_OPERATIONS, Cost, complaint, cost
from picturewise.architectures.inverted import Inverted
from picturewise.architectures.layers import Count, Layer, Shape, ShapeError, show
from picturewise.architectures.lines import with_output
from picturewise.architectures.residual import Residual
from picturewise.architectures.squeeze_excite import SqueezeExcite
from picturewise.architectures.timm_line import Timm
from picturewise.errors import LayerError
from picturewise.reprs import never_raises
from picturewise.text_tables import folded, text_table

MOST_PARAMETERS = 1_000_000_000
TENSORS_A_BLOCK = 4
"""Kept of a residual block: the outputs of two convolutions, an activation and the sum; a bottleneck has as many."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        multiplications: about how many one picture needs: every parameter, at every position of the output.
        operations: how many times an engine is called for it in the forward pass.
        kept: about how many numbers of one picture training keeps for the backward pass.
        held: how many numbers of one picture an engine holds at a time.
        windows: how many numbers the NumPy reference stores for all windows.
    """

    line: str
    output: Shape
    count: Count
    multiplications: int
    operations: int
    kept: int
    held: int
    windows: int


@dataclass(frozen=True, repr=False)
class Summary:
    """A network line by line, the output layer included.

    Attributes:
        input: shape (H, W, C) of a prepared picture.
        rows: one for each layer.
        notes: why it is this network, if something was chosen or changed.
    """

    input: Shape
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def trainable(self) -> int:
        """Parameters that the optimizer changes."""
        return sum(row.count.trainable for row in self.rows)

    @property
    def multiplications(self) -> int:
        """About how many multiplications one picture needs in the forward pass."""
        return sum(row.multiplications for row in self.rows)

    @property
    def operations(self) -> int:
        """How many times an engine is called in the forward pass, for any number of pictures."""
        return sum(row.operations for row in self.rows)

    @property
    def kept(self) -> int:
        """About how many numbers of one picture training keeps; measured, it was 0.75 to 1.2 times as many."""
        return sum(row.kept for row in self.rows)

    @property
    def held(self) -> int:
        """How many numbers of one picture an engine holds at a time, in the layer with most."""
        return max(row.held for row in self.rows)

    @property
    def windows(self) -> int:
        """How many numbers the NumPy reference stores for all windows of one picture, in the layer with most."""
        return max(row.windows for row in self.rows)

    @property
    def fixed(self) -> int:
        """Numbers that it does not change, such as running means."""
        return sum(row.count.fixed for row in self.rows)

    @never_raises
    def __repr__(self) -> str:
        return f"<Summary of {len(self.rows)} layers on {show(self.input)}: {self.trainable:,} parameters>"

    def __str__(self) -> str:
        rows = [(row.line, show(row.output), f"{row.count.trainable:,}") for row in self.rows]
        return "\n".join(
            (
                text_table(("layer", "output", "parameters"), [("input", show(self.input), ""), *rows]),
                folded(
                    f"{self.trainable:,} parameters"
                    + f", and {self.fixed:,} statistics that are measured rather than trained"
                    * bool(self.fixed)
                ),
            )
        )

    def _repr_html_(self) -> str | None:
        return displays.html("Summary", self)


def summarise(layers: Sequence[Layer], input_shape: Shape, output: str) -> Summary:
    """Return the table of `layers` on pictures of `input_shape` (H, W, C), with the line `output` appended.

    Raises:
        LayerError: a line does not fit; the message names it, the incoming shape, and what it expects. Or the network
            costs more than allowed, see `budget`.
    """
    shape, rows, work, operations = input_shape, [], 0, 0
    for number, layer in enumerate(with_output(layers, output), start=1):
        last = number > len(layers)
        try:
            outgoing = layer.output(shape)
        except ShapeError as error:
            name = f"The output layer, '{layer.line}'," if last else f"Layer line {number}, '{layer.line}',"
            raise LayerError(f"{name} does not fit its input {show(shape)}: {error}.") from error
        found = cost(layer, shape, outgoing)
        rows.append(_row(layer, shape, outgoing, found))
        shape, work, operations = outgoing, work + found.work, operations + rows[-1].operations
        if operations > MOST_OPERATIONS:  # before thousands of blocks are counted
            break
    summary = Summary(input_shape, tuple(rows))
    if summary.trainable > MOST_PARAMETERS:
        widest = max(range(len(rows)), key=lambda index: rows[index].count.trainable)
        raise LayerError(
            f"The network would have {summary.trainable:,} parameters, but at most {MOST_PARAMETERS:,} are allowed. "
            f"Most of them are in layer line {widest + 1}, '{rows[widest].line}': make this layer smaller, or add "
            "pooling before it."
        )
    too_much = complaint(work, summary.held, operations, summary.trainable + summary.fixed)
    if too_much is not None:
        raise LayerError(f"The network is too expensive for pictures of {show(input_shape)}: {too_much}.")
    return summary


def _row(layer: Layer, shape: Shape, output: Shape, costs: Cost) -> Row:
    """Return the row of a layer from `shape` to `output`."""
    count = layer.count(shape)
    multiplications, operations, kept = count.trainable, 1, math.prod(output)
    if isinstance(layer, Timm):
        found = layer.measured(shape)
        multiplications, operations, kept = found.multiplications, found.operations, found.kept
    elif len(output) == 3:
        multiplications *= output[0] * output[1]
    if isinstance(layer, SqueezeExcite):
        multiplications, operations = count.trainable, 5
    if isinstance(layer, Residual):
        # Each convolution has its normalisation and activation; then comes the sum.
        operations = sum(3 * len(block.convolutions) + 1 for block in layer.plan(shape[-1]))
        kept *= TENSORS_A_BLOCK * layer.blocks
    if isinstance(layer, Inverted):
        blocks = [*layer.plan(shape)]
        steps = [step for block in blocks for step in block.steps]
        multiplications = sum(math.prod(step.weight) * math.prod(step.output) for step in steps)
        operations = sum(3 * len(block.steps) + block.adds + 5 * bool(block.squeeze) for block in blocks)
        # Kept: the outputs of each convolution, of its normalisation and, but for the last, of its activation.
        kept = sum((2 + (step.number < 3)) * step.outgoing * math.prod(step.output) for step in steps)
    return Row(layer.line, output, count, multiplications, operations, kept, costs.held, costs.windows)
