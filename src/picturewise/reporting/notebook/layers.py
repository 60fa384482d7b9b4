"""`layers_html`: the layer table of a network."""

from __future__ import annotations

from picturewise.architectures.layers import show
from picturewise.architectures.summary import Summary
from picturewise.reporting.notebook.markup import block, escaped, line, table
from picturewise.reporting.tables import count


def layers_html(summary: Summary) -> str:
    """Return the layers of a network with shapes and parameters as HTML."""
    return block(f"{len(summary.rows)} layers on pictures of {show(summary.input)}", layer_table(summary))


def layer_table(summary: Summary) -> str:
    """Return the table alone, and the sum below it."""
    rows = [(escaped(row.line), escaped(show(row.output)), count(row.count.total)) for row in summary.rows]
    return table(("layer", "output", "parameters"), rows) + line(
        f"{count(summary.trainable + summary.fixed)} parameters: {count(summary.trainable)} trainable, "
        f"{count(summary.fixed)} not",
        faint=True,
    )
