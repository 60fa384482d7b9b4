"""From pictures to named probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.picture_statistics import sums_of
from picturewise.data.imageset import ImageSet
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.learned import greys
from picturewise.targets.one_class import OneClass


@dataclass(frozen=True)
class Prediction:
    """What a classifier makes of one picture.

    Attributes:
        name: the file, as it was given; for a picture without a name, where it lies and its number there.
        number: of a picture without a name, from 1; None: it has a name.
        probabilities: class name → calibrated probability, in the order of the classes; they sum to 1.
    """

    name: str
    probabilities: dict[str, float]
    number: int | None = None

    @property
    def label(self) -> str:
        """The most likely class."""
        return self._decoded[0]

    @property
    def probability(self) -> float:
        """The probability of the most likely class."""
        return self._decoded[1]

    @cached_property
    def _decoded(self) -> tuple[str, float]:
        target = OneClass(tuple(self.probabilities))
        answers, probabilities = target.decode(np.array([list(self.probabilities.values())]))
        return target.text(answers[0]), float(probabilities[0])


def unlike(classifier: Classifier, sets: Sequence[ImageSet]) -> tuple[str, ...]:
    """Return a note if many pictures are far from those that a classifier learned from; see `LearnedPictures`.

    Args:
        classifier: whose size the pictures have.
        sets: the pictures.
    """
    learned = classifier.description.learned
    if learned is None or not any(map(len, sets)):
        return ()
    found = [greys(_sums(part), math.prod(part.shape[:2])) for part in sets if len(part)]
    means, spreads = (np.concatenate(parts) for parts in zip(*found, strict=True))
    note = learned.note(means, spreads)
    return () if note is None else (note,)


def _sums(part: ImageSet) -> NDArray[np.int64]:
    return sums_of(part.images) if part.known is None else np.asarray(part.known.sums[:])


def predictions_of(classifier: Classifier, pictures: ImageSet, place: str) -> list[Prediction]:
    """Return a prediction for each picture, in their order.

    Args:
        classifier: whose size and channels the pictures are brought to.
        pictures: of any size and channels; their labels do not matter.
        place: what to call the place of pictures without names.

    Raises:
        DataError: the stored pictures are damaged.
        RunError: the network gives NaN or infinity for one.
    """
    pictures.check_pixels()
    names = pictures.names
    return [
        Prediction(
            f"{place}, picture {index + 1}" if names is None else names[index],
            dict(zip(classifier.classes, map(float, row), strict=True)),
            index + 1 if names is None else None,
        )
        for index, row in enumerate(classifier.probabilities(pictures.images, names))
    ]
