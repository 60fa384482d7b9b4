"""The common look of all figures: colours, sizes, fonts, and the style they are drawn under."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib.style

from picturewise.reporting.figures.lettering import families

# Okabe & Ito, "Color Universal Design" (2008): distinguishable with all common forms of colour vision.
BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
ORANGE = "#E69F00"
SKY = "#56B4E9"

MODEL_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
MODEL_MARKERS = ("o", "s", "^", "D", "v", "P")  # the shapes are distinguishable on a grey printer, too
RIGHT = BLUE
WRONG = VERMILION
RIGHT_SIGN = "✓"
WRONG_SIGN = "✗"

INK = "#1f2328"
MUTED = "#59636e"
EDGE = "#c4cad1"
GRID = "#e4e8ec"
BAR = "#aab4be"
PAPER = "#ffffff"

WIDTH = 10.0  # inches; the report's text column at 96 pixels an inch
MARGIN = 0.15  # inches
DPI = 150
TITLE = 11.0  # points
BODY = 9.0
SMALL = 7.5
TINY = 5.5

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": EDGE,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": BODY,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": TITLE,
    "axes.titleweight": "bold",
    "figure.dpi": DPI,
    "figure.facecolor": PAPER,
    "font.size": BODY,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": BODY,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,  # a class may be called "$x$"
    "xtick.color": MUTED,
    "xtick.labelsize": SMALL,
    "ytick.color": MUTED,
    "ytick.labelsize": SMALL,
}

# The style is in matplotlib's global settings while a figure is drawn; two threads that enter and leave
# alternately would restore each other's state.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def house_style() -> Iterator[None]:
    """In the block, draw in our style, whatever the user's matplotlibrc says; afterwards, restore their settings."""
    with _ONE_AT_A_TIME, matplotlib.style.context(["default", {**_STYLE, "font.family": list(families())}]):
        yield
