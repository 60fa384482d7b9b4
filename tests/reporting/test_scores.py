"""Scores as names and texts: those of sequences have their own words."""

import numpy as np
import pytest

from picturewise.evaluation.evaluation import Coverage, Interval
from picturewise.evaluation.sequences import evaluate_sequences
from picturewise.reporting import scores
from picturewise.targets import Places
from picturewise.targets.sequences import labels_of
from picturewise.targets.words import nouns


@pytest.fixture
def read():
    """`read(labels, readings)`: the evaluation of readings of up to three digits."""

    def make(wanted, found, alphabet=tuple("0123456789"), thresholds=None):
        target = Places(alphabet, 3)
        labels, readings = (labels_of(part, alphabet, 3, "here") for part in (wanted, found))
        table = target.probabilities(8 * target.shares(readings))
        return evaluate_sequences(
            table, labels, dataset="made", split="test", fingerprint="", target=target, thresholds=thresholds
        )

    return make


def test_errors_are_replaced_left_out_or_added_symbols(read):
    found = scores.confusions(read(["33", "33", "70", "5", "5", "1"], ["88", "38", "7", "55", "5", "1"]))
    assert list(map(str, found)) == ["3 read as 8: 3 times", "0 left out: 1 time", "5 added: 1 time"]
    assert [one.support for one in found] == [4, 1, 3]


def test_errors_between_classes_have_the_number_of_their_label(evaluation):
    found = scores.confusions(evaluation(("cat", "dog")))
    assert all(one.label in {"cat", "dog"} and one.answer in {"cat", "dog"} for one in found)


def test_without_errors_there_are_none(read):
    assert scores.confusions(read(["12"], ["12"])) == []


def test_the_accuracy_of_sequences_is_that_of_wholes(read, evaluation):
    numbers, letters = read(["12"], ["12"]), read(["ab"], ["ab"], alphabet=("a", "b"))
    assert next(iter(scores.overall(numbers))) == "whole-number accuracy"
    assert next(iter(scores.overall(letters))) == "whole-sequence accuracy"
    assert next(iter(scores.overall(evaluation(("cat", "dog"))))) == "accuracy"
    assert "edit distance" in scores.overall(numbers)
    assert scores.class_head(numbers)[0] == "digit"
    assert scores.class_head(letters)[0] == "symbol"


def test_longer_labels_than_the_network_reads_are_named(read):
    assert [name for name, _, _ in scores.lengths(read(["1", "1234"], ["1", "123"]))] == ["1", "> 3"]


@pytest.mark.parametrize(
    ("threshold", "accuracy", "said"),
    [
        (
            None,
            None,
            "For the goal of 98 % accuracy, no confidence was high enough on the validation pictures.",
        ),
        (
            0.75,
            None,
            "For the goal of 98 % accuracy: 40.00 % of the numbers have a confidence of at least 0.7500.",
        ),
        (
            0.75,
            Interval(value=0.99, low=0.97, high=0.995),
            (
                "For the goal of 98 % accuracy: 40.00 % of the numbers have a confidence of at least 0.7500, and "
                "99.00 % (97.00–99.50) of these are read correctly."
            ),
        ),
    ],
)
def test_coverage_is_told_in_a_sentence(threshold, accuracy, said):
    share = Interval(value=0.4, low=0.3, high=0.5)
    one = Coverage(goal=0.98, threshold=threshold, coverage=share, accuracy=accuracy)
    assert scores.coverage_sentence(one, nouns("0123456789")) == said
    assert np.all([scores.goal_of(one) == "98 %", scores.threshold_of(one) in {"not reached", "0.7500"}])
