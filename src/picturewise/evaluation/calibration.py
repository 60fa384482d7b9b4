"""Calibration: temperature scaling, and the difference between stated confidence and accuracy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.evaluation.checks import check_labels, check_probabilities, check_scores
from picturewise.evaluation.evaluation import Interval
from picturewise.seeds import stream
from picturewise.targets.sequences import SequenceTarget, same

LOG_TEMPERATURES = (-3.0, 3.0)  # temperatures of 0.05 to 20; real networks need 0.5 to 5
_PRECISION = 1e-7  # of the logarithm of a temperature
BINS = 15
DRAWS = 2000  # 100 of them are above the 95 % point, so it is known to about 2 %
FOLDS = 5
FEW_PICTURES, FEW_ERRORS = 200, 10
_ROWS_AT_ONCE = 1 << 13
_STEPS = 61  # temperatures that are tried for readings, 10 % apart
_AT_ONE = _STEPS // 2  # the one in the middle
_MOST_READINGS = 5_000  # pictures; a temperature is then known better than the steps are wide
_LEAST = 1e-15


def softmax(logits: NDArray[np.floating], *, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the probabilities (..., K) of `logits / temperature` (..., K), each row summing to one.

    The largest logit of each row is subtracted first, so not even the largest logits of float32 overflow.

    Raises:
        DataError: `temperature` is not positive.

    >>> softmax(np.array([[1000.0, 1000.0]])).tolist()
    [[0.5, 0.5]]
    """
    if not temperature > 0:
        raise DataError(f"The temperature is {temperature}. Pass a positive number.")
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    powers: NDArray[np.float64] = np.exp(shifted / temperature)
    total: NDArray[np.float64] = powers.sum(axis=-1, keepdims=True)
    return powers / total


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the temperature in [0.05, 20] by which to divide logits so that probabilities are calibrated.

    It minimises the mean cross-entropy of validation pictures, which the network was not trained on. Dividing
    by it does not change any predicted class. Above 1 the network was too sure, below 1 not sure enough.

    With β = 1 / temperature, a weak prior adds (β - 1 - log β) / N to the cross-entropy. It weighs about as
    much as one picture, so it vanishes for large N. Without it, the cross-entropy would fall without end as β grows
    if every picture is right. The sum is strictly convex in β, so there is one minimum, where its derivative
    changes its sign: it is found by halving, and equal input gives an equal temperature. (SciPy has minimisers, but
    importing them takes longer than many trainings.)

    Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017; the prior
    (a gamma distribution of β with mode 1) is ours.

    Args:
        logits: (N, K), N >= 1, finite, within float32's range.
        labels: (N,) in [0, K).

    Raises:
        DataError: shapes, types or values are not these.
    """
    check_scores(logits, name="Logits")
    check_labels(labels, pictures=len(logits), classes=logits.shape[1])
    pictures = len(labels)
    relative = logits.astype(np.float64)
    # relative to the label's logit, so that the cross-entropy of a row is the logsumexp of the row
    relative -= relative[np.arange(pictures), labels][:, None]
    low, high = LOG_TEMPERATURES
    while high - low > _PRECISION:
        middle = (low + high) / 2
        temperature = float(np.exp(middle))
        if _slope(relative, temperature) + (1 - temperature) / pictures > 0:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def choose_temperature(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return a temperature that can be trusted: the fitted one, or 1 if fitting does not pay on other pictures.

    A temperature fitted on few pictures may do harm, so it has to lower the cross-entropy of pictures that it was not
    fitted on: in `FOLDS` parts, each is scaled by the temperature of the others. With fewer than `FEW_PICTURES`
    pictures or `FEW_ERRORS` errors, nothing shows that the network is not sure enough, so probabilities may become
    flatter but never sharper.

    Args:
        logits: (N, K), N >= 1, finite, of pictures that the network was not trained on.
        labels: (N,) in [0, K).

    Raises:
        DataError: shapes, types or values are not these.
    """
    fitted = fit_temperature(logits, labels)
    errors = int((logits.argmax(axis=1) != labels).sum())
    least = 1.0 if len(labels) < FEW_PICTURES or errors < FEW_ERRORS else 0.0
    if max(fitted, least) == 1.0 or len(labels) < FOLDS:
        return 1.0
    parts = np.arange(len(labels)) % FOLDS
    scaled = 0.0
    for part in range(FOLDS):
        apart = parts == part
        temperature = max(fit_temperature(logits[~apart], labels[~apart]), least)
        scaled += _cross_entropy(logits[apart], labels[apart], temperature)
    return max(fitted, least) if scaled < _cross_entropy(logits, labels, 1.0) else 1.0


def choose_temperature_of_readings(
    target: SequenceTarget, logits: NDArray[np.floating], labels: NDArray[np.int64]
) -> float:
    """Return the temperature that makes the probability of readings a good confidence, or 1 if that does not pay.

    The probability of a reading is a product, as if its symbols were independent, so it is fitted itself: the
    temperature minimises the mean of -log of the confidence of correct readings and of -log(1 - confidence) of wrong
    ones. As in `choose_temperature`, it must also lower this on pictures that it was not fitted on; few pictures or
    errors never make the network surer; and a weak prior keeps it finite.

    Dividing by it may change a reading, because it changes how much the length counts. If readings changed while it is
    fitted, wrong readings of low confidence would be the best ones. So it is fitted for the readings at temperature 1,
    and then once more for those at the temperature that was found.

    Of more than 5,000 pictures, 5,000 at equal distances are used, because all steps need all probabilities.

    Args:
        target: the meaning of both.
        logits: (N, outputs), N >= 1, finite, of pictures that the network was not trained on.
        labels: (N, 1 + L), see `targets.sequences`.
    """
    if len(labels) > _MOST_READINGS:
        some = np.linspace(0, len(labels) - 1, _MOST_READINGS).astype(np.int64)
        logits, labels = logits[some], labels[some]
    if len(labels) < FOLDS:
        return 1.0
    logits = logits.astype(np.float32)  # float64 takes three times as long
    first = _fit_to_readings(target, logits, labels, 1.0)
    return first if first == 1.0 else _fit_to_readings(target, logits, labels, first)


def _fit_to_readings(
    target: SequenceTarget, logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float
) -> float:
    """Return the temperature for the readings that another one leads to; see `choose_temperature_of_readings`."""
    readings, _ = target.decode(target.probabilities(logits / np.float32(temperature)))
    right = same(labels, readings)
    grid = np.exp(np.linspace(*LOG_TEMPERATURES, _STEPS))
    grid[_AT_ONE] = 1.0
    scores = np.stack(
        [_binary_entropies(target, logits / np.float32(one), readings, right) for one in grid]
    )  # (steps, N)
    least = 1.0 if len(labels) < FEW_PICTURES or (~right).sum() < FEW_ERRORS else 0.0
    prior = 1 / grid - 1 + np.log(grid)  # in β = 1 / temperature, as in `fit_temperature`

    def fitted(which: NDArray[np.bool_]) -> int:
        means = scores[:, which].mean(axis=1) + prior / which.sum()
        return int(np.where(grid >= least, means, np.inf).argmin())

    best = fitted(np.ones(len(labels), bool))
    parts = np.arange(len(labels)) % FOLDS
    scaled = sum(scores[fitted(parts != part), parts == part].sum() for part in range(FOLDS))
    return float(grid[best]) if scaled < scores[_AT_ONE].sum() else 1.0


def _binary_entropies(
    target: SequenceTarget,
    logits: NDArray[np.float32],
    readings: NDArray[np.int64],
    right: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return -log of the confidence of each correct reading (N,), and -log(1 - confidence) of each wrong one."""
    confidence = np.exp(target.log_probability(target.probabilities(logits), readings))
    found: NDArray[np.float64] = -np.log(np.clip(np.where(right, confidence, 1 - confidence), _LEAST, 1.0))
    return found


def _cross_entropy(logits: NDArray[np.floating], labels: NDArray[np.int64], temperature: float) -> float:
    """Return the sum over pictures of -log of the probability of their label, in nats."""
    relative = logits.astype(np.float64) / temperature
    relative -= relative.max(axis=1, keepdims=True)
    right = relative[np.arange(len(labels)), labels]
    return float((np.log(np.exp(relative).sum(axis=1)) - right).sum())


def _slope(relative: NDArray[np.float64], temperature: float) -> float:
    """Return the derivative by β = 1 / temperature of the mean over rows (N, K) of logsumexp(β · row)."""
    total = 0.0
    for start in range(0, len(relative), _ROWS_AT_ONCE):  # softmax makes three copies
        rows = relative[start : start + _ROWS_AT_ONCE]
        total += float((softmax(rows, temperature=temperature) * rows).sum())
    return total / len(relative)


def calibration_error(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> Interval:
    """Return the expected calibration error in [0, 1] with a 95 % interval; 0 is perfect.

    Pictures are put into 15 bins of equal width by their confidence (the largest probability); the error is
    the mean over pictures of |accuracy - mean confidence| of their bin.

    Chance alone keeps this number above 0, especially with few pictures, so a bootstrap of it misses a true error
    of 0. The interval uses the triangle inequality instead: the error differs from the true one by at most
    Σ |accuracy - true accuracy| n_bin / N. The 95 % point of this sum is simulated with binomial counts around
    (right + 2) / (n_bin + 4) (Agresti and Coull 1998), which keeps some doubt if all pictures are right. The
    interval is conservative: wider than needed if all bins err in one direction. The simulation has a fixed seed:
    equal input gives an equal interval.

    Source: Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning",
    AAAI 2015; with 15 bins in Guo et al. 2017. The interval is ours.

    Args:
        probabilities: (N, K), N >= 1, rows sum to one.
        labels: (N,) in [0, K).

    Raises:
        DataError: shapes, types or values are not these.
    """
    check_probabilities(probabilities)
    check_labels(labels, pictures=len(probabilities), classes=probabilities.shape[1])
    confidence = probabilities.max(axis=1).astype(np.float64)
    return confidence_error(confidence, probabilities.argmax(axis=1) == labels)


def confidence_error(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> Interval:
    """Return the expected calibration error of answers, see `calibration_error`.

    Args:
        confidence: (N,) in [0, 1], N >= 1: the stated probability of each answer.
        right: (N,) whether it is right.
    """
    exact = confidence.astype(np.float64)
    bins = bins_of(exact)
    sizes = np.bincount(bins, minlength=BINS)
    hits = np.bincount(bins[right], minlength=BINS)
    confidences = np.bincount(bins, weights=exact, minlength=BINS).astype(np.float64)
    return error_of_bins(sizes, hits, confidences)


def bins_of(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin (N,) of each confidence: bin b holds those in (b / 15, (b + 1) / 15]."""
    return np.searchsorted(np.arange(1, BINS) / BINS, confidence, side="left")


def error_of_bins(
    sizes: NDArray[np.int64], hits: NDArray[np.int64], confidences: NDArray[np.floating]
) -> Interval:
    """Return the expected calibration error from counts, see `calibration_error`.

    Args:
        sizes: (BINS,) answers in each bin, at least one in all.
        hits: (BINS,) how many of them are right.
        confidences: (BINS,) the sum of their confidences.
    """
    pictures = int(sizes.sum())
    error = float(np.abs(hits - confidences).sum()) / pictures
    # rows of probabilities may sum to a little more than one
    error = min(error, 1.0)

    plausible = (hits + 2) / (sizes + 4)
    draws = stream(0, "calibration_error").binomial(sizes, plausible, size=(DRAWS, BINS))
    noise = np.abs(draws - sizes * plausible).sum(axis=1) / pictures  # (DRAWS,)
    margin = float(np.quantile(noise, 0.95))
    return Interval(value=error, low=max(0.0, error - margin), high=min(1.0, error + margin))
