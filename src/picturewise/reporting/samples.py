"""Random pictures of a set, the same for the same seed, and their labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.pixels import as_channels
from picturewise.seeds import stream


def drawn_places(pictures: int, wanted: int, seed: int, name: str) -> NDArray[np.int64]:
    """Return the places of up to `wanted` random pictures."""
    return stream(seed, name).choice(pictures, size=min(wanted, pictures), replace=False)


def seen(pictures: NDArray[np.uint8], *, in_grey: bool) -> NDArray[np.uint8]:
    """Return pictures (…, H, W, C) as a network sees them: with their channels averaged, if that is in grey."""
    return as_channels(pictures, 1) if in_grey else pictures


def captions(part: ImageSet) -> list[str]:
    """Return the name of each picture's class, or empty texts without labels."""
    if part.labels is None:
        return [""] * len(part)
    return [part.target.text(label) for label in part.labels]
