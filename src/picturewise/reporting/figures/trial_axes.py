"""What the figures about the trials of a search have in common: the panel, the axis of accuracies, the legend."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure

# Lengths in inches.
_HEIGHT, _TOP, _BOTTOM, _LEFT = 3.9, 0.42, 0.95, 0.9
_LEGEND = 0.3
_MOST_BELOW = 2.0
"""The axis goes down below the finished trials by at most this many times their spread."""


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
    low, high = min(finished), max(finished)
    near = [share for share in others if share >= low - _MOST_BELOW * max(high - low, 0.02)]
    low, high = min([low, *near]), max([high, *near])
    margin = 0.1 * (high - low) + 0.001
    axes.set_ylim(low - margin, high + margin)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(100 * share, 6):g} %"))
    axes.set_ylabel("validation accuracy")


def legend_below(figure: Figure, axes: Axes) -> None:
    """Draw the legend below the panel, where it cannot cover anything."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=((_LEFT - 0.05) / look.WIDTH, _LEGEND / _HEIGHT), ncols=4,
        borderaxespad=0, borderpad=0,
    )  # fmt: skip
