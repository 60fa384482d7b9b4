"""From pictures to named probabilities, and to readings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from picturewise import displays
from picturewise.data.arrays.lazy_rows import Pictures
from picturewise.data.contract import Block
from picturewise.data.dataset import Skipped
from picturewise.data.imageset import ImageSet
from picturewise.errors import UsageError
from picturewise.prediction.classifier import Classifier
from picturewise.reprs import never_raises
from picturewise.targets.one_class import OneClass
from picturewise.targets.sequences import SequenceTarget, is_sequences

if TYPE_CHECKING:
    from picturewise.displays import Figure

_MENTIONED = 3
"""Classes that a `repr` names."""
READINGS = 5
"""Readings that are told if no number of them is asked for."""
MOST_READINGS = 100
"""Readings of a picture that can be asked for: there are as many as there are sequences."""


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


@dataclass(frozen=True, repr=False)
class Reading(Prediction):
    """The sequence of symbols that a classifier reads in a picture, such as a house number.

    Attributes:
        name: as of a `Prediction`.
        probabilities: reading → calibrated probability of the whole reading, for the classifier's reading and the four
            most likely others. It is computed when it is first asked for.
        number: as of a `Prediction`.
        outputs: (outputs,) probabilities of the parts of readings, in the order of the network's outputs.
        target: the meaning of `outputs`.
        abstained: whether `abstain` leaves the picture to people, because its probability is too low.
    """

    probabilities: dict[str, float] = field(init=False, compare=False)
    outputs: tuple[float, ...] = field(kw_only=True)
    target: SequenceTarget = field(kw_only=True)
    abstained: bool = field(default=False, kw_only=True)

    def __getattr__(self, name: str) -> Any:
        if name != "probabilities":
            raise AttributeError(f"'Reading' object has no attribute '{name}'")
        found = dict(self.alternatives(READINGS))
        self.__dict__[name] = found
        return found

    @property
    def label(self) -> str:
        """The classifier's reading, such as '042'; empty if the picture is left to people."""
        return "" if self.abstained else self._decoded[0]

    @property
    def parts(self) -> list[tuple[str, float]]:
        """The parts of the reading, such as its length and its symbols, in words, each with its probability."""
        return self.target.parts(np.array(self.outputs))

    def alternatives(self, count: int = READINGS) -> list[tuple[str, float]]:
        """Return the reading, then the most likely others, and the probability of each whole reading.

        Args:
            count: how many, from 1 to 100.

        Raises:
            UsageError: it is not.
        """
        if not 1 <= count <= MOST_READINGS:
            raise UsageError(f"count is {count}. Expected a number of readings from 1 to {MOST_READINGS}.")
        return self.target.alternatives(np.array(self.outputs), count)

    @cached_property
    def _decoded(self) -> tuple[str, float]:
        answers, probabilities = self.target.decode(np.array([self.outputs]))
        return self.target.text(answers[0]), float(probabilities[0])

    @never_raises
    def __repr__(self) -> str:
        # The reading is shown even if it is left to people: they may want to know it.
        text, probability = self._decoded
        left = ", left to people" * self.abstained
        parts = ", ".join(f"{part} {share:.4f}" for part, share in self.parts)
        return f"<Reading of {self.name}: {text} {probability:.4f}{left} ({parts})>"

    def _repr_html_(self) -> str | None:
        return displays.html("Reading", self)

    def plot(self) -> Figure:
        """Return the probabilities of the length and of each symbol as bars, next to the picture."""
        figure: Figure = displays.display("Reading", "plot", self)
        return figure


class Row(NamedTuple):
    """One line of the results: a picture, or a file that cannot be used.

    Attributes:
        name: as `Prediction.name`.
        number: as `Prediction.number`.
        path: the file's path, or the name of a picture that is not in a file of its own.
        label: the most likely class or reading; empty for a file that cannot be used, and if it is left to people.
        probability: of that class or reading.
        probabilities: (outputs,) float32: of the K classes, in their order, or of the parts of a reading; None: the
            file cannot be used.
        error: why it cannot be used; empty if it can.
        abstained: whether the picture is left to people, because its probability is too low.
    """

    name: str
    number: int | None
    path: str
    label: str = ""
    probability: float = math.nan
    probabilities: NDArray[np.float32] | None = None
    error: str = ""
    abstained: bool = False

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
        target: the meaning of the rows' probabilities if they are not those of classes.
    """

    classes: tuple[str, ...]
    pictures: Pictures
    rows: Sequence[Row]
    left_out: tuple[Skipped, ...] = ()
    target: SequenceTarget | None = None

    def parts(self, row: Row) -> list[tuple[str, float]]:
        """Return the parts of a row's reading with their probabilities; nothing for classes."""
        if self.target is None or row.probabilities is None:
            return []
        return self.target.parts(row.probabilities)

    def alternatives(self, row: Row, count: int) -> list[tuple[str, float]]:
        """Return the most likely classes of a row, most likely first, or its readings, each with its probability."""
        if row.probabilities is None:
            return []
        if self.target is not None:
            return self.target.alternatives(row.probabilities, count)
        return [(self.classes[index], float(row.probabilities[index])) for index in row.best(count)]

    def predictions(self) -> Iterator[Prediction | Skipped]:
        """Yield the rows as objects."""
        index = 0
        for row in self.rows:
            if row.probabilities is None:
                yield Skipped(row.name, row.error)
                continue
            if self.target is None:
                shares = dict(zip(self.classes, map(float, row.probabilities), strict=True))
                prediction = Prediction(row.name, shares, row.number)
            else:
                outputs = tuple(map(float, row.probabilities))
                prediction = Reading(
                    row.name, row.number, outputs=outputs, target=self.target, abstained=row.abstained
                )
            # No field: equal predictions are equal wherever their pictures are, and `asdict` copies none.
            prediction.__dict__["_seen"] = (self.pictures, index)
            index += 1
            yield prediction


def predicted_block(
    classifier: Classifier,
    block: Block,
    place: str,
    *,
    full_path: Callable[[str], str] = str,
    abstain_below: float = 0.0,
) -> PredictedBlock:
    """Return the predictions for a block of pictures.

    Args:
        classifier: whose size and channels the pictures are brought to.
        block: of pictures of any size and channels.
        place: the name of the source of pictures without names.
        full_path: returns the path of a picture from its name.
        abstain_below: readings of lower probability are left to people.

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
        number = None
        if pictures.names is None:
            number = block.first + index + 1
            name = path = f"{place}, picture {number}"
        else:
            name = pictures.names[index]
            path = full_path(name)
        abstained = bool(probability < abstain_below)
        label = "" if abstained else target.text(answer)
        rows.append(Row(name, number, path, label, float(probability), shares, abstained=abstained))
    add_bad()
    read = target if is_sequences(target) else None
    return PredictedBlock(classifier.classes, pictures.images, rows, block.left_out, read)


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
