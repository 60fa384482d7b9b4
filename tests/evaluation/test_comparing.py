"""Paired comparison: against SciPy, published figures and an independent derivation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from picturewise.errors import DataError, UsageError
from picturewise.evaluation.comparing import (
    Comparison,
    compare,
    compare_all,
    holm,
    mcnemar,
    paired_difference,
)
from picturewise.evaluation.intervals import Z95


@st.composite
def tables(draw, largest=200):
    """Pictures that only a got right, that only b got right, and all pictures."""
    only_a, only_b = draw(st.integers(0, largest)), draw(st.integers(0, largest))
    return only_a, only_b, max(1, only_a + only_b) + draw(st.integers(0, 5 * largest))


def test_eight_disagreements_one_to_seven_have_the_p_value_worked_out_by_hand():
    assert mcnemar(1, 7) == pytest.approx(2 * (1 + 8) / 2**8)


@given(st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=50)
def test_the_p_value_is_that_of_the_exact_binomial_test(only_a, only_b):
    disagreements = only_a + only_b
    expected = stats.binomtest(only_a, disagreements, 0.5).pvalue if disagreements else 1.0
    assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-9)


def test_classifiers_that_never_disagree_are_not_different():
    assert mcnemar(0, 0) == 1.0


# the function scoreci.mp of the R package PropCIs gives these limits for 20 and 60 of 1000
def test_the_interval_of_a_difference_is_the_one_that_r_gives():
    interval = paired_difference(60, 20, 1000)
    assert (interval.value, round(interval.low, 4), round(interval.high, 4)) == (0.04, 0.0231, 0.0584)


def test_the_interval_says_something_where_nobody_disagrees():
    interval = paired_difference(0, 0, 100)
    assert interval.high == pytest.approx(Z95**2 / (100 + Z95**2))
    assert interval.low == pytest.approx(-interval.high)


# where only a is ever right, Tango's variance is n (1 - δ²) and the lower end solves a linear equation
def test_a_difference_of_one_keeps_its_end():
    interval = paired_difference(10, 0, 10)
    assert (interval.value, interval.high) == (1.0, 1.0)
    assert interval.low == pytest.approx((10 - Z95**2) / (10 + Z95**2))


def _likeliest_variance(only_a, only_b, pictures, delta):
    """The variance of only_a - only_b under δ, its shares found by maximising the likelihood numerically."""
    both = pictures - only_a - only_b

    def minus_log_likelihood(share_b):
        shares = (share_b + delta, share_b, 1 - 2 * share_b - delta)
        return -sum(
            count * math.log(max(share, 1e-300))
            for count, share in zip((only_a, only_b, both), shares, strict=True)
        )

    bounds = (max(0.0, -delta), (1 - delta) / 2)
    found = optimize.minimize_scalar(minus_log_likelihood, bounds=bounds, options={"xatol": 1e-12})
    return pictures * (2 * found.x + delta - delta**2)


@pytest.mark.parametrize(
    ("only_a", "only_b", "pictures"), [(7, 1, 21), (1, 7, 21), (60, 20, 1000), (3, 0, 50), (150, 86, 1600)]
)
def test_at_its_ends_a_score_test_by_numerical_likelihood_is_just_rejected(only_a, only_b, pictures):
    interval = paired_difference(only_a, only_b, pictures)
    for end, sign in ((interval.low, 1), (interval.high, -1)):
        deviation = only_a - only_b - pictures * end
        score = deviation / math.sqrt(_likeliest_variance(only_a, only_b, pictures, end))
        assert score == pytest.approx(sign * Z95, abs=1e-3)


@given(tables())
@settings(max_examples=50)
def test_the_difference_lies_in_its_interval_within_minus_1_to_1(table):
    interval = paired_difference(*table)
    assert -1 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.low < interval.high


@given(tables())
@settings(max_examples=50)
def test_swapping_the_classifiers_turns_the_interval_round(table):
    only_a, only_b, pictures = table
    interval, swapped = (
        paired_difference(only_a, only_b, pictures),
        paired_difference(only_b, only_a, pictures),
    )
    assert (interval.low, interval.high) == pytest.approx((-swapped.high, -swapped.low), abs=1e-9)


@given(tables())
@settings(max_examples=50)
def test_the_interval_leaves_out_zero_where_mcnemars_score_exceeds_196(table):
    only_a, only_b, pictures = table
    score_squared = (only_a - only_b) ** 2 / max(1, only_a + only_b)
    interval = paired_difference(only_a, only_b, pictures)
    assert (interval.low > 0 or interval.high < 0) == (score_squared > Z95**2)


def test_the_interval_covers_the_true_difference_in_about_95_of_100_samples():
    counts = np.random.default_rng(0).multinomial(300, [0.06, 0.03, 0.91], size=1000)
    intervals = [paired_difference(int(a), int(b), 300) for a, b, _ in counts]
    covered = sum(interval.low <= 0.03 <= interval.high for interval in intervals)
    assert 930 <= covered <= 970


def test_a_comparison_counts_the_pictures_that_only_one_got_right():
    a = np.array([True, True, True, False, False, True])
    b = np.array([True, False, False, True, False, False])
    comparison = compare(a="cnn", a_right=a, b="mlp", b_right=b)
    assert comparison == Comparison(
        a="cnn",
        b="mlp",
        pictures=6,
        only_a_right=3,
        only_b_right=1,
        difference=paired_difference(3, 1, 6),
        p_value=0.625,
        adjusted_p_value=0.625,
    )
    assert comparison.difference.value == pytest.approx(a.mean() - b.mean())
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.ones(3, bool), np.ones(4, bool)),
        (np.ones(3, bool), np.ones(3, np.int64)),
        (np.ones((3, 2), bool), np.ones(3, bool)),
        (np.ones(0, bool), np.ones(0, bool)),
    ],
)
def test_answers_that_do_not_pair_up_are_refused(a, b):
    with pytest.raises(DataError, match="the same pictures as cnn"):
        compare(a="cnn", a_right=a, b="mlp", b_right=b)


# worked out by hand: the sorted p-values times 4, 3, 2 and 1, none smaller than the one before
def test_holms_correction_of_four_tests():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holms_correction_never_exceeds_one():
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.2))
def test_holms_correction_rejects_what_his_step_down_procedure_rejects(p_values, level):
    rejected = set()
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if (len(p_values) - rank) * p_values[index] > level:
            break
        rejected.add(index)
    assert {index for index, p_value in enumerate(holm(p_values)) if p_value <= level} == rejected


def several():
    """Three classifiers on 200 pictures with 180, 190 and 150 right, nested."""
    return {name: np.arange(200) < right for name, right in [("mlp", 180), ("cnn", 190), ("linear", 150)]}


def test_a_reference_named_beforehand_is_compared_with_each_of_the_others():
    comparisons = compare_all(several(), reference="linear")
    assert [(c.a, c.b) for c in comparisons] == [("linear", "mlp"), ("linear", "cnn")]
    assert [c.adjusted_p_value for c in comparisons] == holm([mcnemar(0, 30), mcnemar(0, 40)])


def test_without_a_reference_the_best_is_compared_and_the_correction_is_for_all_pairs():
    comparisons = compare_all(several())
    assert [(c.a, c.b) for c in comparisons] == [("cnn", "mlp"), ("cnn", "linear")]
    all_three = holm([mcnemar(10, 0), mcnemar(40, 0), mcnemar(30, 0)])
    assert [c.adjusted_p_value for c in comparisons] == all_three[:2]


def test_of_equally_good_classifiers_the_first_is_taken():
    right = np.array([True, False])
    assert compare_all({"one": right, "two": ~right})[0].a == "one"


def test_two_classifiers_need_no_correction():
    answers = several()
    pair = {name: answers[name] for name in ("cnn", "mlp")}
    (comparison,) = compare_all(pair)
    assert comparison == compare(a="cnn", a_right=answers["cnn"], b="mlp", b_right=answers["mlp"])


def test_an_unknown_reference_is_answered_with_the_nearest_name():
    with pytest.raises(UsageError, match="Did you mean 'linear'"):
        compare_all(several(), reference="liner")


def test_one_classifier_cannot_be_compared():
    with pytest.raises(UsageError, match="at least two"):
        compare_all({"cnn": np.array([True])})
