"""How many answers can be given if the share of correct ones must reach a goal, and the rest is left to people.

A classifier answers where its confidence reaches a threshold. The threshold is chosen on validation pictures, so on
other pictures the accuracy of the answers has to be measured again: it may be missed.

Source: Goodfellow et al., "Multi-digit number recognition from street view imagery using deep convolutional neural
networks", ICLR 2014, who report the coverage at 98 % accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from picturewise.evaluation.evaluation import Coverage
from picturewise.evaluation.intervals import share, wilson_interval

GOALS = (0.98, 0.99)
"""Accuracies."""
_DOUBT = 0.5
"""Errors that are added to those among the answers: a few correct answers do not show that errors are rare."""


def threshold(confidence: NDArray[np.floating], right: NDArray[np.bool_], goal: float) -> float | None:
    """Return the lowest confidence from which on answers are as accurate as `goal`; None: there is none.

    Args:
        confidence: (N,) of answers for pictures that the network was not trained on.
        right: (N,) whether they are correct.
        goal: in (0, 1).
    """
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    errors = np.cumsum(~right[order]) + _DOUBT
    good = errors <= (1 - goal) * np.arange(1, len(order) + 1)
    good &= np.append(ordered[1:] < ordered[:-1], True)  # answers of equal confidence are given together
    return float(ordered[np.flatnonzero(good)[-1]]) if good.any() else None


def thresholds(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> dict[str, float]:
    """Return the threshold for each of `GOALS` that can be reached: '0.98' → confidence."""
    found = {f"{goal:g}": threshold(confidence, right, goal) for goal in GOALS}
    return {goal: value for goal, value in found.items() if value is not None}


def coverages(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], known: Mapping[str, float] | None
) -> tuple[Coverage, ...]:
    """Return how many pictures are answered with each threshold, and how accurately.

    Args:
        confidence: (N,), N >= 1.
        right: (N,).
        known: goal → threshold, from other pictures; one of `GOALS` that is missing could not be reached on these.
            None: no thresholds were chosen.
    """
    if known is None:
        return ()
    least = dict.fromkeys(GOALS) | {float(goal): one for goal, one in known.items()}
    found = []
    for goal, lowest in sorted(least.items()):
        answered = np.zeros(len(right), bool) if lowest is None else confidence >= lowest
        found.append(
            Coverage(
                goal=goal,
                threshold=lowest,
                coverage=wilson_interval(int(answered.sum()), len(right)),
                accuracy=share(int(right[answered].sum()), int(answered.sum())),
            )
        )
    return tuple(found)
