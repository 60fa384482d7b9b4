"""Thresholds against brute force, and whether those from validation pictures hold on others."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from picturewise.evaluation.abstaining import FEW, GOALS, coverages, threshold, thresholds
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
def test_of_many_pictures_the_errors_are_counted(goal: float, steps: int) -> None:
    random = np.random.default_rng(steps)
    confidence = random.integers(0, steps, FEW) / steps
    right = random.random(FEW) < 1 - (1 - confidence) ** 4
    found = threshold(confidence, right, goal)
    assert found == brute(confidence, right, goal)
    assert goal > 0.9 or found is not None


@pytest.mark.parametrize("steps", [4, 10**9])  # many equal confidences, none
@pytest.mark.parametrize("pictures", [60, 300, FEW - 1])
def test_of_few_pictures_the_errors_are_those_of_a_logistic_regression(pictures: int, steps: int) -> None:
    random = np.random.default_rng(pictures)
    confidence = 1 - random.beta(0.3, 2, pictures)
    confidence = np.round(confidence * steps) / steps
    right = random.random(pictures) < confidence**0.8
    stated = np.clip(confidence, 1e-6, 1 - 1e-6)
    fitted = logistic(np.log(stated / (1 - stated)), right)
    for goal in (0.9, 0.98):
        good = []
        for least in set(confidence.tolist()):
            answers = fitted[confidence >= least]
            if (1 - answers).mean() <= 1 - goal + 1e-7 and len(answers) * (1 - goal) >= 0.5:
                good.append(least)
        assert threshold(confidence, right, goal) == min(good, default=None)


def logistic(x: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The fitted probability of each answer, by SciPy, with a normal prior around the stated confidence."""

    def loss(weights: NDArray[np.float64]) -> float:
        score = weights[0] * x + weights[1]
        prior = ((weights - [1, 0]) ** 2).sum() / 2
        return float(np.logaddexp(0, np.where(right, -score, score)).sum() + prior)

    found = minimize(loss, [1.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-10}).x
    return np.asarray(expit(found[0] * x + found[1]))


@pytest.mark.parametrize("right", [True, False])
def test_the_smoothed_errors_are_finite_if_all_answers_are_alike(right: bool) -> None:
    confidence = np.array([0.0, 0.5, 1.0] * 100)
    assert (threshold(confidence, np.full(300, right), 0.9) is not None) == right


def test_a_few_correct_answers_do_not_show_that_errors_are_rare() -> None:
    assert threshold(np.linspace(0.999, 1, 24), np.ones(24, bool), 0.98) is None
    assert threshold(np.linspace(0.999, 1, 25), np.ones(25, bool), 0.98) == 0.999


def test_goals_that_cannot_be_reached_have_no_threshold() -> None:
    confidence = np.linspace(0.999, 1, 30)
    assert thresholds(confidence, np.ones(30, bool)) == {"0.98": 0.999}
    assert thresholds(confidence, np.zeros(30, bool)) == {}
    assert set(thresholds(np.linspace(0.9, 1, 99), np.ones(99, bool))) == {f"{goal:g}" for goal in GOALS}


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
        for number in range(40):
            least = threshold(*pictures(4000 if number % 2 else 1000), goal)
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
