"""`draw_cost_frontier`: the accuracy of the trials of a search against their processor time."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure
from picturewise.reporting.figures.trial_axes import accuracy_axis, legend_below, panel
from picturewise.reporting.search_facts import SearchedTrial

_LEAST_RATIO = 5
"""Of the largest to the smallest time, for a logarithmic axis."""


@look.house_style()
def draw_cost_frontier(finished: Sequence[SearchedTrial], frontier: Sequence[SearchedTrial]) -> Figure:
    """Return the validation accuracy of finished trials against their processor time.

    The axis of the time is logarithmic if the longest is many times the shortest.

    Args:
        finished: at least one.
        frontier: those of them that no cheaper one equals, from the cheapest; with their numbers.
    """
    figure, axes = panel("Accuracy against cost")
    costs = [max(trial.cpu_seconds, 1e-3) for trial in finished]
    logarithmic = max(costs) > _LEAST_RATIO * min(costs)
    axes.set_xscale("log" if logarithmic else "linear")
    axes.plot(
        [trial.cpu_seconds for trial in finished], [trial.accuracy or 0 for trial in finished],
        marker="o", color=look.BAR, markersize=5, linestyle="none", label="finished",
    )  # fmt: skip
    axes.step(
        [trial.cpu_seconds for trial in frontier], [trial.accuracy or 0 for trial in frontier],
        where="post", marker="o", color=look.BLUE, markersize=6, linewidth=1.6, label="frontier",
    )  # fmt: skip
    for trial in frontier:
        axes.annotate(
            str(trial.number), (trial.cpu_seconds, trial.accuracy or 0), xytext=(0, 6), textcoords="offset points",
            horizontalalignment="center", fontsize=look.SMALL,
        )  # fmt: skip
    default = next((trial for trial in finished if trial.number == 0), None)
    if default is not None:
        axes.plot(
            default.cpu_seconds, default.accuracy or 0, marker="D", color=look.VERMILION, markersize=8,
            markeredgecolor=look.PAPER, linestyle="none", label="default recipe",
        )  # fmt: skip
    axes.set_xlim(min(costs) / 1.25, max(costs) * 1.25)
    accuracy_axis(axes, [trial.accuracy or 0 for trial in finished])
    axes.set_xlabel("processor seconds of the training")
    if logarithmic:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    legend_below(figure, axes)
    return figure
