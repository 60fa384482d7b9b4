"""`layers_html`: the layer table of a network."""

from __future__ import annotations

from picturewise.architectures.layers import show
from picturewise.architectures.summary import Summary
from picturewise.reporting.notebook.markup import block, escaped, line, lines, table
from picturewise.reporting.tables import count


def layers_html(summary: Summary) -> str:
    """Return the layers of a network with shapes and parameters as HTML."""
    return block(
        f"{len(summary.rows)} layers for {show(summary.input)} pictures",
        layer_table(summary),
        lines(summary.notes),
    )


def layer_table(summary: Summary) -> str:
    """Return the table alone, and the sum below it."""
    rows = [
        (escaped(row.line), escaped(show(row.output)), count(row.count.trainable)) for row in summary.rows
    ]
    return table(("layer", "output", "parameters"), rows) + line(
        f"{count(summary.trainable)} parameters"
        + f", and {count(summary.fixed)} statistics that are measured rather than trained"
        * bool(summary.fixed),
        faint=True,
    )
