from __future__ import annotations

import enum


class InterpolationMode(enum.Enum):
    """timm makes a table of these."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"
