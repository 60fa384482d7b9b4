"""From pictures to named probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from picturewise import displays
from picturewise.data.arrays.lazy_rows import Pictures
from picturewise.data.arrays.picture_statistics import sums_of
from picturewise.data.contract import Block
from picturewise.data.dataset import Skipped
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


class Row(NamedTuple):
    """One line of the results: a picture, or a file that cannot be used.

    Attributes:
        name: as `Prediction.name`.
        number: as `Prediction.number`.
        path: the file's path, or the name of a picture that is not in a file of its own.
        label: the most likely class; empty for a file that cannot be used.
        probability: of that class.
        probabilities: (K,) float32, in the order of the classes; None: the file cannot be used.
        error: why it cannot be used; empty if it can.
    """

    name: str
    number: int | None
    path: str
    label: str = ""
    probability: float = math.nan
    probabilities: NDArray[np.float32] | None = None
    error: str = ""

    def best(self, count: int) -> list[int]:
        """Return the numbers of the most probable classes, the first of equal ones first."""
        if self.probabilities is None:
            return []
        return [int(index) for index in np.argsort(-self.probabilities, kind="stable")[:count]]


@dataclass(frozen=True, eq=False)
class PredictedBlock:
    """Predictions for some consecutive pictures.

    Attributes:
        classes: of the classifier.
        pictures: the pictures (N, H, W, C) uint8 as they were read.
        rows: a row for each picture and for each file that cannot be used, in order.
        left_out: what is beside the pictures and was not read.
    """

    classes: tuple[str, ...]
    pictures: Pictures
    rows: Sequence[Row]
    left_out: tuple[Skipped, ...] = ()

    def predictions(self) -> Iterator[Prediction | Skipped]:
        """Yield the rows as objects."""
        index = 0
        for row in self.rows:
            if row.probabilities is None:
                yield Skipped(row.name, row.error)
                continue
            shares = dict(zip(self.classes, map(float, row.probabilities), strict=True))
            prediction = Prediction(row.name, shares, row.number)
            # No field: equal predictions are equal wherever their pictures are, and `asdict` copies none.
            prediction.__dict__["_seen"] = (self.pictures, index)
            index += 1
            yield prediction


def predicted_block(
    classifier: Classifier, block: Block, place: str, *, full_path: Callable[[str], str] = str
) -> PredictedBlock:
    """Return the predictions for a block of pictures.

    Args:
        classifier: whose size and channels the pictures are brought to.
        block: of pictures of any size and channels.
        place: the name of the source of pictures without names.
        full_path: returns the path of a picture from its name.

    Raises:
        DataError: the stored pictures are damaged.
        RunError: the network gives NaN or infinity for one.
    """
    pictures, target = block.pictures, classifier.description.target
    pictures.check_pixels()
    table = classifier.probabilities(pictures.images, pictures.names)
    answers, best = target.decode(table)
    rows: list[Row] = []

    def add_bad() -> None:
        while (skipped := block.bad.get(len(rows))) is not None:
            rows.append(Row(skipped.path, None, full_path(skipped.path), error=skipped.reason))

    for index, (answer, probability, shares) in enumerate(zip(answers, best, table, strict=True)):
        add_bad()
        if pictures.names is None:
            number = block.first + index + 1
            name = path = f"{place}, picture {number}"
            found = Row(name, number, path, target.text(answer), float(probability), shares)
        else:
            name = pictures.names[index]
            found = Row(name, None, full_path(name), target.text(answer), float(probability), shares)
        rows.append(found)
    add_bad()
    return PredictedBlock(classifier.classes, pictures.images, rows, block.left_out)


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
    block = predicted_block(classifier, Block(pictures), place)
    return [one for one in block.predictions() if isinstance(one, Prediction)]
