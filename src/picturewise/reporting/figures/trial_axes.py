"""What the figures about the trials of a search have in common: the panel, the axis of accuracies, the legend."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure

# Lengths in inches.
_HEIGHT, _TOP, _BOTTOM, _LEFT = 3.9, 0.42, 0.95, 0.72
_LEGEND = 0.3
_MOST_BELOW = 2.0
"""The axis goes down below the finished trials by this many times their spread; what is lower is drawn at its edge."""


def panel(title: str) -> tuple[Figure, Axes]:
    """Return a figure with one panel, and room for a legend below it."""
    figure = Figure(figsize=(look.WIDTH, _HEIGHT))
    width = look.WIDTH - _LEFT - look.MARGIN
    axes = figure.add_axes(
        (_LEFT / look.WIDTH, _BOTTOM / _HEIGHT, width / look.WIDTH, 1 - (_TOP + _BOTTOM) / _HEIGHT)
    )
    axes.set_title(title)
    return figure, axes


def accuracy_axis(axes: Axes, finished: Sequence[float], others: Sequence[float] = ()) -> None:
    """Let the vertical axis show accuracies: all finished ones, and the others that are not far below.

    Args:
        axes: on which they were drawn.
        finished: at least one.
        others: of trials that were stopped early.
    """
    high = max(*finished, *others, 0)
    spread = max(high - min(finished), 0.02)
    low = max(min(*finished, *others, 1), min(finished) - _MOST_BELOW * spread)
    axes.set_ylim(low - 0.08 * (high - low + 0.01), high + 0.1 * (high - low + 0.01))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(100 * share, 6):g} %"))
    axes.set_ylabel("validation accuracy")


def legend_below(figure: Figure, axes: Axes) -> None:
    """Draw the legend below the panel, where it cannot cover anything."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=((_LEFT - 0.05) / look.WIDTH, _LEGEND / _HEIGHT), ncols=4,
        borderaxespad=0, borderpad=0,
    )  # fmt: skip
