"""Whether the pictures that a classifier is used on are like those that it was trained on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.picture_statistics import sums_of
from picturewise.data.imageset import ImageSet
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.learned import greys


class SeenGreys:
    """The means and contrasts of pictures that a classifier is used on: eight bytes for each picture."""

    def __init__(self) -> None:
        self._found: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    def add(self, pictures: ImageSet) -> None:
        """Add pictures in the classifier's size."""
        if len(pictures):
            sums = sums_of(pictures.images) if pictures.known is None else np.asarray(pictures.known.sums[:])
            means, spreads = greys(sums, math.prod(pictures.shape[:2]))
            self._found.append((means.astype(np.float32), spreads.astype(np.float32)))

    def note(self, classifier: Classifier) -> tuple[str, ...]:
        """Return a note if many of them are far from those that it was trained on; see `LearnedPictures`."""
        learned = classifier.description.learned
        if learned is None or not self._found:
            return ()
        means, spreads = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        note = learned.note(means, spreads)
        return () if note is None else (note,)


def unlike(classifier: Classifier, pictures: ImageSet) -> tuple[str, ...]:
    """Return a note if many pictures, in the classifier's size, are far from those that it was trained on."""
    seen = SeenGreys()
    if classifier.description.learned is not None:
        seen.add(pictures)
    return seen.note(classifier)
