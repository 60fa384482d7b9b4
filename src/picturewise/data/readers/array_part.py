"""One split whose pictures are in one array: what the readers of arrays share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate
from picturewise.data.arrays.labels import UNLABELLED, check_labelled, check_labels
from picturewise.data.arrays.lazy_rows import chosen
from picturewise.data.arrays.picture_statistics import digest_each
from picturewise.data.contract import Part
from picturewise.data.dataset import Skipped
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.resize import resize_all
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.data.read_options import ReadOptions
from picturewise.errors import DataError


def array_part(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    classes: tuple[str, ...],
    origin: str,
    options: ReadOptions,
    allocate: Allocate,
    *,
    names: Sequence[str] | None = None,
) -> Part:
    """Return pictures (N, H, W, C) as a part, resized as the options ask.

    A picture whose label is `UNLABELLED` is left out if the options say so.

    Raises:
        DataError: there are no pictures, or labels that are not among the classes, which are those of train.
    """
    if not len(images):
        raise DataError(f"{origin} does not contain any pictures.")
    if labels is not None:
        check_labels(labels, classes, origin)
        check_labelled(labels, origin, skip_bad=options.skip_bad)
    resized = resize_all(
        images, options.size, mode=mode_for(options.resize, sequences=False), allocate=allocate
    )
    digests = None if resized is images else digest_each(images)
    if labels is None or (keep := np.flatnonzero(labels != UNLABELLED)).size == len(labels):
        return Part(ImageSet(resized, labels, classes, origin, names), digests)
    names = None if names is None else [names[row] for row in keep.tolist()]
    pictures = ImageSet(chosen(resized, keep), labels[keep], classes, origin, names)
    skipped = tuple(
        Skipped(f"{origin}, picture {row}", "it does not have a label")
        for row in np.flatnonzero(labels == UNLABELLED)
    )
    return Part(pictures, None if digests is None else digests[keep], skipped)
