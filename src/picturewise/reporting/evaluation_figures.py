"""The figures of an evaluation's numbers, for classes and for sequences."""

from __future__ import annotations

from matplotlib.figure import Figure

from picturewise.evaluation.evaluation import Evaluation, SequenceScores
from picturewise.reporting import figures
from picturewise.reporting.scores import lengths, nouns_of
from picturewise.targets.words import nouns


def confusion_matrix(evaluation: Evaluation) -> Figure:
    """Return the confusion matrix of classes, or of the symbols of sequences."""
    words = nouns_of(evaluation)
    answer = "predicted class" if words is None else f"{words.symbol} in the reading"
    return figures.draw_confusion_matrix(evaluation.confusion, evaluation.classes, answer=answer)


def length_accuracy(evaluation: Evaluation, found: SequenceScores) -> Figure:
    """Return how accurately sequences of each length and the symbols at each place are read."""
    words = nouns(evaluation.classes)
    return figures.draw_length_accuracy(
        [figures.Point(*one) for one in lengths(evaluation)],
        [figures.Point(str(one.place), one.support, one.accuracy) for one in found.places],
        whole=words.whole,
        symbol=words.symbol,
    )
