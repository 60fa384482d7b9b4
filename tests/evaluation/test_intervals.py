"""Intervals of proportions and means, against SciPy and published tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from picturewise.errors import DataError
from picturewise.evaluation.intervals import Z95, mean_interval, wilson_interval


@st.composite
def counts(draw, largest=10_000):
    trials = draw(st.integers(1, largest))
    return draw(st.integers(0, trials)), trials


# Method 3 in table I of R. G. Newcombe, "Two-sided confidence intervals for the single proportion: comparison
# of seven methods", Statistics in Medicine 17 (1998).
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_has_the_published_interval(successes, trials, low, high):
    interval = wilson_interval(successes, trials)
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(counts())
def test_a_share_has_the_interval_that_scipy_gives_it(count):
    successes, trials = count
    interval = wilson_interval(successes, trials)
    expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
    assert interval.low == pytest.approx(expected.low, abs=1e-12)
    assert interval.high == pytest.approx(expected.high, abs=1e-12)


@given(counts(largest=10**9))
def test_a_share_lies_in_its_interval_and_both_in_0_to_1(count):
    interval = wilson_interval(*count)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.low < interval.high


@given(counts())
def test_successes_and_failures_mirror_each_other(count):
    successes, trials = count
    interval, mirrored = wilson_interval(successes, trials), wilson_interval(trials - successes, trials)
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)


@given(st.integers(1, 10_000))
def test_nothing_and_everything_are_exact_ends(trials):
    assert wilson_interval(0, trials).low == 0.0
    assert wilson_interval(trials, trials).high == 1.0
    assert wilson_interval(0, trials).high == pytest.approx(Z95**2 / (trials + Z95**2), rel=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (1, 0), (-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(DataError, match="pictures"):
        wilson_interval(successes, trials)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_a_mean_has_the_t_interval_that_scipy_gives_it(values):
    interval = mean_interval(values, lowest=-10.0, highest=10.0)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    margin = stats.t.ppf(0.975, len(values) - 1) * error
    assert interval.value == pytest.approx(np.mean(values))
    assert interval.low == pytest.approx(max(-10.0, np.mean(values) - margin), abs=1e-9)
    assert interval.high == pytest.approx(min(10.0, np.mean(values) + margin), abs=1e-9)


def test_a_mean_of_many_values_has_the_normal_interval():
    values = np.random.default_rng(0).random(100_000)
    interval = mean_interval(values, lowest=0.0, highest=1.0)
    assert interval.high - interval.value == pytest.approx(
        Z95 * values.std() / np.sqrt(len(values)), rel=1e-4
    )


def test_one_value_says_nothing_about_the_spread():
    interval = mean_interval([0.3], lowest=0.0, highest=1.0)
    assert (interval.value, interval.low, interval.high) == (0.3, 0.0, 1.0)


@given(st.floats(0, 1), st.integers(1, 40))
def test_the_mean_of_equal_values_stays_within_the_bounds(value, n):
    interval = mean_interval([value] * n, lowest=value, highest=value)
    assert interval.low == interval.value == interval.high == value


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_interval_of_a_mean_is_cut_to_what_a_value_can_be(values):
    interval = mean_interval(values, lowest=0.0, highest=1.0)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


@pytest.mark.parametrize("values", [[], [0.5, float("nan")], [0.5, 1.5], [-0.1], [[0.1, 0.2]]])
def test_values_without_a_mean_in_the_bounds_are_refused(values):
    with pytest.raises(DataError, match=r"Pass (only values in this range|at least one value)"):
        mean_interval(values, lowest=0.0, highest=1.0)
