"""`draw_length_accuracy`: how accurately sequences of each length are read, and the symbols at each place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from picturewise.evaluation.evaluation import Interval
from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure
from picturewise.reporting.tables import count, percent

# Lengths in inches.
_HEIGHT = 3.1
_TOP, _BOTTOM = 0.42, 0.72
_LEFT, _BETWEEN = 0.6, 0.75
_NARROWEST = 0.55  # of a column with numbers above and below it


class Point(NamedTuple):
    """The accuracy at one length or place: its name, the number of pictures, and the share with its interval."""

    name: str
    pictures: int
    accuracy: Interval


@look.house_style()
def draw_length_accuracy(
    lengths: Sequence[Point], places: Sequence[Point], *, whole: str = "sequence", symbol: str = "symbol"
) -> Figure:
    """Return two panels: whole sequences by their length, and single symbols by their place.

    Each point is a share with its 95 % interval; below it stands the number of pictures. Both panels have the same
    scale.

    Args:
        lengths: at least one.
        places: at least one.
        whole: the word for a sequence.
        symbol: the word for a part of it.
    """
    figure = Figure(figsize=(look.WIDTH, _HEIGHT))
    width = (look.WIDTH - _LEFT - _BETWEEN - 2 * look.MARGIN) / 2
    lowest = min(point.accuracy.low for point in (*lengths, *places))
    panels = (
        (lengths, f"Whole {whole}s", f"{symbol}s in the label", _LEFT),
        (places, f"Single {symbol}s", "place from the left", _LEFT + width + _BETWEEN),
    )
    for points, title, axis, left in panels:
        axes = figure.add_axes(
            (left / look.WIDTH, _BOTTOM / _HEIGHT, width / look.WIDTH, 1 - (_TOP + _BOTTOM) / _HEIGHT)
        )
        _draw(axes, points, numbered=width / len(points) >= _NARROWEST)
        axes.set_title(title)
        axes.set_xlabel(axis)
        axes.set_ylim(max(0.0, lowest - 0.05 * (1 - lowest) - 0.01), 1 + 0.12 * (1 - lowest) + 0.01)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{round(100 * share, 6):g} %"))
        axes.set_yticks([tick for tick in axes.get_yticks() if tick <= 1])
        axes.grid(visible=False, axis="x")
    return figure


def _draw(axes: Axes, points: Sequence[Point], *, numbered: bool) -> None:
    """Draw the points; `numbered`: there is room for their numbers."""
    values = [point.accuracy.value for point in points]
    below = [point.accuracy.value - point.accuracy.low for point in points]
    above = [point.accuracy.high - point.accuracy.value for point in points]
    columns = range(len(points))
    axes.errorbar(
        columns,
        values,
        yerr=(below, above),
        fmt="o",
        color=look.BLUE,
        markersize=6,
        elinewidth=1.6,
        capsize=4,
    )
    if numbered:
        for column, point in enumerate(points):
            axes.annotate(
                percent(point.accuracy.value, digits=1), (column, point.accuracy.value),
                xytext=(7, 0), textcoords="offset points", verticalalignment="center", fontsize=look.SMALL,
            )  # fmt: skip
    axes.set_xlim(-0.6, len(points) - 0.4)
    names = [f"{point.name}\n{count(point.pictures)}" if numbered else point.name for point in points]
    axes.set_xticks(columns, names, color=look.INK)
