"""Figures as PNG files: the same figure gives the same bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picturewise.files import write_bytes
from picturewise.reporting.figures import look


def to_png(figure: Figure) -> bytes:
    """Return `figure` as a PNG file with 150 pixels an inch and neither date nor program version in it."""
    content = io.BytesIO()
    with look.house_style():
        figure.savefig(content, format="png", dpi=look.DPI, metadata={"Software": None})
    return content.getvalue()


def to_pixels(figure: Figure) -> NDArray[np.uint8]:
    """Return `figure` as pixels (H, W, 3), as many as its PNG file has."""
    figure.set_dpi(look.DPI)
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
    with look.house_style():
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_png(figure: Figure, path: Path) -> None:
    """Write `figure` to `path`, whole or not at all.

    Raises:
        SaveError: the disk is full, or the place is not writable; an older file is untouched.
    """
    write_bytes(path, to_png(figure))
