"""To what size picture files of different sizes are resized, if the user does not say it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np

from picturewise.data.pictures.decode import PictureHeader
from picturewise.data.pictures.resize_mode import ResizeMode

LONGEST_SIDE = 224  # of a size that is chosen automatically
PHOTOGRAPH_SIDE = 96
"""Pixels of the median shorter side from which colour pictures count as photographs."""
_ROW_HEIGHT = 32
"""Pixels. With 40, amounts on cheques were read as accurately, in 1.5 times the time (docs/results/numbers.md)."""
_STEP = 8  # pixels
_MOST_RATIOS = 0.9  # quantile of the ratio of width and height


def are_photographs(headers: Sequence[PictureHeader]) -> bool:
    """Return whether pictures are in colour and mostly so large that a network for photographs can be used."""
    shorter = statistics.median(min(header.height, header.width) for header in headers)
    return shorter >= PHOTOGRAPH_SIDE and any(header.colour for header in headers)


def common_size(
    headers: Sequence[PictureHeader], mode: ResizeMode
) -> tuple[tuple[int, int], tuple[str, ...]]:
    """Return the size that all pictures have, or else the median size, with a longer side of at most `LONGEST_SIDE`."""
    heights, widths = [header.height for header in headers], [header.width for header in headers]
    if len(set(heights)) == len(set(widths)) == 1:
        return (heights[0], widths[0]), ()
    height, width = statistics.median(heights), statistics.median(widths)
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = max(1, round(scale * height)), max(1, round(scale * width))
    smaller = "" if scale == 1 else f", scaled down from {height:g}x{width:g}"
    note = (
        f"The pictures differ in size, from {min(heights)} to {max(heights)} pixels in height and "
        f"{min(widths)} to {max(widths)} in width, so each was resized to the median, {size[0]}x{size[1]}{smaller} "
        f"(resize: {mode})."
    )
    return size, (note,)


def row_size(headers: Sequence[PictureHeader], mode: ResizeMode) -> tuple[tuple[int, int], tuple[str, ...]]:
    """Return the size that all pictures of rows of symbols have, or else one in which most of them fit.

    The height is 32 pixels. The width is such that 90 % of the pictures keep their proportions or become wider, as a
    multiple of 8 of at most 224.
    """
    heights, widths = [header.height for header in headers], [header.width for header in headers]
    if len(set(heights)) == len(set(widths)) == 1:
        return (heights[0], widths[0]), ()
    height = _ROW_HEIGHT
    ratio = float(np.quantile(np.array(widths) / np.array(heights), _MOST_RATIOS))
    width = min(max(_STEP * math.ceil(height * ratio / _STEP), _STEP), LONGEST_SIDE)
    note = (
        f"The pictures differ in size, from {min(heights)} to {max(heights)} pixels in height and "
        f"{min(widths)} to {max(widths)} in width, so each was resized to {height}x{width} (resize: {mode}), in "
        f"which 90 % of the pictures keep their proportions or become wider."
    )
    return (height, width), (note,)
