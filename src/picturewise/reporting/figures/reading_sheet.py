"""`draw_reading_sheet`: pictures of sequences, each next to every model's reading and how sure it is of each symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picturewise.reporting.figures import look
from picturewise.reporting.figures.page import Page
from picturewise.reporting.tables import percent
from picturewise.targets.sequences import SequenceTarget, same

# Lengths in inches.
_PICTURE = 1.9  # the longer side
_TITLE = 0.36  # the model names
_VERDICT = 0.26  # one chart's reading
_CAPTION = 0.26  # the label under a picture
_GAP = 0.3  # between rows and between charts
_WIDEST = 4.5
_NAMES = 0.85  # "length: 5"
_LINE = 0.2
_NUMBER = 0.47  # "100 %" beside a full bar
_MOST_LINES = 12


@look.house_style()
def draw_reading_sheet(
    images: NDArray[np.uint8] | None,
    labels: NDArray[np.int64] | None,
    target: SequenceTarget,
    probabilities: Mapping[str, NDArray[np.floating]],
) -> Figure:
    """Return a sheet with one row per picture: the picture, its label, and one chart per model.

    The reading is written above each chart, and whether it is right; below stands a bar for the length and for each
    symbol of the reading, as long as its probability.

    Args:
        images: (N, H, W, C) uint8, or None if they are not available: then there are only charts.
        labels: (N, 1 + L), or None if they are not known.
        target: the meaning of labels and probabilities.
        probabilities: model name → (N, outputs), 1 to 4 models.
    """
    models = len(probabilities)
    free = look.WIDTH - 2 * look.MARGIN - _PICTURE - _GAP
    width = min((free - (models - 1) * _GAP) / models - _GAP / models, _WIDEST)
    beside = look.MARGIN if images is None else look.MARGIN + _PICTURE + _GAP
    high = 0.0 if images is None else _PICTURE * min(1.0, images.shape[1] / images.shape[2])
    charts = {model: _charts(target, table, labels) for model, table in probabilities.items()}
    heights = [
        max(high + _CAPTION, *(_VERDICT + _LINE * len(rows[at][2]) for rows in charts.values())) + _GAP
        for at in range(len(next(iter(probabilities.values()))))
    ]
    page = Page(
        width=beside + models * (width + _GAP) - _GAP + look.MARGIN,
        height=2 * look.MARGIN + _TITLE + sum(heights) - _GAP,
    )
    tops = look.MARGIN + _TITLE + np.cumsum([0, *heights[:-1]])
    for column, (model, rows) in enumerate(charts.items()):
        left = beside + column * (width + _GAP)
        page.text(model, left, look.MARGIN, size=look.TITLE, weight="bold", room=width)
        for top, (reading, right, parts) in zip(tops.tolist(), rows, strict=True):
            _draw_chart(page, reading, right, parts, left=left, top=top, width=width)
    for row, image in enumerate(() if images is None else images):
        top = float(tops[row])
        page.picture(image, left=look.MARGIN, top=top, width=_PICTURE, height=high)
        if labels is not None:
            name = target.text(labels[row])
            page.text(name, look.MARGIN, top + high + 0.07, prefix="label: ", room=_PICTURE + 0.15)
    return page.figure


def _charts(
    target: SequenceTarget, table: NDArray[np.floating], labels: NDArray[np.int64] | None
) -> list[tuple[str, bool | None, Sequence[tuple[str, float]]]]:
    """Return for each picture the reading, whether it is right, and the names and probabilities of its bars."""
    readings, _ = target.decode(table)
    right = [None] * len(table) if labels is None else same(labels, readings).tolist()
    return [
        (target.text(reading), good, target.parts(row)[:_MOST_LINES])
        for reading, good, row in zip(readings, right, table, strict=True)
    ]


def _draw_chart(
    page: Page,
    reading: str,
    right: bool | None,
    parts: Sequence[tuple[str, float]],
    *,
    left: float,
    top: float,
    width: float,
) -> None:
    """Draw one model's reading of one picture; (`left`, `top`) is the upper left corner."""
    if right is None:
        prefix, colour = "", look.BLUE
    elif right:
        prefix, colour = f"{look.RIGHT_SIGN} right: ", look.RIGHT
    else:
        prefix, colour = f"{look.WRONG_SIGN} wrong: ", look.WRONG
    page.text(reading, left, top, prefix=prefix, colour=colour, weight="bold", room=width)
    longest = width - _NAMES - 0.08 - _NUMBER
    for line, (name, probability) in enumerate(parts):
        above = top + _VERDICT + line * _LINE
        middle = above + _LINE / 2
        page.text(name, left + _NAMES, middle, size=look.SMALL, align="right", vertical="center", room=_NAMES)
        page.rectangle(left + _NAMES + 0.08, above + 0.02, longest * probability, _LINE - 0.04, fill=colour)
        page.text(
            percent(probability, digits=0) if probability >= 0.005 else "< 1 %",
            left + _NAMES + 0.08 + longest * probability + 0.05, middle,
            size=look.SMALL, vertical="center",
        )  # fmt: skip
