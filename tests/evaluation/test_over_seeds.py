from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from picturewise.errors import DataError
from picturewise.evaluation.over_seeds import compare_over_seeds


def answers(share: float, seed: int, *, seeds: int = 5, pictures: int = 400) -> np.ndarray:
    return np.random.default_rng(seed).random((seeds, pictures)) < share


def test_the_intervals_are_those_of_paired_t_tests() -> None:
    a, b = answers(0.9, 0), answers(0.8, 1)
    found = compare_over_seeds(a, b, seeds=(1, 2, 3, 4, 5))
    for interval, axis in ((found.difference, 1), (found.over_pictures, 0)):
        expected = stats.ttest_rel(a.mean(axis=axis), b.mean(axis=axis)).confidence_interval(0.95)
        assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
        assert interval.value == pytest.approx(a.mean() - b.mean())
    assert found.verdict == 1
    assert compare_over_seeds(b, a, seeds=(1, 2, 3, 4, 5)).verdict == -1


def test_equal_recipes_are_rarely_called_different() -> None:
    verdicts = [
        compare_over_seeds(
            answers(0.9, 2 * number), answers(0.9, 2 * number + 1), seeds=(1, 2, 3, 4, 5)
        ).verdict
        for number in range(200)
    ]
    assert np.count_nonzero(verdicts) <= 10


def test_a_difference_on_few_pictures_is_not_beyond_chance() -> None:
    a = np.array([[True] * 10] * 5)
    b = np.array([[True] * 9 + [False]] * 5)  # the same picture with every seed
    found = compare_over_seeds(a, b, seeds=(1, 2, 3, 4, 5))
    assert found.difference.low > 0
    assert found.over_pictures.low < 0
    assert found.verdict == 0


def test_other_arrays_are_refused() -> None:
    with pytest.raises(DataError, match=r"Expected two arrays \(seeds, pictures\)"):
        compare_over_seeds(answers(0.9, 0), answers(0.9, 0, seeds=4), seeds=(1, 2, 3, 4, 5))
