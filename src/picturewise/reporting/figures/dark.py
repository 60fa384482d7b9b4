"""`darkened`: a figure on dark paper, made from its pixels on white paper."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PAPER = (0x14, 0x18, 0x1D)
"""What white becomes: the background of a report in dark mode."""

_LUMINANCE = (0.213, 0.715, 0.072)  # ITU-R BT.709, rounded as in the filters of CSS
_ROWS = 64  # that are converted at once, so that their numbers stay in the processor's cache


class Box(NamedTuple):
    """A rectangle of pixels, counted from the top left corner; `bottom` and `right` are the first outside."""

    top: int
    bottom: int
    left: int
    right: int


def darkened(pixels: NDArray[np.uint8], pictures: Iterable[Box]) -> NDArray[np.uint8]:
    """Return `pixels` (H, W, 3) on dark paper: light becomes dark, but hues and the `pictures` are not changed.

    Each colour is inverted and then mirrored at the grey of the same luminance, which restores its hue (CSS:
    `invert(1) hue-rotate(180deg)`). Boxes with pictures are copied.
    """
    dark = np.empty_like(pixels)
    paper = np.array(PAPER, np.float32)
    # Of each inverted colour: twice its grey, minus itself.
    turn = 2 * np.array(_LUMINANCE, np.float32)[:, np.newaxis] - np.eye(3, dtype=np.float32)
    for start in range(0, len(pixels), _ROWS):
        rows = 255 - pixels[start : start + _ROWS]
        turned = rows.reshape(-1, 3).astype(np.float32) @ turn
        np.clip(turned, 0, 255, out=turned)
        turned *= 1 - paper / 255
        turned += paper
        dark[start : start + _ROWS] = np.rint(turned, out=turned).reshape(rows.shape)
    for box in pictures:
        place = (slice(max(box.top, 0), box.bottom), slice(max(box.left, 0), box.right))
        dark[place] = pixels[place]
    return dark
