"""Evaluation, against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from picturewise.errors import DataError
from picturewise.evaluation.calibration import calibration_error, softmax
from picturewise.evaluation.evaluation import Evaluation
from picturewise.evaluation.metrics import PROBABILITY_FLOOR, confusion_matrix, evaluate

NAMED = {"dataset": "digits", "split": "test", "fingerprint": "0" * 64}


def evaluated(probabilities, labels):
    classes = [f"class {index}" for index in range(probabilities.shape[-1])]
    return evaluate(probabilities, labels, classes=classes, **NAMED)


@st.composite
def classified(draw):
    """Probabilities (N, K) and labels (N,) of a classifier better than chance; some classes may be empty."""
    pictures, classes = draw(st.integers(1, 60)), draw(st.integers(2, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = random.integers(0, classes, pictures)
    logits = random.normal(size=(pictures, classes)) + 2 * np.eye(classes)[labels]
    return softmax(logits), labels


@given(classified())
@settings(max_examples=50)
def test_scores_equal_those_of_scikit_learn(case):
    probabilities, labels = case
    evaluation = evaluated(probabilities, labels)
    predictions, indices = probabilities.argmax(axis=1), range(probabilities.shape[1])
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        labels, predictions, labels=indices, zero_division=np.nan
    )
    assert evaluation.accuracy.value == pytest.approx(sklearn_metrics.accuracy_score(labels, predictions))
    expected_loss = sklearn_metrics.log_loss(labels, probabilities, labels=indices)
    assert evaluation.loss.value == pytest.approx(expected_loss)
    expected_confusion = sklearn_metrics.confusion_matrix(labels, predictions, labels=indices)
    assert np.array_equal(evaluation.confusion, expected_confusion)
    for index, score in enumerate(evaluation.per_class):
        assert (score.name, score.support) == (f"class {index}", support[index])
        assert score.predicted == (predictions == index).sum()
        for ours, theirs in [(score.precision, precision), (score.recall, recall), (score.f1, f1)]:
            found = np.nan if ours is None else ours.value
            assert found == pytest.approx(theirs[index], nan_ok=True)


@given(classified())
@settings(max_examples=50)
def test_every_score_lies_in_its_interval(case):
    evaluation = evaluated(*case)
    per_class = [score for one in evaluation.per_class for score in (one.precision, one.recall, one.f1)]
    for score in [evaluation.loss, evaluation.accuracy, evaluation.calibration_error, *per_class]:
        assert score is None or score.low <= score.value <= score.high


def test_shares_carry_wilson_intervals():
    labels = np.array([0] * 50 + [1] * 30)
    predictions = np.array([0] * 45 + [1] * 5 + [0] * 10 + [1] * 20)
    evaluation = evaluated(np.eye(2)[predictions], labels)
    first = evaluation.per_class[0]
    for score, successes, trials in [
        (evaluation.accuracy, 65, 80),
        (first.precision, 45, 55),
        (first.recall, 45, 50),
    ]:
        expected = stats.binomtest(successes, trials).proportion_ci(method="wilson")
        assert (score.low, score.high) == pytest.approx((expected.low, expected.high))


def test_the_interval_of_f1_is_that_of_the_share_it_is_a_function_of():
    labels = np.array([0] * 50 + [1] * 30)
    predictions = np.array([0] * 45 + [1] * 5 + [0] * 10 + [1] * 20)
    f1 = evaluated(np.eye(2)[predictions], labels).per_class[0].f1
    jaccard = stats.binomtest(45, 45 + 10 + 5).proportion_ci(method="wilson")
    assert f1.value == pytest.approx(2 * 45 / (2 * 45 + 10 + 5))
    # 1 / F1 = 1/2 + 1 / (2J)
    assert 1 / f1.low == pytest.approx(0.5 + 0.5 / jaccard.low)
    assert 1 / f1.high == pytest.approx(0.5 + 0.5 / jaccard.high)


def test_the_interval_of_f1_covers_the_true_value_in_about_95_of_100_samples():
    random = np.random.default_rng(1)
    cells = np.array([0.40, 0.10, 0.05, 0.45])  # (label, predicted) = (0, 0), (0, 1), (1, 0), (1, 1)
    true_f1 = 2 * 0.40 / (2 * 0.40 + 0.10 + 0.05)
    covered = 0
    for _ in range(400):
        cell = random.choice(4, size=100, p=cells)
        f1 = evaluated(np.eye(2)[cell % 2], cell // 2).per_class[0].f1
        covered += f1.low <= true_f1 <= f1.high
    assert 0.92 <= covered / 400 <= 0.98


def test_a_score_with_nothing_below_the_line_is_none():
    # class 1 is predicted but never right, class 2 is neither a label nor predicted
    evaluation = evaluated(np.eye(3)[[0, 0, 1]], np.array([0, 0, 0]))
    _, predicted_only, absent = evaluation.per_class
    assert predicted_only.recall is None
    assert (predicted_only.precision.value, predicted_only.f1.value) == (0.0, 0.0)
    assert (absent.precision, absent.recall, absent.f1) == (None, None, None)


def test_of_equal_probabilities_the_lowest_class_is_predicted():
    evaluation = evaluated(np.array([[0.2, 0.4, 0.4], [1 / 3, 1 / 3, 1 / 3]]), np.array([1, 2]))
    assert evaluation.confusion == ((0, 0, 0), (0, 1, 0), (1, 0, 0))


def test_a_label_that_was_held_impossible_costs_a_finite_loss():
    evaluation = evaluated(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1, 1]))
    assert evaluation.loss.value == pytest.approx(-np.log(PROBABILITY_FLOOR) / 2)


def test_certainty_that_is_right_costs_nothing_though_its_rows_sum_to_more_than_one():
    evaluation = evaluated(np.array([[1.0005, 0.0], [1.0005, 0.0]]), np.array([0, 0]))
    assert (evaluation.loss.value, evaluation.accuracy.value) == (0.0, 1.0)


def test_the_loss_of_float16_probabilities_is_close_to_the_exact_one():
    probabilities = softmax(np.random.default_rng(0).normal(size=(200, 100)))
    labels = np.arange(200) % 100
    exact = evaluated(probabilities, labels).loss.value
    assert evaluated(probabilities.astype(np.float16), labels).loss.value == pytest.approx(exact, rel=1e-3)


def test_an_evaluation_carries_its_calibration_error_and_survives_json():
    probabilities = softmax(np.random.default_rng(0).normal(size=(50, 3)))
    labels = np.arange(50) % 3
    evaluation = evaluated(probabilities, labels)
    assert evaluation.calibration_error == calibration_error(probabilities, labels)
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


def test_one_picture_is_enough_and_survives_json():
    evaluation = evaluated(np.array([[0.25, 0.75]]), np.array([1]))
    assert (evaluation.loss.low, evaluation.loss.high) == (0.0, -np.log(PROBABILITY_FLOOR))
    assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


@pytest.mark.parametrize(
    ("probabilities", "labels", "sentence"),
    [
        (np.empty((0, 2)), np.empty(0, np.int64), "no picture"),
        (np.empty((3, 0)), np.zeros(3, np.int64), r"floats of shape \(N, K\)"),
        (np.full(3, 1.0), np.zeros(3, np.int64), r"have shape \(3,\) and dtype float64"),
        (np.ones((2, 1), np.int64), np.zeros(2, np.int64), "have shape .* and dtype int64"),
        (
            np.full((2, 2), 0.5),
            np.zeros(3, np.int64),
            r"^Labels have shape \(3,\) .* integers of shape \(2,\)",
        ),
        (np.full((2, 2), 0.5), np.zeros((2, 1), np.int64), r"have shape \(2, 1\)"),
        (np.full((2, 2), 0.5), np.zeros(2), "integers"),
        (np.full((2, 2), 0.5), np.array([0, 2]), r"range from 0 to 2, but there are 2 classes"),
        (np.full((2, 2), 0.5), np.array([-1, 1]), r"range from -1 to 1"),
        (np.array([[0.5, 0.5], [np.nan, 0.5]]), np.array([0, 1]), "1 of 2 rows .* The first is row 1"),
        (np.array([[np.inf, 0.5]]), np.array([0]), "infinity"),
        (np.array([[1.5, -0.5]]), np.array([0]), "row 0 has -0.5"),
        (np.array([[0.5, 0.5], [2.0, 3.0]]), np.array([0, 1]), "row 1 sums to 5"),
    ],
)
def test_input_that_cannot_be_scored_is_refused_with_a_reason(probabilities, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        evaluated(probabilities, labels)


def test_class_names_must_match_the_columns():
    with pytest.raises(DataError, match="3 class names, but 2 columns"):
        evaluate(np.array([[0.5, 0.5]]), np.array([0]), classes=["a", "b", "c"], **NAMED)


def test_predictions_out_of_range_are_refused_by_name():
    with pytest.raises(DataError, match="Predictions range from"):
        confusion_matrix(np.array([0, 1]), np.array([0, 2]), classes=2)


def sized(sizes: list[int], *, share: float = 0.8, seed: int = 0):
    """Return probabilities and labels of classes of these sizes, of which about `share` are right."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    answers = np.where(
        random.random(len(labels)) < share, labels, random.integers(0, len(sizes), len(labels))
    )
    return softmax(4.0 * np.eye(len(sizes))[answers]), labels


def test_classes_of_very_different_sizes_have_macro_scores_as_scikit_learn_computes_them():
    probabilities, labels = sized([200, 40, 9])
    found, answers = evaluated(probabilities, labels), probabilities.argmax(axis=1)
    assert found.macro_recall is not None
    assert found.macro_f1 is not None
    assert found.macro_recall.value == pytest.approx(sklearn_metrics.balanced_accuracy_score(labels, answers))
    assert found.macro_f1.value == pytest.approx(sklearn_metrics.f1_score(labels, answers, average="macro"))
    assert found.macro_recall.low < found.macro_recall.value < found.macro_recall.high <= 1


def test_a_class_without_pictures_does_not_count_for_macro_scores():
    probabilities, labels = sized([200, 40, 9])
    with_empty = np.concatenate([probabilities, np.zeros((len(labels), 1))], axis=1)
    without, found = evaluated(probabilities, labels), evaluated(with_empty, labels)
    assert (found.macro_recall, found.macro_f1) == (without.macro_recall, without.macro_f1)


@pytest.mark.parametrize("sizes", [[50, 50], [50, 10], [30, 0]])
def test_similar_classes_have_no_macro_scores(sizes):
    found = evaluated(*sized(sizes))
    assert found.macro_recall is None
    assert found.macro_f1 is None


@pytest.mark.parametrize("score", ["recall", "f1"])
def test_the_interval_of_a_macro_score_covers_the_true_one(score):
    sizes, right = [300, 40, 10], np.array([0.95, 0.8, 0.7])
    chances = (1 - right)[:, None] / 2 * (1 - np.eye(3)) + np.diag(right)
    expected = np.array(sizes)[:, None] * chances
    true = (
        right.mean()
        if score == "recall"
        else (2 * expected.diagonal() / (expected.sum(0) + expected.sum(1))).mean()
    )
    random, labels, covered = np.random.default_rng(0), np.repeat(np.arange(3), sizes), 0
    for _ in range(300):
        answers = np.concatenate([random.choice(3, size, p=chances[at]) for at, size in enumerate(sizes)])
        interval = getattr(evaluated(np.eye(3)[answers], labels), f"macro_{score}")
        covered += interval.low <= true <= interval.high
    assert covered >= 0.91 * 300  # of 0.95; 3 standard deviations below
