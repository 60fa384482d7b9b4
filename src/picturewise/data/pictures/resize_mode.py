"""How a picture of another shape is resized."""

from __future__ import annotations

from typing import Literal

ResizeMode = Literal["crop", "pad", "stretch"]
"""Cut off the rest, add padding, or change the proportions; see `resize`."""


def mode_for(chosen: ResizeMode | None, *, sequences: bool) -> ResizeMode:
    """Return the chosen mode; None: crop, but for sequences stretch, because cropping would cut off symbols.

    >>> mode_for(None, sequences=True), mode_for("pad", sequences=True), mode_for(None, sequences=False)
    ('stretch', 'pad', 'crop')
    """
    return chosen or ("stretch" if sequences else "crop")
