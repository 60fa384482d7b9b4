"""`Counts`: an evaluation as counts that are added exactly, for pictures that are evaluated in parts.

Losses and confidences are counted in units of 2⁻³² and their sums are integers, so that the result depends neither on
the parts nor on their order. It differs from that of `metrics.evaluate` by less than 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.evaluation.answers import PROBABILITY_FLOOR, Answers
from picturewise.evaluation.calibration import BINS, bins_of, error_of_bins
from picturewise.evaluation.checks import check_labels, check_probabilities
from picturewise.evaluation.evaluation import Evaluation
from picturewise.evaluation.intervals import interval_of_mean
from picturewise.evaluation.metrics import confusion_matrix, from_confusion
from picturewise.targets.one_class import OneClass

_UNIT = 1 << 32


@dataclass(frozen=True, eq=False)
class Counts:
    """What is counted of some pictures, of K classes.

    Attributes:
        confusion: (K, K), see `confusion_matrix`.
        losses: the sum of the losses, and the sum of their squares, in units of 2⁻³².
        sizes: (BINS,) answers with a confidence in each bin of the calibration error.
        hits: (BINS,) how many of these are right.
        confidences: (BINS,) the sums of their confidences, in units of 2⁻³².
    """

    confusion: NDArray[np.int64]
    losses: tuple[int, int]
    sizes: NDArray[np.int64]
    hits: NDArray[np.int64]
    confidences: NDArray[np.int64]

    @classmethod
    def none(cls, classes: int) -> Counts:
        """Return the counts of no pictures."""
        empty = [np.zeros(BINS, np.int64) for _ in range(3)]
        return cls(np.zeros((classes, classes), np.int64), (0, 0), *empty)

    @classmethod
    def count(cls, probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> Counts:
        """Return the counts of pictures.

        Args:
            probabilities: (N, K) floats, 1 <= N <= 1,000,000, rows sum to one within 0.001.
            labels: (N,) integers in [0, K).

        Raises:
            DataError: shapes, types or values are not these.
        """
        check_probabilities(probabilities)
        check_labels(labels, pictures=len(probabilities), classes=probabilities.shape[1])
        classes = probabilities.shape[1]
        answers = Answers(OneClass(tuple(map(str, range(classes)))), probabilities, labels)
        losses = answers.losses
        confidence = probabilities.max(axis=1).astype(np.float64)
        bins = bins_of(confidence)
        confidences = np.zeros(BINS, np.int64)
        np.add.at(confidences, bins, _units(confidence))
        return cls(
            confusion_matrix(labels, probabilities.argmax(axis=1), classes=classes),
            (int(_units(losses).sum()), int(_units(losses**2).sum())),
            np.bincount(bins, minlength=BINS),
            np.bincount(bins[probabilities.argmax(axis=1) == labels], minlength=BINS),
            confidences,
        )

    @property
    def pictures(self) -> int:
        """How many pictures are counted."""
        return int(self.confusion.sum())

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.confusion + other.confusion,
            (self.losses[0] + other.losses[0], self.losses[1] + other.losses[1]),
            self.sizes + other.sizes,
            self.hits + other.hits,
            self.confidences + other.confidences,
        )

    def content(self) -> dict[str, Any]:
        """Return the counts as JSON has them; of the confusion matrix, the cells that are not 0."""
        rows, columns = np.nonzero(self.confusion)
        return {
            "classes": len(self.confusion),
            "confusion": np.stack([rows, columns, self.confusion[rows, columns]], axis=1).tolist(),
            "losses": list(self.losses),
            "sizes": self.sizes.tolist(),
            "hits": self.hits.tolist(),
            "confidences": self.confidences.tolist(),
        }

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Counts:
        """Return the counts with this `content`.

        Raises:
            DataError: it is not the content of counts.
        """
        try:
            counts = cls.none(int(content["classes"]))
            for row, column, count in content["confusion"]:
                counts.confusion[row, column] = count
            bins = [np.array(content[name], np.int64) for name in ("sizes", "hits", "confidences")]
            total, squares = map(int, content["losses"])
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise DataError(
                "The counts of a part are damaged. Remove its file, and compute it again."
            ) from error
        if any(one.shape != (BINS,) for one in bins) or bins[0].sum() != counts.pictures:
            raise DataError(
                "The counts of a part do not fit together. Remove its file, and compute it again."
            )
        return cls(counts.confusion, (total, squares), *bins)

    def evaluation(self, *, dataset: str, split: str, fingerprint: str, classes: Sequence[str]) -> Evaluation:
        """Return the evaluation of all counted pictures, as `metrics.evaluate` does.

        Raises:
            DataError: there are no pictures.
        """
        count = self.pictures
        if not count:
            raise DataError("There are no pictures to evaluate. Pass at least one.")
        total, squares = self.losses
        mean = total / _UNIT / count
        # Integers, because the difference of large sums of floats would lose its digits.
        deviation = Fraction(squares, _UNIT) - Fraction(total, _UNIT) ** 2 / count
        spread = math.sqrt(max(0.0, float(deviation / max(1, count - 1))))
        return from_confusion(
            self.confusion,
            loss=interval_of_mean(mean, spread, count, lowest=0.0, highest=-math.log(PROBABILITY_FLOOR)),
            calibration=error_of_bins(self.sizes, self.hits, self.confidences / _UNIT),
            dataset=dataset,
            split=split,
            fingerprint=fingerprint,
            classes=classes,
        )


def _units(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(values * _UNIT).astype(np.int64)
