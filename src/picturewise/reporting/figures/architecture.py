"""`draw_architecture`: a network as a graph, from the input to the output."""

from __future__ import annotations

import math
from dataclasses import replace

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from picturewise.architectures.layers import show
from picturewise.architectures.summary import Row, Summary
from picturewise.reporting.figures import look
from picturewise.reporting.figures.lettering import text_width
from picturewise.reporting.figures.page import Page
from picturewise.reporting.tables import count

_STEP, _BOX = 0.34, 0.22  # inches from box to box, and a box's height
_WIDEST, _NARROWEST = 3.4, 1.7  # of a box
_GAP, _SHAPE, _BARS = 0.45, 1.05, 1.9
_A_COLUMN = 30
_COLOURS = {
    "conv": look.BLUE,
    "residual": look.BLUE,
    "bottleneck": look.BLUE,
    "timm": look.BLUE,
    "dense": look.VERMILION,
    "maxpool": look.GREEN,
    "avgpool": look.GREEN,
    "flatten": look.GREEN,
}
_SKIPPING = {"residual", "bottleneck"}


def draw_architecture(summary: Summary) -> Figure:
    """Return the layers of `summary` as boxes, one below the other, each with its output shape and its parameters.

    The more numbers a layer outputs, the wider its box. Convolutions are blue, dense layers orange, pooling green;
    layers that do not change the shape are grey. An arrow leads around a residual row. More than 30 rows are drawn in
    several columns.
    """
    rows = [replace(summary.rows[0], line="input", output=summary.input), *summary.rows]
    columns = -(-len(rows) // _A_COLUMN)
    a_column = -(-len(rows) // columns)
    one = _WIDEST + _GAP + _SHAPE + _BARS
    width = max(look.WIDTH, 2 * look.MARGIN + columns * one + (columns - 1) * _GAP)
    page = Page(width, 2 * look.MARGIN + 0.3 + a_column * _STEP)
    most = max(1, *(row.count.trainable for row in summary.rows))
    for column in range(columns):
        left = (
            look.MARGIN + column * (one + _GAP) + (0 if columns > 1 else (width - 2 * look.MARGIN - one) / 2)
        )
        for title, place in (
            ("layer", 0.0),
            ("output", _WIDEST + _GAP),
            ("parameters", _WIDEST + _GAP + _SHAPE),
        ):
            page.text(title, left + place, look.MARGIN, size=look.SMALL, colour=look.MUTED)
        part = rows[column * a_column : (column + 1) * a_column]
        for number, row in enumerate(part):
            top = look.MARGIN + 0.3 + number * _STEP
            first = column == 0 and number == 0
            _draw_row(page, row, left=left, top=top, widest=_numbers(rows), most=most, is_input=first)
            if number + 1 < len(part):
                _arrow(page, (left + _WIDEST / 2, top + _BOX), (left + _WIDEST / 2, top + _STEP))
    return page.figure


def _draw_row(
    page: Page, row: Row, *, left: float, top: float, widest: float, most: int, is_input: bool
) -> None:
    words = row.line.split()
    share = math.log1p(math.prod(row.output)) / widest
    label = text_width(row.line, size=look.SMALL) + 0.16
    width = min(_WIDEST, max(_NARROWEST + (_WIDEST - _NARROWEST) * share**3, label))
    start = left + (_WIDEST - width) / 2
    colour = look.INK if is_input else _COLOURS.get(words[0], look.MUTED)
    page.rectangle(start, top, width, _BOX, fill=_pale(colour, paleness=0.9), edge=colour)
    page.text(
        row.line, left + _WIDEST / 2, top + _BOX / 2, size=look.SMALL, colour=colour, align="center",
        vertical="center", room=_WIDEST - 0.1, weight="normal" if colour == look.MUTED else "bold",
    )  # fmt: skip
    middle, across = top + _BOX / 2, left + _WIDEST + _GAP
    page.text(show(row.output), across, middle, size=look.SMALL, vertical="center", room=_SHAPE - 0.05)
    if not is_input and row.count.trainable:
        length = max((_BARS - 0.75) * row.count.trainable / most, 0.01)
        page.rectangle(across + _SHAPE, top + 0.04, length, _BOX - 0.08, edge=look.BAR, fill=look.BAR)
        page.text(
            count(row.count.trainable),
            across + _SHAPE + length + 0.06,
            middle,
            size=look.SMALL,
            vertical="center",
        )
    if words[0] in _SKIPPING:
        times = next((word for word in words if word[0] == "x" and word[1:].isdigit()), "")
        right = start + width
        _around(page, right, top, times)


def _pale(colour: str, *, paleness: float) -> str:
    """Return a colour mixed with white: all of it at paleness 1."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(255 * paleness + part * (1 - paleness)):02x}" for part in parts)


def _numbers(rows: list[Row]) -> float:
    return max(math.log1p(math.prod(row.output)) for row in rows)


def _arrow(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=7,
            color=look.MUTED,
            linewidth=0.8,
            shrinkA=0,
            shrinkB=0,
        )
    )


def _around(page: Page, right: float, top: float, times: str) -> None:
    """Draw the arrow around a residual row, and the number of its blocks."""
    page.axes.add_patch(
        FancyArrowPatch(
            (right, top + 0.02), (right, top + _BOX - 0.02), connectionstyle="arc3,rad=-1.1", arrowstyle="-|>",
            mutation_scale=6, color=look.BLUE, linewidth=0.9, shrinkA=0, shrinkB=0,
        )
    )  # fmt: skip
    page.text(times, right + 0.2, top + _BOX / 2, size=look.TINY, colour=look.BLUE, vertical="center")
