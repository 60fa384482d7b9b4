"""Figures as PNG files: the same figure gives the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picturewise.files import write_bytes
from picturewise.reporting.figures import look
from picturewise.reporting.figures.dark import Box, darkened
from picturewise.reporting.figures.framed import Framed
from picturewise.reporting.png_file import png_file


def to_png(figure: Figure) -> bytes:
    """Return `figure` as a PNG file with 150 pixels an inch and neither date nor program version in it."""
    return _encoded(to_pixels(figure))


def to_pixels(figure: Figure) -> NDArray[np.uint8]:
    """Return `figure` as pixels (H, W, 3), as many as its PNG file has."""
    return _drawn(figure)[0]


def to_both_papers(figure: Figure) -> tuple[bytes, bytes]:
    """Return `figure` as two PNG files, light and dark, for pages that follow the reader's colour scheme."""
    pixels, pictures = _drawn(figure)
    return _encoded(pixels), _encoded(darkened(pixels, pictures))


def save_png(figure: Figure, path: Path) -> None:
    """Write `figure` to `path`, completely or not at all.

    Raises:
        SaveError: the disk is full, or the folder is not writable; an older file is not changed.
    """
    write_bytes(path, to_png(figure))


def _drawn(figure: Figure) -> tuple[NDArray[np.uint8], list[Box]]:
    """Return the pixels (H, W, 3), and the boxes of the pictures in them."""
    figure.set_dpi(look.DPI)
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
    with look.house_style():
        canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    boxes = [artist.box(canvas.get_renderer()) for artist in figure.findobj(Framed)]
    height = len(pixels)
    return pixels, [Box(height - box.top, height - box.bottom, box.left, box.right) for box in boxes]


def _encoded(pixels: NDArray[np.uint8]) -> bytes:
    return png_file(pixels, pixels_per_inch=look.DPI)
