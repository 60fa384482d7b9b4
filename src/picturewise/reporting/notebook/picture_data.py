"""`picture`: a picture inside of a page, as the data of a PNG file."""

from __future__ import annotations

import base64
import math

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures.resize import resize
from picturewise.reporting.notebook.markup import escaped
from picturewise.reporting.png_file import png_file

LARGEST = 96
"""Pixels of a side; more are never shown."""


def picture(image: NDArray[np.uint8], *, side: int, title: str = "") -> str:
    """Return a picture (H, W, C) uint8 as HTML, undistorted in a square of `side` pixels, with a text to hover over."""
    height, width = image.shape[:2]
    largest = max(height, width)
    scale = side / largest
    if largest > LARGEST:
        fitted = (math.ceil(height * LARGEST / largest), math.ceil(width * LARGEST / largest))
        image = resize(image, fitted, mode="stretch")
    elif (
        scale > 1
    ):  # pixels stay squares, also where a notebook that is not trusted drops the style that asks for it
        times = math.ceil(scale)
        image = image.repeat(times, axis=0).repeat(times, axis=1)
    data = base64.b64encode(png_file(image)).decode("ascii")
    return (
        f'<img src="data:image/png;base64,{data}" width="{max(round(width * scale), 1)}" '
        f'height="{max(round(height * scale), 1)}" style="display:inline-block;margin:0" '
        f'title="{escaped(title)}" alt="{escaped(title)}">'
    )
