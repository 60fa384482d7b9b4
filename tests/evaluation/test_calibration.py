"""Temperature scaling and calibration error, against SciPy and classifiers whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, special

from picturewise.errors import DataError
from picturewise.evaluation.calibration import (
    calibration_error,
    choose_temperature,
    choose_temperature_of_readings,
    confidence_error,
    fit_temperature,
    softmax,
)
from picturewise.targets import Places


def drawn_labels(random, probabilities):
    """One label for each row, drawn with the row's probabilities."""
    return (random.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)


def mean_cross_entropy(logits, labels, temperature):
    return -special.log_softmax(logits / temperature, axis=1)[np.arange(len(labels)), labels].mean()


@given(arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=32)), st.floats(0.1, 10))
def test_softmax_equals_scipys(logits, temperature):
    expected = special.softmax(logits.astype(np.float64) / temperature, axis=1)
    assert softmax(logits, temperature=temperature) == pytest.approx(expected, abs=1e-12)


def test_softmax_withstands_the_largest_float32():
    largest = np.finfo(np.float32).max
    logits = np.array([[largest, -largest, largest]], np.float32)
    assert softmax(logits).tolist() == [[0.5, 0.0, 0.5]]


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_softmax_refuses_a_temperature_that_is_not_positive(temperature):
    with pytest.raises(DataError, match=r"The temperature is .*\. Pass a positive number\."):
        softmax(np.zeros((1, 2)), temperature=temperature)


@pytest.mark.parametrize("true_temperature", [0.3, 1.0, 2.5])
def test_the_temperature_that_spoiled_the_logits_is_found_again(true_temperature):
    random = np.random.default_rng(0)
    honest = 2 * random.normal(size=(20_000, 10))
    labels = drawn_labels(random, softmax(honest))
    found = fit_temperature((honest * true_temperature).astype(np.float32), labels)
    assert found == pytest.approx(true_temperature, rel=0.03)


def test_no_temperature_of_a_fine_grid_has_a_lower_cross_entropy():
    random = np.random.default_rng(1)
    logits = 4 * random.normal(size=(5000, 5))
    labels = drawn_labels(random, softmax(logits, temperature=3.0))
    found = fit_temperature(logits, labels)
    grid = np.geomspace(0.5, 10, 100)
    best = min(mean_cross_entropy(logits, labels, temperature) for temperature in grid)
    assert mean_cross_entropy(logits, labels, found) <= best + 1e-5


@pytest.mark.parametrize(
    ("pictures", "classes", "spread"), [(1, 2, 1), (7, 3, 5), (9000, 10, 3), (500, 100, 0.1)]
)
def test_the_temperature_is_the_one_that_scipys_minimiser_finds(pictures, classes, spread):
    random = np.random.default_rng(pictures)
    logits = spread * random.normal(size=(pictures, classes)).astype(np.float32)
    labels = drawn_labels(random, softmax(logits))

    def minimised(log_temperature):
        beta = np.exp(-log_temperature)
        prior = (beta - 1 - np.log(beta)) / pictures
        return mean_cross_entropy(logits.astype(np.float64), labels, 1 / beta) + prior

    found = optimize.minimize_scalar(minimised, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    assert np.log(fit_temperature(logits, labels)) == pytest.approx(found.x, abs=1e-5)


@pytest.mark.parametrize(("label", "temperature"), [(0, np.exp(-3)), (1, np.exp(3))])
@pytest.mark.filterwarnings("error")
def test_the_largest_float32_gives_a_temperature_at_the_bounds(label, temperature):
    largest = np.finfo(np.float32).max
    logits = np.array([[largest, -largest]] * 3, np.float32)
    # All right: nothing but the prior holds the temperature, and keeps it at one.
    expected = temperature if label else 1.0
    assert fit_temperature(logits, np.full(3, label)) == pytest.approx(expected, rel=1e-5)


def test_scaling_an_overconfident_classifier_lowers_its_calibration_error():
    random = np.random.default_rng(2)
    logits = 6 * random.normal(size=(4000, 10))
    labels = drawn_labels(random, softmax(logits, temperature=3.0))
    before = calibration_error(softmax(logits), labels)
    after = calibration_error(softmax(logits, temperature=fit_temperature(logits, labels)), labels)
    assert after.high < before.low


def test_where_all_are_right_the_temperature_sharpens_without_running_away():
    logits = 5 * np.eye(10)[np.arange(1000) % 10]
    temperature = fit_temperature(logits, np.arange(1000) % 10)
    assert 0.3 < temperature < 1


def test_logits_that_say_nothing_keep_the_temperature_at_one():
    assert fit_temperature(np.zeros((5, 3)), np.array([0, 1, 2, 0, 1])) == pytest.approx(1.0, abs=1e-3)


@given(
    arrays(np.float32, (2, 3), elements=st.floats(-(2.0**100), 2.0**100, width=32)),
    st.lists(st.integers(0, 2), min_size=2, max_size=2),
)
@settings(max_examples=50)
def test_two_pictures_and_any_logits_give_a_temperature_in_the_bounds(logits, labels):
    temperature = fit_temperature(logits, np.array(labels))
    assert 0.049 < temperature < 20.1
    assert fit_temperature(logits, np.array(labels)) == temperature


@pytest.mark.parametrize(
    ("logits", "labels", "sentence"),
    [
        (np.empty((0, 3)), np.empty(0, np.int64), "no picture"),
        (np.array([[0.0, np.inf]]), np.array([0]), "Logits must be finite"),
        (np.zeros((2, 2)), np.array([0, 5]), r"range from 0 to 5"),
        (np.zeros(2), np.array([0, 1]), r"Logits have shape \(2,\) .* floats of shape \(N, K\)"),
    ],
)
def test_logits_that_cannot_be_fitted_are_refused(logits, labels, sentence):
    with pytest.raises(DataError, match=sentence):
        fit_temperature(logits, labels)


# 0.9 right nine times of ten; 0.6 right once of two: (10 · |0.9 - 0.9| + 2 · |0.5 - 0.6|) / 12
def test_the_calibration_error_worked_out_by_hand():
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 2)
    labels = np.array([0] * 9 + [1] + [0, 1])
    assert calibration_error(probabilities, labels).value == pytest.approx(0.2 / 12)


def test_opposite_errors_in_one_bin_cancel_and_in_two_bins_add_up():
    # 0.61 and 0.65 share the bin (9/15, 10/15], 0.61 and 0.69 do not
    together = np.array([[0.61, 0.39], [0.65, 0.35]])
    apart = np.array([[0.61, 0.39], [0.69, 0.31]])
    labels = np.array([0, 1])
    assert calibration_error(together, labels).value == pytest.approx(abs(1 - 0.61 - 0.65) / 2)
    assert calibration_error(apart, labels).value == pytest.approx((1 - 0.61 + 0.69) / 2)


def test_a_confidence_on_the_edge_belongs_to_the_bin_below():
    edge, below, above = 10 / 15, 0.62, 0.70
    labels = np.array([0, 1])
    with_below = np.array([[edge, 1 - edge], [below, 1 - below]])
    with_above = np.array([[edge, 1 - edge], [above, 1 - above]])
    assert calibration_error(with_below, labels).value == pytest.approx(abs(1 - edge - below) / 2)
    assert calibration_error(with_above, labels).value == pytest.approx((1 - edge + above) / 2)


@pytest.mark.parametrize("pictures", [100, 2000])
def test_the_interval_covers_zero_for_a_calibrated_classifier_in_95_of_100_samples(pictures):
    covered = 0
    for sample in range(100):
        random = np.random.default_rng(sample)
        probabilities = softmax(3 * random.normal(size=(pictures, 5)))
        covered += calibration_error(probabilities, drawn_labels(random, probabilities)).low == 0.0
    assert covered >= 95


def test_the_interval_covers_the_true_error_of_an_overconfident_classifier():
    covered = 0
    for sample in range(100):
        random = np.random.default_rng(sample)
        # certain at 0.95, right seven times of ten
        labels = (random.random(500) > 0.7).astype(np.int64)
        error = calibration_error(np.tile([0.95, 0.05], (500, 1)), labels)
        covered += error.low <= 0.25 <= error.high
    assert covered >= 90


def test_ten_right_answers_do_not_prove_certainty():
    error = calibration_error(np.tile([1.0, 0.0], (10, 1)), np.zeros(10, np.int64))
    assert (error.value, error.low) == (0.0, 0.0)
    assert 0.1 < error.high < 0.4


def test_equal_input_gives_an_equal_interval():
    random = np.random.default_rng(3)
    probabilities = softmax(random.normal(size=(200, 4)))
    labels = drawn_labels(random, probabilities)
    assert calibration_error(probabilities, labels) == calibration_error(probabilities, labels)


def test_with_many_pictures_and_errors_the_chosen_temperature_is_the_fitted_one():
    random = np.random.default_rng(3)
    logits = 6 * random.normal(size=(4000, 10))
    for spoiled in (3.0, 0.4):
        labels = drawn_labels(random, softmax(logits, temperature=spoiled))
        assert choose_temperature(logits, labels) == fit_temperature(logits, labels)


@pytest.mark.parametrize("pictures", [24, 199, 5000])
def test_probabilities_are_never_sharpened_with_few_pictures_or_errors(pictures):
    logits = 2 * np.eye(10)[np.arange(pictures) % 10]
    labels = np.arange(pictures) % 10
    labels[:5] = (labels[:5] + 1) % 10  # five errors
    assert fit_temperature(logits, labels) < 0.9
    assert choose_temperature(logits, labels) == 1.0


def test_few_pictures_may_flatten_probabilities_that_are_far_too_sure():
    random = np.random.default_rng(4)
    logits = 20 * random.normal(size=(60, 3))
    labels = random.integers(0, 3, 60)
    chosen = choose_temperature(logits, labels)
    assert chosen == fit_temperature(logits, labels)
    assert chosen > 5


def test_a_temperature_that_does_not_pay_on_other_pictures_is_not_used():
    """Over many small samples of calibrated logits, choosing costs less than always fitting."""
    random = np.random.default_rng(5)
    others = 3 * random.normal(size=(4000, 4))
    truth = drawn_labels(random, softmax(others))
    chosen, fitted, kept = [], [], 0
    for _ in range(200):
        logits = 3 * random.normal(size=(24, 4))
        labels = drawn_labels(random, softmax(logits))
        one, two = choose_temperature(logits, labels), fit_temperature(logits, labels)
        kept += one == 1.0
        chosen.append(mean_cross_entropy(others, truth, one))
        fitted.append(mean_cross_entropy(others, truth, two))
    assert kept > 120
    assert np.mean(chosen) < np.mean(fitted)
    assert np.max(chosen) <= np.max(fitted)


def test_one_picture_keeps_the_temperature_at_one():
    assert choose_temperature(np.array([[1.0, 0.0]]), np.array([1])) == 1.0


DIGITS = tuple("0123456789")


def drawn_readings(random, target, probabilities):
    """A label for each row, its length and symbols drawn with the row's probabilities."""
    lengths = probabilities[:, 1 : target.places + 1]
    length = 1 + drawn_labels(random, lengths / lengths.sum(axis=1, keepdims=True))
    symbols = np.stack(
        [drawn_labels(random, target.of_places(probabilities)[:, place]) for place in range(target.places)],
        axis=1,
    )
    symbols[np.arange(target.places) >= length[:, None]] = -1
    return np.column_stack([length, symbols])


def readings_of(random, pictures, *, places=3, sharpness=2.5):
    """Logits whose probabilities are honest, and labels that follow them; no other length has a share."""
    target = Places(DIGITS, places)
    logits = sharpness * random.normal(size=(pictures, target.outputs))
    logits[:, [0, places + 1]] = -60
    return target, logits, drawn_readings(random, target, target.probabilities(logits))


@pytest.mark.slow
@pytest.mark.parametrize("true_temperature", [0.4, 1.0, 2.5])
def test_the_temperature_that_spoiled_readings_is_found_again(true_temperature):
    target, honest, labels = readings_of(np.random.default_rng(0), 12_000)
    found = choose_temperature_of_readings(target, (honest * true_temperature).astype(np.float32), labels)
    assert found == pytest.approx(true_temperature, rel=0.11)  # the steps are 10 % apart


@pytest.mark.slow
def test_a_scaled_confidence_is_the_share_of_readings_that_are_right():
    target, honest, labels = readings_of(np.random.default_rng(1), 8000)
    spoiled = 3 * honest
    temperature = choose_temperature_of_readings(target, spoiled[:4000], labels[:4000])
    errors = []
    for scale in (1.0, temperature):
        readings, sure = target.decode(target.probabilities(spoiled[4000:] / scale))
        right = (readings == labels[4000:]).all(axis=1)
        errors.append(confidence_error(sure, right).value)
    assert errors[0] > 0.2
    assert errors[1] < 0.03


@pytest.mark.slow
def test_the_temperature_of_few_readings_is_not_worse_on_other_pictures():
    random = np.random.default_rng(2)
    gained = []
    for _ in range(12):
        scale = np.exp(random.normal(0, 0.4))
        target, logits, labels = readings_of(random, 3300, places=2)
        chosen = choose_temperature_of_readings(target, scale * logits[:300], labels[:300])
        losses = []
        for temperature in (1.0, chosen):
            readings, sure = target.decode(target.probabilities(scale * logits[300:] / temperature))
            right = (readings == labels[300:]).all(axis=1)
            losses.append(-np.log(np.clip(np.where(right, sure, 1 - sure), 1e-15, 1)).mean())
        gained.append(losses[0] - losses[1])
    assert min(gained) > -0.01
    assert np.mean(gained) > 0.005


@pytest.mark.parametrize(("pictures", "wrong"), [(150, 40), (4000, 5)])
def test_few_readings_or_errors_never_make_a_network_surer(pictures, wrong):
    random = np.random.default_rng(3)
    target = Places(DIGITS, 2)
    labels = drawn_readings(random, target, np.full((pictures, target.outputs), 0.25))
    answers = labels.copy()
    answers[:wrong, 1] = (answers[:wrong, 1] + 1) % 10
    logits = 2.0 * target.shares(answers)  # right much more often than it says
    assert choose_temperature_of_readings(target, logits, labels) == 1.0


def test_a_single_reading_leaves_the_temperature_alone():
    target = Places(DIGITS, 2)
    assert (
        choose_temperature_of_readings(target, np.zeros((1, target.outputs)), np.array([[1, 3, -1]])) == 1.0
    )
