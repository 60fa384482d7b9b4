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
"""Errors that are added to those that are counted: a few correct answers do not show that errors are rare."""
FEW = 2_000
"""Pictures below which errors are not counted: among the surest answers of 2,000, 1 % are up to 20."""
_LEAST = 1e-6  # distance of a confidence from 0 and 1
_STEPS_OF_NEWTON = 50


def threshold(confidence: NDArray[np.floating], right: NDArray[np.bool_], goal: float) -> float | None:
    """Return the lowest confidence from which on answers are as accurate as `goal`; None: there is none.

    Of many pictures, the errors are counted. Few pictures have so few errors among their surest answers that one more
    or less would decide, so the probability that an answer is correct is fitted as a smooth function of its confidence
    (`_smoothed`). On readings of house numbers, with 200 pictures to choose the threshold, this answers more pictures,
    with fewer errors and half of the variance.

    Args:
        confidence: (N,) of answers for pictures that the network was not trained on.
        right: (N,) whether they are correct.
        goal: in (0, 1).
    """
    order = np.argsort(-confidence, kind="stable")
    ordered, answered = confidence[order], np.arange(1, len(order) + 1)
    if len(order) < FEW:
        expected = np.cumsum(1 - _smoothed(ordered, right[order]))
        good = (expected <= (1 - goal) * answered) & (answered * (1 - goal) >= _DOUBT)
    else:
        good = np.cumsum(~right[order]) + _DOUBT <= (1 - goal) * answered
    good &= np.append(ordered[1:] < ordered[:-1], True)  # answers of equal confidence are given together
    return float(ordered[np.flatnonzero(good)[-1]]) if good.any() else None


def _smoothed(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the probability (N,) that each answer is correct, fitted to whether they are.

    It is the logistic function of a · logit(confidence) + b (Platt, "Probabilistic outputs for support vector
    machines", 1999). A normal prior around a = 1 and b = 0, which is the confidence itself, weighs as much as a few
    pictures, and keeps both finite if all answers are correct.

    Args:
        confidence: (N,) in [0, 1].
        right: (N,).
    """
    stated = np.clip(confidence.astype(np.float64), _LEAST, 1 - _LEAST)
    inputs = np.stack([np.log(stated) - np.log1p(-stated), np.ones(len(stated))], axis=1)  # (N, 2)
    usual = np.array([1.0, 0.0])
    signs = np.where(right, 1.0, -1.0)

    def loss(weights: NDArray[np.float64]) -> float:
        return float(np.logaddexp(0, -signs * (inputs @ weights)).sum() + ((weights - usual) ** 2).sum() / 2)

    weights = usual
    for _ in range(_STEPS_OF_NEWTON):
        probability = _logistic(inputs @ weights)
        slope = inputs.T @ (probability - right) + (weights - usual)
        curve = (inputs.T * (probability * (1 - probability))) @ inputs + np.eye(2)
        step = np.linalg.solve(curve, slope)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > _LEAST:
            step /= 2  # far from the minimum, a whole step may go too far
        weights = weights - step
        if np.abs(step).max() <= _LEAST:
            break
    return _logistic(inputs @ weights)


def _logistic(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return (1 + np.tanh(scores / 2)) / 2  # it does not overflow


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
