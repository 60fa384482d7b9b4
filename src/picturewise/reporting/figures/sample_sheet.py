"""`draw_sample_sheet`: some pictures of a data set with their labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picturewise.reporting.figures import look
from picturewise.reporting.figures.page import Page

_GAP = 0.15  # inches between pictures
_CAPTION = 0.24  # inches under each picture


@look.house_style()
def draw_sample_sheet(images: NDArray[np.uint8], captions: Sequence[str], *, columns: int = 6) -> Figure:
    """Return a sheet of `images` (N, H, W, C), N ≥ 1, each above its caption, in their order, row by row."""
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    width = (look.WIDTH - 2 * look.MARGIN - (columns - 1) * _GAP) / max(columns, 4)
    height = width * images.shape[1] / images.shape[2]
    page = Page(
        width=2 * look.MARGIN + columns * (width + _GAP) - _GAP,
        height=2 * look.MARGIN + rows * (height + _CAPTION + _GAP) - _GAP,
    )
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, columns)
        left = look.MARGIN + column * (width + _GAP)
        top = look.MARGIN + row * (height + _CAPTION + _GAP)
        page.picture(image, left=left, top=top, width=width, height=height)
        page.text(
            caption, left + width / 2, top + height + _CAPTION, align="center", vertical="bottom", room=width
        )
    return page.figure
