"""The scores of a classifier that reads sequences of symbols, such as house numbers, each with its 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.evaluation.abstaining import coverages
from picturewise.evaluation.answers import PROBABILITY_FLOOR, Answers
from picturewise.evaluation.calibration import confidence_error
from picturewise.evaluation.checks import check_scores
from picturewise.evaluation.class_score import class_score
from picturewise.evaluation.evaluation import ClassScore, Evaluation, LengthScore, PlaceScore, SequenceScores
from picturewise.evaluation.intervals import mean_interval, wilson_interval
from picturewise.targets.sequences import SequenceTarget

_UNREAD = -2
"""The symbols behind the last one that a label keeps; see `targets.sequences`."""


def evaluate_sequences(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.int64],
    *,
    dataset: str,
    split: str,
    fingerprint: str,
    target: SequenceTarget,
    thresholds: Mapping[str, float] | None = None,
) -> Evaluation:
    """Return the scores of one classifier on one image set whose labels are sequences.

    The accuracy is the share of pictures whose most likely reading has the label's length and all of its symbols. The
    loss is the mean of -log(probability of the label) in nats, and the confidence is the probability of the reading.
    The confusion matrix and the scores of symbols are those of the alignment with the fewest edits (Levenshtein, 1966):
    symbols that were left out or added are in none of its cells.

    Args:
        probabilities: (N, outputs) floats, N >= 1.
        labels: (N, 1 + L), see `targets.sequences`.
        dataset: the name of the data set.
        split: train, valid or test.
        fingerprint: of the image set.
        target: the meaning of both.
        thresholds: accuracy → the confidence that reaches it on other pictures, see `abstaining.coverages`.

    Raises:
        DataError: labels or probabilities are not of that form.
    """
    check_scores(probabilities, name="Probabilities")
    if len(probabilities) == 0:
        raise DataError("There are no pictures to evaluate. Pass at least one.")
    if probabilities.shape[1] != target.outputs or probabilities.min() < 0 or probabilities.max() > 1:
        raise DataError(
            f"Probabilities have shape {probabilities.shape} and range from {probabilities.min():g} to "
            f"{probabilities.max():g}. Pass (N, {target.outputs}) numbers from 0 to 1."
        )
    target.check(labels, len(probabilities), "The labels")
    found = Answers(target, probabilities, labels)
    readings, confidence, right = found.answers, found.confidence, found.right
    symbols = _Symbols(len(target.classes))
    distances = [symbols.add(*pair) for pair in zip(_texts(labels), _texts(readings), strict=True)]
    return Evaluation(
        dataset=dataset,
        split=split,
        fingerprint=fingerprint,
        pictures=len(labels),
        classes=target.classes,
        loss=mean_interval(found.losses, lowest=0.0, highest=-math.log(PROBABILITY_FLOOR) * labels.shape[1]),
        accuracy=wilson_interval(int(right.sum()), len(labels)),
        calibration_error=confidence_error(confidence, right),
        per_class=tuple(symbols.score(index, name) for index, name in enumerate(target.classes)),
        confusion=tuple(tuple(row) for row in symbols.confusion.tolist()),
        sequences=SequenceScores(
            most_symbols=target.places,
            lengths=_of_lengths(labels, right),
            places=_of_places(labels, readings),
            edit_distance=mean_interval(distances, lowest=0.0, highest=float(labels.shape[1])),
            coverage=coverages(confidence, right, thresholds),
        ),
    )


def _of_lengths(labels: NDArray[np.int64], right: NDArray[np.bool_]) -> tuple[LengthScore, ...]:
    """Return the accuracy for each length that occurs."""
    lengths = labels[:, 0]
    return tuple(
        LengthScore(
            length=int(length),
            support=int((lengths == length).sum()),
            accuracy=wilson_interval(int(right[lengths == length].sum()), int((lengths == length).sum())),
        )
        for length in np.unique(lengths)
    )


def _of_places(labels: NDArray[np.int64], readings: NDArray[np.int64]) -> tuple[PlaceScore, ...]:
    """Return for each place that occurs how often its symbol is read correctly there."""
    scores = []
    for place in range(1, labels.shape[1]):
        there = labels[:, place] >= 0
        if there.any():
            hits = int((labels[there, place] == readings[there, place]).sum())
            scores.append(
                PlaceScore(
                    place=place, support=int(there.sum()), accuracy=wilson_interval(hits, int(there.sum()))
                )
            )
    return tuple(scores)


def _texts(labels: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Return the symbols of each label or reading; one that is longer than it can be ends with `_UNREAD`."""
    most = labels.shape[1] - 1
    return [
        (*row[1 : 1 + min(length, most)], *([_UNREAD] if length > most else []))
        for length, row in zip(labels[:, 0].tolist(), labels.tolist(), strict=True)
    ]


class Aligned(NamedTuple):
    """An alignment with the fewest edits.

    Attributes:
        distance: the number of symbols that were replaced, left out or added.
        pairs: the symbols that stand opposite each other, equal or not.
    """

    distance: int
    pairs: list[tuple[int, int]]


def align(wanted: Sequence[int], found: Sequence[int]) -> Aligned:
    """Return the alignment of two sequences with the fewest edits; of equal ones, that with the most pairs at the end.

    >>> align([1, 2, 3], [1, 3, 3]), align([1, 2], [2])
    (Aligned(distance=1, pairs=[(1, 1), (2, 3), (3, 3)]), Aligned(distance=1, pairs=[(2, 2)]))
    """
    table = [[*range(len(found) + 1)]]
    for row, symbol in enumerate(wanted, start=1):
        above, line = table[-1], [row]
        for column, other in enumerate(found, start=1):
            line.append(min(above[column - 1] + (symbol != other), above[column] + 1, line[-1] + 1))
        table.append(line)
    pairs, row, column = [], len(wanted), len(found)
    while row and column:
        symbol, other = wanted[row - 1], found[column - 1]
        if table[row][column] == table[row - 1][column - 1] + (symbol != other):
            pairs.append((symbol, other))
            row, column = row - 1, column - 1
        elif table[row][column] == table[row - 1][column] + 1:
            row -= 1
        else:
            column -= 1
    return Aligned(table[-1][-1], pairs[::-1])


class _Symbols:
    """Counts symbols in labels and readings.

    Args:
        count: of the symbols of the alphabet.

    Attributes:
        confusion: (count, count); [i, j] is how often symbol i was read as j.
    """

    def __init__(self, count: int) -> None:
        self.confusion = np.zeros((count, count), np.int64)
        self._wanted, self._found = np.zeros(count, np.int64), np.zeros(count, np.int64)

    def add(self, wanted: Sequence[int], found: Sequence[int]) -> int:
        """Count the symbols of a picture, and return the edit distance of its reading from its label."""
        aligned = align(wanted, found)
        for symbol, other in aligned.pairs:
            if _UNREAD not in {symbol, other}:
                self.confusion[symbol, other] += 1
        for counts, symbols in ((self._wanted, wanted), (self._found, found)):
            for symbol in symbols:
                if symbol != _UNREAD:
                    counts[symbol] += 1
        return aligned.distance

    def score(self, index: int, name: str) -> ClassScore:
        """Return the scores of a symbol."""
        hits, support, predicted = (
            int(counts) for counts in (self.confusion[index, index], self._wanted[index], self._found[index])
        )
        return class_score(name, hits=hits, support=support, predicted=predicted)
