"""`draw_confusion_matrix`: which classes are confused with which."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from numpy.typing import ArrayLike, NDArray

from picturewise.reporting.figures import look
from picturewise.reporting.figures.figure import Figure
from picturewise.reporting.figures.lettering import shortened, text_width
from picturewise.reporting.tables import count

_NUMBERED = 20  # classes, at most, for numbers in the cells

# Lengths in inches.
_NAMES = 1.8  # class names at most
_TICKS = 0.1  # between a name and the matrix
_TITLE = 0.35  # the title of an axis
_KEYS = 1.45  # the colour keys at the right
_KEY_TITLE = 0.45  # the two lines above a key


@look.house_style()
def draw_confusion_matrix(
    counts: ArrayLike, classes: Sequence[str], *, answer: str = "predicted class"
) -> Figure:
    """Return the matrix `counts` (K, K): pictures of class i (row) that were predicted as class j (column).

    A cell's colour is its share of its row: blue on the diagonal, where the prediction is right, otherwise orange.
    The orange scale ends at the largest error, or at 10 % if that is more, and rises steeply, so that rare errors are
    visible. An empty cell is white. With up to 20 classes, the cells show their counts.

    Args:
        counts: (K, K).
        classes: their names.
        answer: the title of the columns.
    """
    matrix = np.asarray(counts, dtype=np.int64)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    largest_error = max(float((shares - np.diag(np.diag(shares))).max()), 0.1)
    colours = _colours(shares, largest_error)

    size, cell = _sizes(len(classes))
    side = max(cell * len(classes), 1.6)
    names = [shortened(name, inches=_NAMES, size=size) for name in classes]
    longest = max(text_width(name, size=size) for name in names)
    upright = longest > side / len(classes) - 0.06
    left = look.MARGIN + _TITLE + longest + _TICKS
    below = look.MARGIN + _TITLE - 0.08 + (longest if upright else size / 72) + _TICKS
    width, height = left + side + _KEYS, look.MARGIN + side + below
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((left / width, below / height, side / width, side / height))
    axes.imshow(colours, aspect="equal", interpolation="nearest")
    _name_classes(axes, names, answer, size=size, upright=upright)
    if len(classes) <= _NUMBERED:
        _write_numbers(axes, matrix, colours)
    _draw_keys(figure, largest_error, left=left + side + 0.2, height=min(side, 3.0))
    return figure


def _sizes(classes: int) -> tuple[float, float]:
    """Return the size of the class names in points and the side of a cell in inches."""
    if classes <= 10:
        return look.BODY, 0.55
    if classes <= _NUMBERED:
        return look.BODY, 0.42
    if classes <= 50:
        return look.SMALL, 0.16
    return look.TINY, 0.11


def _from_pale(name: str) -> Colormap:
    """Return a matplotlib colour map without its whitest part (white means zero) and its darkest part."""
    return LinearSegmentedColormap.from_list(name, mpl.colormaps[name](np.linspace(0.12, 0.88, 64)))


def _colours(shares: NDArray[np.float64], largest_error: float) -> NDArray[np.float64]:
    """Return (K, K, 4) colours of the shares of rows."""
    right = _from_pale("Blues")(shares)
    wrong = _from_pale("Oranges")(np.sqrt(shares / largest_error))
    diagonal = np.eye(len(shares), dtype=bool)[:, :, np.newaxis]
    colours: NDArray[np.float64] = np.where(diagonal, right, wrong)
    colours[shares == 0] = 1
    return colours


def _name_classes(axes: Axes, names: Sequence[str], answer: str, *, size: float, upright: bool) -> None:
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90 if upright else 0, fontsize=size, color=look.INK)
    axes.set_yticks(places, names, fontsize=size, color=look.INK)
    axes.set_xlabel(answer, fontweight="bold")
    axes.set_ylabel("label", fontweight="bold")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(True)
    # Lines between the cells, drawn at the minor ticks.
    axes.set_xticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(visible=False)
    axes.grid(which="minor", color=look.GRID, linewidth=0.6 if len(names) <= _NUMBERED else 0.3)
    axes.set_axisbelow(False)


def _write_numbers(axes: Axes, matrix: NDArray[np.int64], colours: NDArray[np.float64]) -> None:
    for i, j in zip(*np.nonzero(matrix), strict=True):
        # Luminance by ITU-R BT.709: white digits on cells that are darker than a middle grey.
        dark = colours[i, j, :3] @ (0.2126, 0.7152, 0.0722) < 0.55
        axes.text(
            j, i, count(int(matrix[i, j])),
            horizontalalignment="center", verticalalignment="center_baseline", fontsize=look.SMALL,
            color=look.PAPER if dark else look.INK, fontweight="bold" if i == j else "normal",
        )  # fmt: skip


def _draw_keys(figure: Figure, largest_error: float, *, left: float, height: float) -> None:
    """Draw the two colour scales, one below the other, from `left` inches and over `height` inches."""
    width, whole = figure.get_size_inches()
    scale = (height - 2 * _KEY_TITLE - 0.2) / 2
    for title, name, top, end, power in (
        ("right", "Blues", _KEY_TITLE, 1.0, 1.0),
        ("wrong", "Oranges", 2 * _KEY_TITLE + scale + 0.2, largest_error, 0.5),
    ):
        lower = whole - look.MARGIN - top - scale
        axes = figure.add_axes((left / width, lower / whole, 0.15 / width, scale / whole))
        axes.imshow(
            _from_pale(name)(np.linspace(0, 1, 64))[:, np.newaxis], aspect="auto", origin="lower",
            extent=(0, 1, 0, 1),
        )  # fmt: skip
        axes.set_title(f"{title}\n(share of the row)", fontsize=look.SMALL, pad=7)
        axes.set_xticks([])
        marks = (0, 0.5, 1)
        axes.set_yticks(marks, [f"{100 * end * mark ** (1 / power):.3g} %" for mark in marks])
        axes.yaxis.tick_right()
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
