"""Accuracy, loss, precision, recall and F1 of one classifier, each with its 95 % interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.evaluation.answers import PROBABILITY_FLOOR, Answers
from picturewise.evaluation.calibration import calibration_error
from picturewise.evaluation.checks import check_labels, check_probabilities
from picturewise.evaluation.class_score import class_score
from picturewise.evaluation.evaluation import ClassScore, Evaluation, Interval
from picturewise.evaluation.intervals import (
    mean_interval,
    mean_of_shares,
    wilson_interval,
)
from picturewise.evaluation.sequences import evaluate_sequences
from picturewise.targets.one_class import OneClass
from picturewise.targets.target import Target

UNEVEN = 5
"""How many times as many pictures the largest class has as the smallest when accuracy alone says too little."""


class Metrics(Protocol):
    """The metrics of a target; see `evaluate` and `evaluate_sequences`."""

    def __call__(
        self,
        probabilities: NDArray[np.floating],
        labels: NDArray[np.int64],
        *,
        dataset: str,
        split: str,
        fingerprint: str,
        target: Any,
        thresholds: Mapping[str, float] | None = ...,
    ) -> Evaluation:
        """Return the numbers of one classifier on one image set, from probabilities (N, outputs) and labels."""


def evaluate(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.int64],
    *,
    dataset: str,
    split: str,
    fingerprint: str,
    classes: Sequence[str],
) -> Evaluation:
    """Return the numbers of one classifier on one image set.

    The predicted class is the one with the largest probability; the lowest number wins a tie. The loss is the mean of
    -log(probability of the label) in nats, with probabilities below 1e-15 counted as 1e-15.

    The intervals: Wilson's for accuracy, precision and recall (see `wilson_interval`), Student's for the loss
    (see `mean_interval`), and for F1 the "Wilson indirect" one of Lam, Gopal and Qian, "Confidence intervals
    for the F1 score" (2023): F1 = 2J / (1 + J) with J = TP / (TP + FP + FN), a proportion. If the largest class has
    more than five times as many pictures as the smallest, there are also mean recall and mean F1 (`mean_of_shares`).

    Args:
        probabilities: (N, K) floats, N >= 1, rows sum to one within 0.001.
        labels: (N,) integers in [0, K).
        dataset: the name of the data set.
        split: train, valid or test.
        fingerprint: of the image set.
        classes: the K class names, in the order of the labels.

    Raises:
        DataError: shapes, types or values are not these.
    """
    check_probabilities(probabilities)
    check_labels(labels, pictures=len(probabilities), classes=probabilities.shape[1])
    if len(classes) != probabilities.shape[1]:
        raise DataError(
            f"There are {len(classes)} class names, but {probabilities.shape[1]} columns of probabilities. "
            "Pass one name per column."
        )
    return from_confusion(
        confusion_matrix(labels, probabilities.argmax(axis=1), classes=len(classes)),
        loss=_cross_entropy(Answers(OneClass(tuple(classes)), probabilities, labels)),
        calibration=calibration_error(probabilities, labels),
        dataset=dataset,
        split=split,
        fingerprint=fingerprint,
        classes=classes,
    )


def from_confusion(
    confusion: NDArray[np.int64],
    *,
    loss: Interval,
    calibration: Interval,
    dataset: str,
    split: str,
    fingerprint: str,
    classes: Sequence[str],
) -> Evaluation:
    """Return an evaluation from the counts of a confusion matrix (K, K), see `evaluate`."""
    per_class = tuple(_class_score(confusion, index, name) for index, name in enumerate(classes))
    uneven = are_uneven([score.support for score in per_class])
    pictures = int(confusion.sum())
    return Evaluation(
        dataset=dataset,
        split=split,
        fingerprint=fingerprint,
        pictures=pictures,
        classes=tuple(classes),
        loss=loss,
        accuracy=wilson_interval(int(confusion.trace()), pictures),
        calibration_error=calibration,
        macro_recall=_macro([score.recall for score in per_class]) if uneven else None,
        macro_f1=_macro([score.f1 for score in per_class if score.support]) if uneven else None,
        per_class=per_class,
        confusion=tuple(tuple(row) for row in confusion.tolist()),
    )


def are_uneven(counts: Iterable[int]) -> bool:
    """Return whether the largest class has more than `UNEVEN` times as many pictures as the smallest that has any.

    >>> are_uneven([60, 10]), are_uneven([50, 10, 0])
    (True, False)
    """
    present = [count for count in counts if count]
    return bool(present) and max(present) > UNEVEN * min(present)


def confusion_matrix(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], *, classes: int
) -> NDArray[np.int64]:
    """Return (classes, classes) counts: [i, j] is the number of pictures of class i predicted as class j.

    Args:
        labels: (N,) integers in [0, classes), N >= 1.
        predictions: (N,) integers in [0, classes).
        classes: the number of classes.

    Raises:
        DataError: shapes, types or values are not these.
    """
    check_labels(labels, pictures=len(labels), classes=classes)
    check_labels(predictions, pictures=len(labels), classes=classes, name="Predictions")
    cells = labels.astype(np.int64) * classes + predictions
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def _cross_entropy(answers: Answers) -> Interval:
    return mean_interval(answers.losses, lowest=0.0, highest=-math.log(PROBABILITY_FLOOR))


def _class_score(confusion: NDArray[np.int64], index: int, name: str) -> ClassScore:
    hits = int(confusion[index, index])
    support = int(confusion[index].sum())
    predicted = int(confusion[:, index].sum())
    return class_score(name, hits=hits, support=support, predicted=predicted)


def _macro(scores: Iterable[Interval | None]) -> Interval:
    """Return the mean of the scores that are defined.

    The F1 scores of two classes share the pictures that are confused between them; they are treated as independent.
    """
    return mean_of_shares([score for score in scores if score is not None])


def _of_classes(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.int64],
    *,
    dataset: str,
    split: str,
    fingerprint: str,
    target: Target,
    thresholds: Mapping[str, float] | None = None,
) -> Evaluation:
    """Return what `evaluate` returns for a target."""
    del thresholds  # no classifier of classes has some
    return evaluate(
        probabilities, labels, dataset=dataset, split=split, fingerprint=fingerprint, classes=target.classes
    )


METRICS: dict[str, Metrics] = {"classification": _of_classes, "sequences": evaluate_sequences}
"""`Target.metrics` → what computes them."""
