"""From pictures to named probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from picturewise import displays
from picturewise.data.arrays.lazy_rows import Pictures
from picturewise.data.arrays.picture_statistics import sums_of
from picturewise.data.imageset import ImageSet
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.learned import greys
from picturewise.reprs import never_raises
from picturewise.targets.one_class import OneClass

if TYPE_CHECKING:
    from picturewise.displays import Figure

_MENTIONED = 3
"""Classes that a `repr` names."""


@dataclass(frozen=True, repr=False)
class Prediction:
    """A classifier's prediction for one picture.

    Attributes:
        name: the file, as it was given; for a picture without a name, its source and its number there.
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

    @property
    def picture(self) -> NDArray[np.uint8] | None:
        """The picture (H, W, C) uint8 as it was read; None: it is not available, as in a copy of the prediction."""
        seen: tuple[Pictures, int] | None = self.__dict__.get("_seen")
        return None if seen is None else np.asarray(seen[0][seen[1]])

    def plot(self) -> Figure:
        """Return the probability of each class as bars, next to the picture, as a matplotlib figure."""
        figure: Figure = displays.display("Prediction", "plot", self)
        return figure

    @never_raises
    def __repr__(self) -> str:
        first = sorted(self.probabilities.items(), key=lambda pair: -pair[1])[:_MENTIONED]
        shares = ", ".join(f"{name} {share:.4f}" for name, share in first)
        more = ", …" if len(self.probabilities) > _MENTIONED else ""
        return f"<Prediction for {self.name}: {shares}{more}>"

    def _repr_html_(self) -> str | None:
        return displays.html("Prediction", self)

    def __getstate__(self) -> dict[str, Any]:
        # A copy would take all pictures along that were predicted with this one.
        return {name: value for name, value in self.__dict__.items() if name != "_seen"}

    @cached_property
    def _decoded(self) -> tuple[str, float]:
        target = OneClass(tuple(self.probabilities))
        answers, probabilities = target.decode(np.array([list(self.probabilities.values())]))
        return target.text(answers[0]), float(probabilities[0])


def unlike(classifier: Classifier, sets: Sequence[ImageSet]) -> tuple[str, ...]:
    """Return a note if many pictures are far from those that a classifier was trained on; see `LearnedPictures`.

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
        place: the name of the source of pictures without names.

    Raises:
        DataError: the stored pictures are damaged.
        RunError: the network gives NaN or infinity for one.
    """
    pictures.check_pixels()
    names = pictures.names
    found = []
    for index, row in enumerate(classifier.probabilities(pictures.images, names)):
        prediction = Prediction(
            f"{place}, picture {index + 1}" if names is None else names[index],
            dict(zip(classifier.classes, map(float, row), strict=True)),
            index + 1 if names is None else None,
        )
        # No field: equal predictions are equal wherever their pictures are, and `asdict` copies none.
        prediction.__dict__["_seen"] = (pictures.images, index)
        found.append(prediction)
    return found
