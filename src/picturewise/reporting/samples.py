"""Random pictures of a set, the same for the same seed, and their labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.pixels import as_channels
from picturewise.seeds import stream
from picturewise.split_names import SplitName


def drawn_places(pictures: int, wanted: int, seed: int, name: str) -> NDArray[np.int64]:
    """Return the places of up to `wanted` random pictures."""
    return stream(seed, name).choice(pictures, size=min(wanted, pictures), replace=False)


def seen(pictures: NDArray[np.uint8], *, in_grey: bool) -> NDArray[np.uint8]:
    """Return pictures (…, H, W, C) as a network sees them: with their channels averaged, if that is in grey."""
    return as_channels(pictures, 1) if in_grey else pictures


def captions(part: ImageSet) -> list[str]:
    """Return the name of each picture's class or its sequence, or empty texts without labels."""
    if part.labels is None:
        return [""] * len(part)
    return [part.target.text(label) for label in part.labels]


def lengths_of(splits: Mapping[SplitName, ImageSet]) -> dict[str, dict[str, int]]:
    """Return how many pictures have a sequence of each length, by split; all splits have the same lengths."""
    counts = {name: part.length_counts() for name, part in splits.items() if part.labels is not None}
    names = max(counts.values(), key=len, default={})
    return {name: {length: of.get(length, 0) for length in names} for name, of in counts.items()}
