"""Whether an exported model answers as Picturewise does: the same pictures go through both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import RunError
from picturewise.seeds import stream
from picturewise.targets.sequences import is_sequences

if TYPE_CHECKING:
    from picturewise.data.arrays.lazy_rows import Pictures
    from picturewise.prediction.classifier import Classifier


class Answered(NamedTuple):
    """What a model says about N pictures.

    Attributes:
        answers: (N,) int64, the most likely classes, or (N, 1 + L), the most likely readings in the form of labels.
        probabilities: (N, K) float32, of the classes, or (N, 1 + outputs), of the reading and of all of its parts.
    """

    answers: NDArray[np.int64]
    probabilities: NDArray[np.float32]


Predictor: TypeAlias = Callable[[NDArray[np.uint8]], Answered]
"""An exported model: pictures (N, H, W, 1 or 3) uint8 of any size in, what it says out."""

MOST, ODD = 1_000, 50
"""Pictures of the trained size, and of other sizes."""
LIMIT = 1e-4
"""The largest difference of a probability at which a model in float32 is still equal."""
_BATCH = 64
_LONGEST_SIDE = 512
_GENERATED = "generated pictures"


@dataclass(frozen=True)
class Parity:
    """How far an exported model and Picturewise are apart.

    Attributes:
        pictures: number of pictures of the size that the classifier was trained on.
        origin: of these pictures.
        difference: the largest difference of two probabilities.
        changed: number of pictures whose most likely class or reading differs.
        odd_pictures: number of generated pictures of other sizes, grey and in colour.
        odd_difference: as `difference`, for these.
        odd_changed: as `changed`, for these.
    """

    pictures: int
    origin: str
    difference: float
    changed: int
    odd_pictures: int
    odd_difference: float
    odd_changed: int

    def check(self, limit: float = LIMIT) -> None:
        """Check that they answer alike.

        Raises:
            RunError: a probability differs by more than the limit.
        """
        largest = max(self.difference, self.odd_difference)
        if not largest <= limit:  # NaN is not
            count = self.pictures + self.odd_pictures
            raise RunError(
                f"The exported model is not equal to the classifier: of {count:,} pictures, "
                f"{self.changed + self.odd_changed:,} have another answer, and probabilities differ by up to "
                f"{largest:.2g}, above the limit of {limit:g}. Nothing was written."
            )


def compare(
    classifier: Classifier, exported: Predictor, pictures: Pictures | None = None, origin: str = ""
) -> Parity:
    """Send pictures through a classifier and an exported model.

    Args:
        classifier: as it is.
        exported: the model.
        pictures: (N, H, W, C) uint8 of the classifier's size, of which at most `MOST` are used, evenly spread; None:
            they are generated.
        origin: what the pictures are, in a few words.
    """
    chosen = generated(classifier.description.shape, MOST) if pictures is None else _spread(pictures)
    differences, changes = list[float](), 0
    for start in range(0, len(chosen), _BATCH):
        largest, changed = _apart(classifier, exported, chosen[start : start + _BATCH])
        differences.append(largest)
        changes += changed
    odd = [_apart(classifier, exported, one) for one in odd_pictures()]
    return Parity(
        pictures=len(chosen),
        origin=_GENERATED if pictures is None else origin,
        difference=_largest(differences),
        changed=changes,
        odd_pictures=len(odd),
        odd_difference=_largest([largest for largest, _ in odd]),
        odd_changed=sum(changed for _, changed in odd),
    )


def generated(shape: tuple[int, int, int], count: int) -> NDArray[np.uint8]:
    """Return random pictures (count, H, W, C): blotches of all sizes, so that they are not all grey noise."""
    random = stream(0, "parity")
    return np.stack([_blotches(shape, random) for _ in range(count)])


def odd_pictures() -> list[NDArray[np.uint8]]:
    """Return pictures (1, H, W, C) with sides from 1 to 512 pixels and one or three channels."""
    random = stream(0, "parity", 1)
    sides = np.exp(random.uniform(0, np.log(_LONGEST_SIDE), (ODD, 2))).round().astype(int)
    return [
        _blotches((int(height), int(width), 1 + 2 * (number % 2)), random)[np.newaxis]
        for number, (height, width) in enumerate(sides)
    ]


def _blotches(shape: tuple[int, int, int], random: np.random.Generator) -> NDArray[np.uint8]:
    height, width, channels = shape
    size = int(random.integers(1, 9))
    coarse = random.integers(0, 256, (-(-height // size), -(-width // size), channels), np.uint8)
    return coarse.repeat(size, axis=0).repeat(size, axis=1)[:height, :width]


def _spread(pictures: Pictures) -> NDArray[np.uint8]:
    rows = np.unique(np.linspace(0, len(pictures) - 1, min(MOST, len(pictures))).round().astype(int))
    return np.stack([np.asarray(pictures[int(row)]) for row in rows])


def _apart(classifier: Classifier, exported: Predictor, pictures: NDArray[np.uint8]) -> tuple[float, int]:
    """Return the largest difference of a probability, and the number of other answers."""
    target, found = classifier.description.target, exported(pictures)
    expected = classifier.probabilities(pictures)
    answers, confidence = target.decode(expected)
    if is_sequences(target):
        expected = np.column_stack([confidence, expected])
    changed = (answers != found.answers).reshape(len(pictures), -1).any(axis=1)
    return float(np.abs(expected - found.probabilities).max()), int(changed.sum())


def _largest(numbers: list[float]) -> float:
    return float(np.max(numbers)) if numbers else 0.0  # NaN stays NaN
