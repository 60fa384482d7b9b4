"""`draw_search_history`: the accuracy of each trial of a search against the time."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.ticker import FuncFormatter

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure
from picturewise.reporting.figures.trial_axes import accuracy_axis, legend_below, panel
from picturewise.reporting.search_facts import SearchedTrial


@look.house_style()
def draw_search_history(trials: Sequence[SearchedTrial]) -> Figure:
    """Return the best validation accuracy of each trial when it ended, and the best so far as a line.

    Args:
        trials: in any order, with at least one finished one; trials without an accuracy are left out.
    """
    shown = sorted((trial for trial in trials if trial.accuracy is not None), key=lambda trial: trial.ended)
    finished = [trial for trial in shown if trial.state == "finished"]
    stopped = [trial for trial in shown if trial.state in {"pruned", "diverged"}]
    longest = max(trial.ended for trial in shown)
    unit, seconds = ("minutes", 60) if longest >= 120 else ("seconds", 1)
    figure, axes = panel("Accuracy of the trials")
    axes.plot(
        [trial.ended / seconds for trial in stopped], [trial.accuracy or 0 for trial in stopped],
        marker="x", color=look.BAR, markersize=5, linestyle="none", label="stopped early",
    )  # fmt: skip
    axes.plot(
        [trial.ended / seconds for trial in finished], [trial.accuracy or 0 for trial in finished],
        marker="o", color=look.BLUE, markersize=5, linestyle="none", label="finished",
    )  # fmt: skip
    best, steps = 0.0, list[float]()
    for trial in finished:
        best = max(best, trial.accuracy or 0)
        steps.append(best)
    times = [trial.ended / seconds for trial in finished]
    axes.step(
        [*times, longest / seconds],
        [*steps, best],
        where="post",
        color=look.BLUE,
        linewidth=1.6,
        label="best so far",
    )
    default = next((trial for trial in finished if trial.number == 0), None)
    if default is not None and default.accuracy is not None:
        axes.axhline(default.accuracy, color=look.INK, linestyle="--", linewidth=1.2, label="default recipe")
    axes.set_xlim(0, 1.03 * longest / seconds)
    accuracy_axis(
        axes, [trial.accuracy or 0 for trial in finished], [trial.accuracy or 0 for trial in stopped]
    )
    axes.set_xlabel(f"{unit} of the search")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    legend_below(figure, axes)
    return figure
