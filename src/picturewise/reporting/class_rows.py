"""Some pictures of each class and their mean, for the sheet of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.reporting.samples import drawn_places, seen

_AT_ONCE = 1024  # because one picture at a time is slow, and all pictures at once need much memory


@dataclass(frozen=True, eq=False)
class ClassRow:
    """One class on the sheet.

    Attributes:
        name: of the class.
        count: its number of pictures.
        samples: some of them, (S, H, W, C) uint8; S may differ between classes and may be 0.
        mean: the mean of its pictures, (H, W, C) in 0..255 of any number type, or None without pictures.
    """

    name: str
    count: int
    samples: NDArray[np.uint8]
    mean: NDArray[np.generic] | None


def class_rows(
    part: ImageSet, labels: NDArray[np.int64], wanted: int, seed: int, *, in_grey: bool = False
) -> list[ClassRow]:
    """Return each class with its mean picture and up to `wanted` random ones, in colour or as a grey run sees them."""
    rows = []
    for index, name in enumerate(part.classes):
        members = np.flatnonzero(labels == index)
        chosen = members[drawn_places(len(members), wanted, seed, "classes")]
        chunks = (members[start : start + _AT_ONCE] for start in range(0, len(members), _AT_ONCE))
        sums = (seen(part.images[chunk], in_grey=in_grey).sum(axis=0, dtype=np.int64) for chunk in chunks)
        mean = np.asarray(sum(sums, np.int64(0))) / len(members) if len(members) else None
        rows.append(ClassRow(name, len(members), seen(part.images[chosen], in_grey=in_grey), mean))
    return rows
