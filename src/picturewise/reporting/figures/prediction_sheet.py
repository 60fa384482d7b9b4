"""`draw_prediction_sheet`: pictures, each next to every model's class probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picturewise.reporting.figures import look
from picturewise.reporting.figures.lettering import drawable, text_width
from picturewise.reporting.figures.page import Page
from picturewise.reporting.tables import percent

_ALL = 10  # classes, at most, for all of them to be shown
_BEST = 5  # classes that are shown otherwise, besides the label

# Lengths in inches.
_PICTURE = 1.5
_TITLE = 0.36  # the model names
_VERDICT = 0.26  # one chart's final prediction
_CAPTION = 0.26  # the label under a picture
_GAP = 0.3  # between rows and between charts
_WIDEST = 4.5  # in a wider chart, names and numbers would be too far apart
_NUMBER = 0.47  # "100 %" in bold beside a full bar


@dataclass(frozen=True)
class _Grid:
    """What all charts of a sheet have in common: lengths in inches, and the class names."""

    classes: Sequence[str]
    width: float
    names: float
    line: float

    @property
    def bars(self) -> float:
        """The length of a bar of probability one."""
        return self.width - self.names - 0.08 - _NUMBER


@look.house_style()
def draw_prediction_sheet(
    images: NDArray[np.uint8] | None,
    labels: Sequence[int] | NDArray[np.int64] | None,
    classes: Sequence[str],
    probabilities: Mapping[str, NDArray[np.floating]],
) -> Figure:
    """Return a sheet with one row per picture: the picture, its label, one bar chart per model.

    The prediction is written above each chart, and whether it is right. With up to 10 classes, all bars are shown in
    the order of the classes; otherwise the five most probable classes and the label. The label is in bold.

    Args:
        images: (N, H, W, C) uint8, or None if they are not available: then there are only charts.
        labels: the N label numbers, or None if they are not known.
        classes: the K class names.
        probabilities: model name → (N, K), 1 to 4 models.
    """
    grid = _grid(classes, models=len(probabilities))
    beside = look.MARGIN if images is None else look.MARGIN + _PICTURE + _GAP
    rows = len(next(iter(probabilities.values())))
    pitch = max(_PICTURE + _CAPTION, _VERDICT + _bars(classes) * grid.line) + _GAP
    page = Page(
        width=beside + len(probabilities) * (grid.width + _GAP) - _GAP + look.MARGIN,
        height=2 * look.MARGIN + _TITLE + rows * pitch - _GAP,
    )
    for column, (model, predicted) in enumerate(probabilities.items()):
        left = beside + column * (grid.width + _GAP)
        page.text(model, left, look.MARGIN, size=look.TITLE, weight="bold", room=grid.width)
        for row in range(rows):
            label = None if labels is None else int(labels[row])
            top = look.MARGIN + _TITLE + row * pitch
            _draw_chart(page, grid, predicted[row], label, left=left, top=top)
    for row, image in enumerate(() if images is None else images):
        top = look.MARGIN + _TITLE + row * pitch
        page.picture(image, left=look.MARGIN, top=top, width=_PICTURE, height=_PICTURE)
        if labels is not None:
            name = classes[int(labels[row])]
            page.text(name, look.MARGIN, top + _PICTURE + 0.07, prefix="label: ", room=_PICTURE + 0.15)
    return page.figure


def _bars(classes: Sequence[str]) -> int:
    return len(classes) if len(classes) <= _ALL else _BEST + 1


def _grid(classes: Sequence[str], *, models: int) -> _Grid:
    free = look.WIDTH - 2 * look.MARGIN - _PICTURE - _GAP
    width = min((free - (models - 1) * _GAP) / models - _GAP / models, _WIDEST)
    longest = max(text_width(drawable(name[:100]), size=look.SMALL, weight="bold") for name in classes)
    return _Grid(
        classes=classes,
        width=width,
        names=min(longest, 0.42 * width),
        line=min(max((_PICTURE + _CAPTION - _VERDICT) / _bars(classes), 0.165), 0.23),
    )


def _draw_chart(
    page: Page,
    grid: _Grid,
    probabilities: NDArray[np.floating],
    label: int | None,
    *,
    left: float,
    top: float,
) -> None:
    """Draw one model's probabilities for one picture; (`left`, `top`) is the upper left corner."""
    prediction = int(np.argmax(probabilities))
    colour = _draw_verdict(page, grid, prediction, label, left=left, top=top)
    for line, index in enumerate(_shown(probabilities, label)):
        probability = float(probabilities[index])
        above = top + _VERDICT + line * grid.line
        middle = above + grid.line / 2
        weight: Literal["bold", "normal"] = "bold" if index == label else "normal"
        page.text(
            grid.classes[index], left + grid.names, middle,
            size=look.SMALL, weight=weight, align="right", vertical="center", room=grid.names,
        )  # fmt: skip
        length = grid.bars * probability
        page.rectangle(
            left + grid.names + 0.08, above + 0.02, length, grid.line - 0.04,
            fill=colour if index == prediction else look.BAR,
        )  # fmt: skip
        page.text(
            percent(probability, digits=0) if probability >= 0.005 else "< 1 %",
            left + grid.names + 0.08 + length + 0.05, middle,
            size=look.SMALL, weight=weight, vertical="center",
        )  # fmt: skip


def _draw_verdict(
    page: Page, grid: _Grid, prediction: int, label: int | None, *, left: float, top: float
) -> str:
    """Write the final prediction above the bars and return the colour of its bar."""
    if label is None:
        prefix, colour = "", look.BLUE
    elif prediction == label:
        prefix, colour = f"{look.RIGHT_SIGN} right: ", look.RIGHT
    else:
        prefix, colour = f"{look.WRONG_SIGN} wrong: ", look.WRONG
    page.text(
        grid.classes[prediction], left, top,
        prefix=prefix, colour=colour, weight="bold", room=grid.width,
    )  # fmt: skip
    return colour


def _shown(probabilities: NDArray[np.floating], label: int | None) -> list[int]:
    if len(probabilities) <= _ALL:
        return list(range(len(probabilities)))
    best = [int(index) for index in np.argsort(-probabilities, kind="stable")[:_BEST]]
    if label is not None and label not in best:
        best.append(label)
    return best
