"""The scores of one class, or of one symbol of sequences, from how often it occurs, is predicted, and both."""

from __future__ import annotations

from picturewise.evaluation.evaluation import ClassScore
from picturewise.evaluation.intervals import f1_from_jaccard, share


def class_score(name: str, *, hits: int, support: int, predicted: int) -> ClassScore:
    """Return precision, recall and F1 with their 95 % intervals; a score is None if its denominator is zero.

    Args:
        name: of the class.
        hits: how often it is predicted correctly.
        support: how often it occurs.
        predicted: how often it is predicted.
    """
    jaccard = share(hits, support + predicted - hits)
    return ClassScore(
        name=name,
        support=support,
        predicted=predicted,
        precision=share(hits, predicted),
        recall=share(hits, support),
        f1=None if jaccard is None else f1_from_jaccard(jaccard),
    )
