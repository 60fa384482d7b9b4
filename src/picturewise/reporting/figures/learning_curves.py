"""`draw_learning_curves`: loss and accuracy against the epoch, for one model or several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure
from picturewise.reporting.figures.lettering import shortened
from picturewise.runs.history import Epoch, best_epoch

# Lengths in inches.
_PANEL = 3.2  # high
_TOP = 0.4  # the titles of the panels
_AXIS = 0.6  # ticks and "epoch"
_LEGEND_LINE = 0.22
_LEFT = 0.6
_BETWEEN = 0.75


@look.house_style()
def draw_learning_curves(histories: Mapping[str, Sequence[Epoch]]) -> Figure:
    """Return two panels, loss and accuracy, for `histories`: model name → its epochs (at least one).

    Train is dashed and validation solid. The best epoch of each model (`best_epoch`) is marked, and the legend below
    the panels names it.
    """
    bottom = _AXIS + (1 + -(-len(histories) // 2)) * _LEGEND_LINE + look.MARGIN
    height = _TOP + _PANEL + bottom
    figure = Figure(figsize=(look.WIDTH, height))
    width = (look.WIDTH - _LEFT - _BETWEEN - 2 * look.MARGIN) / 2
    loss, accuracy = (
        figure.add_axes((left / look.WIDTH, bottom / height, width / look.WIDTH, _PANEL / height))
        for left in (_LEFT, _LEFT + width + _BETWEEN)
    )
    _draw_lines(loss, list(histories.values()), "loss")
    _draw_lines(accuracy, list(histories.values()), "accuracy")
    for axes in (loss, accuracy):
        axes.margins(y=0.08)
        _mark_epochs(axes, [row.epoch for history in histories.values() for row in history])
    loss.set_ylim(bottom=0)
    accuracy.set_ylim(top=min(accuracy.get_ylim()[1], 1))
    accuracy.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(100 * share, 6):g} %"))
    _draw_legend(figure, histories, top=(bottom - _AXIS) / height)
    return figure


def _draw_lines(
    axes: Axes, histories: Sequence[Sequence[Epoch]], measure: Literal["loss", "accuracy"]
) -> None:
    axes.set_title(measure.capitalize())
    for number, history in enumerate(histories):
        epochs = [row.epoch for row in history]
        colour = look.MODEL_COLOURS[number % len(look.MODEL_COLOURS)]
        # A line of one point is not visible, so it is drawn as a dot, hollow for train.
        dot = "o" if len(history) == 1 else ""
        axes.plot(
            epochs, [getattr(row, f"train_{measure}") for row in history],
            color=colour, linestyle="--", linewidth=1.2, marker=dot, markerfacecolor="none",
        )  # fmt: skip
        axes.plot(
            epochs, [getattr(row, f"valid_{measure}") for row in history],
            color=colour, linewidth=1.6, marker=dot,
        )  # fmt: skip
    for number, history in enumerate(histories):  # above all lines
        best = best_epoch(history)
        axes.plot(
            best.epoch, getattr(best, f"valid_{measure}"),
            color=look.MODEL_COLOURS[number % len(look.MODEL_COLOURS)],
            marker=look.MODEL_MARKERS[number % len(look.MODEL_MARKERS)], markersize=9,
            markeredgecolor=look.PAPER, markeredgewidth=1.2, linestyle="none", zorder=3, clip_on=False,
        )  # fmt: skip


def _mark_epochs(axes: Axes, epochs: Sequence[int]) -> None:
    """Put only whole numbers on the epoch axis, and no epoch before the first."""
    first, last = min(epochs), max(epochs)
    axes.set_xlim(first - min(0.03 * (last - first) + 0.1, 0.9), last + 0.03 * (last - first) + 0.1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")


def _draw_legend(figure: Figure, histories: Mapping[str, Sequence[Epoch]], *, top: float) -> None:
    """Draw the legend below the panels, where it cannot cover a line; `top` is a share of the height."""
    lines = [
        Line2D([], [], color=look.INK, linestyle="--", linewidth=1.2, label="train"),
        Line2D([], [], color=look.INK, linewidth=1.6, label="validation"),
    ]
    models = [
        Line2D(
            [], [],
            color=look.MODEL_COLOURS[number % len(look.MODEL_COLOURS)], linewidth=1.6,
            marker=look.MODEL_MARKERS[number % len(look.MODEL_MARKERS)], markersize=8,
            markeredgecolor=look.PAPER,
            label=shortened(name, inches=2.8, size=look.BODY) + f": {_best(history)}",
        )
        for number, (name, history) in enumerate(histories.items())
    ]  # fmt: skip
    left = (_LEFT - 0.05) / look.WIDTH
    for handles in (lines, models):
        figure.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(left, top), ncols=2,
            borderaxespad=0, borderpad=0,
        )  # fmt: skip
        top -= _LEGEND_LINE / figure.get_figheight()


def _best(history: Sequence[Epoch]) -> str:
    """Return which epoch is the best one; those that were validated with fewer views than others cannot be."""
    some = " (all views)" if len({row.views for row in history}) > 1 else ""
    return f"best epoch {best_epoch(history).epoch}{some}"
