"""`draw_reading_sheet`: pictures of sequences, each next to every model's reading and how sure it is of each symbol."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picturewise.reporting.figures import look
from picturewise.reporting.figures.lettering import text_width
from picturewise.reporting.figures.page import Page
from picturewise.reporting.tables import percent
from picturewise.targets.sequences import SequenceTarget, fitted, same

# Lengths in inches.
_PICTURE, _SMALL_PICTURE = 1.9, 1.3  # the longer side, of one or two models and of more
_TITLE = 0.36  # the model names
_VERDICT = 0.26  # one chart's reading
_CAPTION = 0.26  # the label under a picture
_GAP = 0.3  # between rows and between charts
_WIDEST = 4.5
_LINE = 0.2
_NUMBER = 0.47  # "100 %" beside a full bar
_MOST_LINES = 17  # of bars: the length and 16 symbols


@look.house_style()
def draw_reading_sheet(
    images: NDArray[np.uint8] | None,
    labels: NDArray[np.int64] | None,
    target: SequenceTarget,
    probabilities: Mapping[str, NDArray[np.floating]],
    *,
    targets: Mapping[str, SequenceTarget] = MappingProxyType({}),
) -> Figure:
    """Return a sheet with one row per picture: the picture, its label, and one chart per model.

    The reading is written above each chart, and whether it is right; below stands a bar for the length and for each
    symbol of the reading, as long as its probability.

    Args:
        images: (N, H, W, C) uint8, or None if they are not available: then there are only charts.
        labels: (N, 1 + L), or None if they are not known.
        target: the meaning of labels and, unless `targets` says otherwise, of probabilities.
        probabilities: model name → (N, outputs), 1 to 4 models.
        targets: model name → the meaning of its probabilities; no more places than `target` has.
    """
    models = len(probabilities)
    side = _PICTURE if models < 3 else _SMALL_PICTURE
    free = look.WIDTH - 2 * look.MARGIN - side - _GAP
    width = min((free - (models - 1) * _GAP) / models, _WIDEST)
    beside = look.MARGIN if images is None else look.MARGIN + side + _GAP
    high = 0.0 if images is None else side * min(1.0, images.shape[1] / images.shape[2])
    charts = {
        model: _charts(targets.get(model, target), table, target, labels)
        for model, table in probabilities.items()
    }
    heights = [
        max(high + _CAPTION, *(_VERDICT + _LINE * rows[at].lines for rows in charts.values())) + _GAP
        for at in range(len(next(iter(probabilities.values()))))
    ]
    page = Page(
        width=beside + models * (width + _GAP) - _GAP + look.MARGIN,
        height=2 * look.MARGIN + _TITLE + sum(heights) - _GAP,
    )
    texts = {name for rows in charts.values() for chart in rows for name, _ in chart.parts}
    names = max(text_width(name, size=look.SMALL) for name in texts)
    tops = look.MARGIN + _TITLE + np.cumsum([0, *heights[:-1]])
    for column, (model, rows) in enumerate(charts.items()):
        left = beside + column * (width + _GAP)
        page.text(model, left, look.MARGIN, size=look.TITLE, weight="bold", room=width)
        for top, chart in zip(tops.tolist(), rows, strict=True):
            _draw_chart(page, chart, left=left, top=top, width=width, names=names)
    for row, image in enumerate(() if images is None else images):
        top = float(tops[row])
        page.picture(image, left=look.MARGIN, top=top, width=side, height=high)
        if labels is not None:
            name = target.text(labels[row])
            page.text(name, look.MARGIN, top + high + 0.07, prefix="label: ", room=side + 0.15)
    return page.figure


class _Chart(NamedTuple):
    """A model's reading of a picture, whether it is right if that is known, and its bars: names and probabilities."""

    reading: str
    right: bool | None
    parts: list[tuple[str, float]]
    hidden: int

    @property
    def lines(self) -> int:
        return len(self.parts) + (self.hidden > 0)


def _charts(
    target: SequenceTarget,
    table: NDArray[np.floating],
    labelled: SequenceTarget,
    labels: NDArray[np.int64] | None,
) -> list[_Chart]:
    """Return a model's charts; `labels` are those of the target `labelled`."""
    readings, _ = target.decode(table)
    right: list[bool | None] = [None] * len(table)
    if labels is not None:
        own = fitted(labels, labelled.classes, target.classes, target.places, "the labels")
        right = same(own, readings).tolist()
    charts = []
    for reading, good, row in zip(readings, right, table, strict=True):
        parts = target.parts(row)
        hidden = max(0, len(parts) - _MOST_LINES)
        charts.append(_Chart(target.text(reading), good, parts[:_MOST_LINES], hidden))
    return charts


def _draw_chart(page: Page, chart: _Chart, *, left: float, top: float, width: float, names: float) -> None:
    """Draw one model's reading of one picture; (`left`, `top`) is the upper left corner, `names` the room for names."""
    if chart.right is None:
        prefix, colour = "", look.BLUE
    elif chart.right:
        prefix, colour = f"{look.RIGHT_SIGN} right: ", look.RIGHT
    else:
        prefix, colour = f"{look.WRONG_SIGN} wrong: ", look.WRONG
    page.text(chart.reading, left, top, prefix=prefix, colour=colour, weight="bold", room=width)
    start = left + names + 0.08
    longest = width - names - 0.08 - _NUMBER
    for line, (name, probability) in enumerate(chart.parts):
        above = top + _VERDICT + line * _LINE
        middle = above + _LINE / 2
        page.text(name, left + names, middle, size=look.SMALL, align="right", vertical="center")
        page.rectangle(start, above + 0.02, longest * probability, _LINE - 0.04, fill=colour)
        page.text(
            percent(probability, digits=0) if probability >= 0.005 else "< 1 %",
            start + longest * probability + 0.05, middle,
            size=look.SMALL, vertical="center",
        )  # fmt: skip
    if chart.hidden:
        below = top + _VERDICT + (len(chart.parts) + 0.5) * _LINE
        page.text(
            f"and {chart.hidden} more", start, below, size=look.SMALL, colour=look.MUTED, vertical="center"
        )
