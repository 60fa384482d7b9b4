"""`draw_augmented_sheet`: some pictures, and what augmentation makes of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from picturewise.reporting.figures import look
from picturewise.reporting.figures.lettering import drawable, text_width
from picturewise.reporting.figures.page import Page

_GAP = 0.06  # inches between pictures
_ORIGINAL_GAP = 0.18  # inches between the original and the first augmented picture
_HEAD = 0.24  # inches of the column titles
_LEAST_NAMES, _MOST_NAMES = 0.75, 1.6  # inches


@look.house_style()
def draw_augmented_sheet(
    originals: NDArray[np.uint8], augmented: NDArray[np.uint8], captions: Sequence[str], lines: Sequence[str]
) -> Figure:
    """Return a sheet with one row for each picture: its caption, the original, and augmented versions.

    Args:
        originals: (N, H, W, C), N from 1.
        augmented: (N, T, H, W, C), T from 1.
        captions: N short texts, such as labels.
        lines: of augmentation, for the head of the sheet; none: the captions name them.
    """
    longest = max(text_width(drawable(text[:100]), size=look.BODY) for text in captions)
    names = min(max(longest + 0.15, _LEAST_NAMES), _MOST_NAMES) if any(captions) else 0
    times = augmented.shape[1]
    start = look.MARGIN + names
    width = (look.WIDTH - look.MARGIN - start - _ORIGINAL_GAP - (times - 1) * _GAP) / (times + 1)
    height = width * originals.shape[1] / originals.shape[2]
    page = Page(look.WIDTH, 2 * look.MARGIN + _HEAD + len(originals) * (height + _GAP) - _GAP)
    first = start + width + _ORIGINAL_GAP
    page.text("original", start, look.MARGIN, size=look.SMALL, colour=look.MUTED, room=width)
    page.text(
        f"augmented: {'; '.join(lines)}" if lines else "augmented",
        first,
        look.MARGIN,
        size=look.SMALL,
        colour=look.MUTED,
        room=look.WIDTH - look.MARGIN - first,
    )
    for row, (original, versions, caption) in enumerate(zip(originals, augmented, captions, strict=True)):
        top = look.MARGIN + _HEAD + row * (height + _GAP)
        page.text(caption, look.MARGIN, top + height / 2, vertical="center", room=max(names - 0.1, 0.1))
        page.picture(original, left=start, top=top, width=width, height=height)
        for column, version in enumerate(versions):
            left = first + column * (width + _GAP)
            page.picture(version, left=left, top=top, width=width, height=height)
    return page.figure
