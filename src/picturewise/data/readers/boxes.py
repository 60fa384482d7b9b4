"""Cutting out what boxes contain: a whole number, if the rest is most of each picture; or each of its digits.

Sources: Goodfellow, Bulatov, Ibarz, Arnoud and Shet, "Multi-digit number recognition from street view imagery using
deep convolutional neural networks", ICLR 2014: the box that contains all digits, enlarged by 30 % in width and height.
Netzer, Wang, Coates, Bissacco, Wu and Ng, "Reading digits in natural images with unsupervised feature learning", NIPS
workshop 2011: for single digits, the box extended to a square.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from picturewise.data.pictures.cut import Spacing
from picturewise.data.pictures.decode import Box
from picturewise.data.pictures.decode_files import Look
from picturewise.data.readers.folder_listing import FolderEntry
from picturewise.errors import PictureError

_MORE = 15  # % of the side, on each side
_SMALL = 0.5  # share of a picture's area
_LEAST_DEVIATION = 0.05  # heights: of spacing that hardly varies
DIGITS_NOTE = (
    "Each digit was cut out, as the square around its box. Cut digits out of new pictures in the same way before they "
    "are passed to predict."
)


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


def square(box: Box) -> Box:
    """Return a box extended to a square around the same centre, in whole pixels.

    >>> square((10, 20, 14, 30)), square((10, 20, 30, 25))
    ((7, 20, 17, 30), (10, 12, 30, 32))
    """
    left, top, right, bottom = box
    side = max(right - left, bottom - top)
    left, top = (left + right - side) // 2, (top + bottom - side) // 2
    return left, top, left + side, top + side


def union(boxes: Sequence[Box]) -> Box:
    """Return the smallest box that contains all of these."""
    left, top, right, bottom = zip(*boxes, strict=True)
    return min(left), min(top), max(right), max(bottom)


def find_spacing(rows: Sequence[Sequence[Box]], looks: Sequence[Look | PictureError]) -> Spacing | None:
    """Return where symbols are in their pictures, as these are read as sequences; None: no picture has two.

    Args:
        rows: the boxes of the symbols of each picture of train, in their order.
        looks: at their files.
    """
    there = [(boxes, look) for boxes, look in zip(rows, looks, strict=True) if isinstance(look, Look)]
    whole = (
        statistics.median(share_of(union(boxes), look) for boxes, look in there) >= _SMALL if there else True
    )
    sides, edges, pitches = list[float](), list[float](), list[float]()
    for boxes, look in there:
        all_of_it = (0, 0, look.header.width, look.header.height)
        left, top, right, bottom = all_of_it if whole else _clipped(enlarged(union(boxes)), all_of_it)
        height = bottom - top
        if height <= 0:
            continue
        sides += [max(box[2] - box[0], box[3] - box[1]) / height for box in boxes]
        centres = [(box[0] + box[2]) / 2 for box in boxes]
        edges += [(centres[0] - left) / height, (right - centres[-1]) / height]
        pitches += (np.diff(centres) / height).tolist()
    if not pitches:
        return None
    try:
        return Spacing(statistics.mean(sides), _mean_and_deviation(edges), _mean_and_deviation(pitches))
    except ValueError:  # the symbols are not in rows from left to right
        return None


def _mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    return statistics.mean(values), max(statistics.pstdev(values), _LEAST_DEVIATION)


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
    left, top, right, bottom = _clipped(box, (0, 0, look.header.width, look.header.height))
    return max(right - left, 0), max(bottom - top, 0)


def _clipped(box: Box, frame: Box) -> Box:
    """Return the part of a box that is in a frame; a side is not positive if there is none."""
    return max(box[0], frame[0]), max(box[1], frame[1]), min(box[2], frame[2]), min(box[3], frame[3])
