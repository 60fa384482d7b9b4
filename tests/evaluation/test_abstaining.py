"""Thresholds against brute force, and whether those from validation pictures hold on others."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from picturewise.evaluation.abstaining import GOALS, coverages, threshold, thresholds
from picturewise.evaluation.intervals import wilson_interval


def brute(confidence: NDArray[np.floating], right: NDArray[np.bool_], goal: float) -> float | None:
    """The lowest stated confidence at which the errors, and half of one, are few enough."""
    good = []
    for least in set(confidence.tolist()):
        answers = [ok for sure, ok in zip(confidence.tolist(), right.tolist(), strict=True) if sure >= least]
        if answers.count(False) + 0.5 <= (1 - goal) * len(answers):
            good.append(least)
    return min(good, default=None)


@pytest.mark.parametrize("goal", [0.5, 0.9, 0.98, 0.99])
@pytest.mark.parametrize("steps", [4, 50, 10**9])  # many equal confidences, some, none
def test_the_threshold_is_the_lowest_that_is_good_enough(goal: float, steps: int) -> None:
    random = np.random.default_rng(steps)
    found = []
    for pictures in (1, 2, 30, 200, 400):
        confidence = random.integers(0, steps, pictures) / steps
        right = random.random(pictures) < 1 - (1 - confidence) ** 4
        found.append(threshold(confidence, right, goal))
        assert found[-1] == brute(confidence, right, goal)
    assert goal > 0.9 or found[-1] is not None


def test_a_few_correct_answers_do_not_show_that_errors_are_rare() -> None:
    sure = np.linspace(0.5, 1, 24)
    assert threshold(sure, np.ones(24, bool), 0.98) is None
    sure = np.linspace(0.5, 1, 25)
    assert threshold(sure, np.ones(25, bool), 0.98) == 0.5


def test_goals_that_cannot_be_reached_have_no_threshold() -> None:
    confidence = np.linspace(0.5, 1, 30)
    assert thresholds(confidence, np.ones(30, bool)) == {"0.98": 0.5}
    assert thresholds(confidence, np.zeros(30, bool)) == {}
    assert set(thresholds(np.linspace(0, 1, 99), np.ones(99, bool))) == {f"{goal:g}" for goal in GOALS}


def test_coverages_count_the_answers() -> None:
    confidence = np.array([0.2, 0.5, 0.5, 0.8, 0.9])
    right = np.array([True, False, True, True, True])
    high, low = coverages(confidence, right, {"0.99": 0.5, "0.98": 0.95})
    assert (high.goal, high.threshold, high.accuracy) == (0.98, 0.95, None)
    assert high.coverage == wilson_interval(0, 5)
    assert (low.goal, low.coverage, low.accuracy) == (0.99, wilson_interval(4, 5), wilson_interval(3, 4))
    assert [one.threshold for one in coverages(confidence, right, {})] == [None, None]
    assert coverages(confidence, right, None) == ()


def test_thresholds_of_validation_pictures_hold_on_others() -> None:
    random = np.random.default_rng(0)

    def pictures(count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Answers whose confidence is the probability that they are right: calibrated."""
        confidence = 1 - random.beta(0.3, 2, count)
        return confidence, random.random(count) < confidence

    others = pictures(200_000)
    for goal in GOALS:
        ideal = brute_coverage(*others, goal)
        accuracies, shares = [], []
        for _ in range(40):
            least = threshold(*pictures(4000), goal)
            assert least is not None
            answered = others[0] >= least
            accuracies.append(others[1][answered].mean())
            shares.append(answered.mean())
        # Choosing the lowest threshold that is good enough by chance is a little optimistic, but not much.
        assert goal - 0.003 < np.mean(accuracies) < goal + 0.003
        assert min(accuracies) > goal - 0.012
        assert np.mean(shares) == pytest.approx(ideal, abs=0.04)


def brute_coverage(confidence: NDArray[np.float64], right: NDArray[np.bool_], goal: float) -> float:
    """The largest share that can be answered at this accuracy, if the truth is known."""
    order = np.argsort(-confidence)
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    return float((np.flatnonzero(accuracy >= goal)[-1] + 1) / len(order))
