"""`draw_learning_rates`: the loss of a range test against the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure

# Lengths in inches.
_PANEL = 3.6  # high
_TOP = 0.4  # the title
_AXIS = 0.6  # ticks and "learning rate"
_LEGEND_LINE = 0.22
_LEFT = 0.6


@look.house_style()
def draw_learning_rates(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    *,
    suggested: float,
    steepest: float,
    lowest: float,
    burst: float | None,
) -> Figure:
    """Return the losses (dots) and their running mean (line) against the learning rate, on a logarithmic axis.

    Args:
        rates: increasing, above 0; one per batch.
        losses: of each batch.
        smoothed: their running mean.
        suggested: the suggested rate, drawn as a vertical line.
        steepest: where the running mean fell fastest, one of `rates`.
        lowest: where it was lowest, one of `rates`.
        burst: where the loss diverged; the area from there on is coloured. None: it did not.
    """
    bottom = _AXIS + 2 * _LEGEND_LINE + look.MARGIN
    height = _TOP + _PANEL + bottom
    figure = Figure(figsize=(look.WIDTH, height))
    width = look.WIDTH - _LEFT - look.MARGIN
    axes = figure.add_axes((_LEFT / look.WIDTH, bottom / height, width / look.WIDTH, _PANEL / height))
    axes.set_title("Loss at increasing learning rates")
    axes.set_xscale("log")
    axes.plot(rates, losses, color=look.BAR, marker="o", markersize=2.5, linestyle="none")
    axes.plot(rates, smoothed, color=look.BLUE, linewidth=1.8)
    last = rates[-1] if burst is None else burst
    right = last * (last / rates[0]) ** 0.03
    axes.set_xlim(rates[0], right)
    if burst is not None:
        axes.axvspan(burst, right, color=look.VERMILION, alpha=0.25, linewidth=0)
    # The running mean determines the height of the panel, because the last losses are many times as high.
    axes.set_ylim(0, 1.15 * max(smoothed[: smoothed.index(min(smoothed)) + 1]))
    axes.axvline(suggested, color=look.INK, linewidth=1.4, linestyle="--")
    for rate, marker, colour in ((steepest, "D", look.GREEN), (lowest, "o", look.VERMILION)):
        axes.plot(
            rate, smoothed[list(rates).index(rate)],
            color=colour, marker=marker, markersize=9, markeredgecolor=look.PAPER, markeredgewidth=1.2,
            linestyle="none", zorder=3,
        )  # fmt: skip
    _label_axes(axes)
    _draw_legend(figure, suggested, steepest, lowest, burst, top=(bottom - _AXIS) / height)
    return figure


def _label_axes(axes: Axes) -> None:
    axes.set_xlabel("learning rate")
    axes.xaxis.set_major_locator(LogLocator(numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _draw_legend(
    figure: Figure, suggested: float, steepest: float, lowest: float, burst: float | None, *, top: float
) -> None:
    """Draw the legend below the panel, where it cannot cover anything; `top` is a share of the height."""
    marks: dict[str, Any] = {"markersize": 8, "markeredgecolor": look.PAPER, "linestyle": "none"}
    handles = [
        Line2D([], [], color=look.BAR, marker="o", markersize=2.5, linestyle="none", label="loss of a batch"),
        Line2D([], [], color=look.BLUE, linewidth=1.8, label="running mean"),
        Line2D([], [], color=look.GREEN, marker="D", **marks, label=f"steepest fall at {steepest:.2g}"),
        Line2D([], [], color=look.VERMILION, marker="o", **marks, label=f"lowest loss at {lowest:.2g}"),
        Line2D([], [], color=look.INK, linewidth=1.4, linestyle="--", label=f"suggested: {suggested:.2g}"),
    ]
    if burst is not None:
        handles.append(
            Line2D([], [], color=look.VERMILION, alpha=0.25, linewidth=8, label=f"diverged from {burst:.2g}")
        )
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=((_LEFT - 0.05) / look.WIDTH, top), ncols=3,
        borderaxespad=0, borderpad=0,
    )  # fmt: skip
