"""Cropping pictures to what their boxes contain, if the rest is most of each picture.

Source: Goodfellow, Bulatov, Ibarz, Arnoud and Shet, "Multi-digit number recognition from street view imagery using deep
convolutional neural networks", ICLR 2014: the box that contains all digits, enlarged by 30 % in width and height.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from picturewise.data.pictures.decode import Box
from picturewise.data.pictures.decode_files import Look
from picturewise.data.readers.folder_listing import FolderEntry
from picturewise.errors import PictureError

_MORE = 15  # % of the side, on each side
_SMALL = 0.5  # share of a picture's area


def find_crop(
    entries: Sequence[FolderEntry], looks: Sequence[Look | PictureError]
) -> tuple[bool, tuple[str, ...]]:
    """Return whether to crop the pictures of all splits, and a note about it.

    Args:
        entries: the pictures of train.
        looks: at their files.
    """
    shares = [
        share_of(entry.box, look)
        for entry, look in zip(entries, looks, strict=True)
        if entry.box is not None and isinstance(look, Look)
    ]
    if not shares:
        return False, ()
    typical = statistics.median(shares)
    covers = f"The boxes of the digits cover {typical:.0%} of the area of a typical picture"
    if typical >= _SMALL:
        return False, (f"{covers}, so the whole pictures were used.",)
    note = (
        f"{covers}, so each picture was cropped to them, with 15 % more on each side. Crop new pictures in the same "
        "way before they are passed to predict."
    )
    return True, (note,)


def enlarged(box: Box) -> Box:
    """Return a box with 30 % more width and height around the same centre, in whole pixels.

    >>> enlarged((10, 20, 30, 30))
    (7, 18, 33, 32)
    """
    left, top, right, bottom = box
    more_width, more_height = (_MORE * side / 100 for side in (right - left, bottom - top))
    return (
        math.floor(left - more_width),
        math.floor(top - more_height),
        math.ceil(right + more_width),
        math.ceil(bottom + more_height),
    )


def share_of(box: Box, look: Look) -> float:
    """Return how much of a picture's area is in a box."""
    width, height = _inside(box, look)
    return width * height / (look.header.width * look.header.height)


def cropped(look: Look | PictureError, box: Box | None) -> Look | PictureError:
    """Return a look at what will be left of a picture."""
    if box is None or not isinstance(look, Look):
        return look
    width, height = _inside(box, look)
    return replace(look, header=look.header._replace(width=max(width, 1), height=max(height, 1)))


def _inside(box: Box, look: Look) -> tuple[int, int]:
    """Return the width and height of the part of a box that is inside the picture."""
    left, top, right, bottom = box
    width, height = look.header.width, look.header.height
    return max(min(right, width) - max(left, 0), 0), max(min(bottom, height) - max(top, 0), 0)
