"""The 95 % interval of a proportion and of a mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.evaluation.evaluation import Interval

Z95 = 1.959963984540054  # the standard normal distribution leaves 2.5 % above it and 2.5 % below -Z95


def wilson_interval(successes: int, trials: int) -> Interval:
    """Return the share `successes / trials` with its 95 % score interval.

    The interval never leaves [0, 1] and keeps its coverage near 0 and 1, where "± 1.96 standard errors"
    fails: after 0 of n it is [0, z² / (n + z²)], after n of n it is [n / (n + z²), 1].

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22 (1927), without correction for continuity.

    Raises:
        DataError: `trials` is not positive, or `successes` is not in 0..trials.

    >>> wilson_interval(0, 20)
    Interval(value=0.0, low=0.0, high=0.161125...)
    """
    if trials < 1:
        raise DataError(f"A share of {trials} pictures is not defined. Pass at least one picture.")
    if not 0 <= successes <= trials:
        raise DataError(
            f"The number of correctly classified pictures is {successes}. Expected 0 to {trials}."
        )
    total = trials + Z95**2
    centre = (successes + Z95**2 / 2) / total
    half = Z95 * math.sqrt(successes * (trials - successes) / trials + Z95**2 / 4) / total
    return Interval(
        value=successes / trials,
        # exact ends if nothing or everything succeeded; rounding would leave an error of 1e-17
        low=0.0 if successes == 0 else centre - half,
        high=1.0 if successes == trials else centre + half,
    )


def share(successes: int, trials: int) -> Interval | None:
    """Return what `wilson_interval` returns; None without trials."""
    return wilson_interval(successes, trials) if trials else None


def f1_from_jaccard(jaccard: Interval) -> Interval:
    """Return F1 = 2J / (1 + J) with its interval, from J = TP / (TP + FP + FN) with its own.

    It increases in J, so the ends of an interval of J are mapped to the ends of one of F1 (Lam, Gopal and Qian,
    "Confidence intervals for the F1 score", 2023).
    """
    low, value, high = (2 * j / (1 + j) for j in (jaccard.low, jaccard.value, jaccard.high))
    return Interval(value=value, low=low, high=high)


def mean_of_shares(shares: Sequence[Interval]) -> Interval:
    """Return the mean of independent shares with its 95 % interval, from theirs.

    The distances of the ends from the shares are combined as standard errors are. That is exact for normal values, and
    keeps the skewness of intervals near 0 and 1.

    Source: Zou and Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in
    Medicine 27 (2008).

    Args:
        shares: at least one.

    >>> mean_of_shares([wilson_interval(9, 10), wilson_interval(50, 100)])
    Interval(value=0.7, low=0.5405..., high=0.7632...)
    """
    count = len(shares)
    value = math.fsum(share.value for share in shares) / count
    below = math.sqrt(math.fsum((share.value - share.low) ** 2 for share in shares)) / count
    above = math.sqrt(math.fsum((share.high - share.value) ** 2 for share in shares)) / count
    return Interval(value=value, low=max(0.0, value - below), high=min(1.0, value + above))


def mean_interval(
    values: Sequence[float] | NDArray[np.floating], *, lowest: float, highest: float
) -> Interval:
    """Return the mean of independent `values` with its 95 % interval, cut to [lowest, highest].

    The interval is that of Student's t with n - 1 degrees of freedom. It is exact for normal values, and
    approximately right for others if there are enough of them (a hundred or more for the skewed losses of
    pictures). For large n it is the normal interval. One value says nothing about the spread, so its interval is all of
    [lowest, highest].

    Source: Student, "The probable error of a mean", Biometrika 6 (1908).

    Args:
        values: the sample, (n,), n >= 1.
        lowest: the least that a value can be.
        highest: the most that a value can be.

    Raises:
        DataError: there are no values, or one is not in [lowest, highest].

    >>> mean_interval([0.2, 0.4, 0.6], lowest=0.0, highest=1.0).high
    0.8968275...
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) == 0:
        raise DataError(
            f"The values have shape {sample.shape}. Pass at least one value, as an array of shape (n,)."
        )
    if not ((sample >= lowest) & (sample <= highest)).all():  # NaN fails both
        raise DataError(
            f"Some of the {len(sample)} values are NaN or outside [{lowest:g}, {highest:g}]. Pass only values in this "
            "range."
        )
    # rounding may move the mean of equal values beyond the limits
    mean = min(max(float(sample.mean()), lowest), highest)
    spread = 0.0 if len(sample) == 1 else float(sample.std(ddof=1))
    return interval_of_mean(mean, spread, len(sample), lowest=lowest, highest=highest)


def interval_of_mean(mean: float, spread: float, count: int, *, lowest: float, highest: float) -> Interval:
    """Return a mean with its 95 % interval, as `mean_interval` does.

    Args:
        mean: of the sample.
        spread: its standard deviation, with count - 1 degrees of freedom.
        count: of its values, from 1.
        lowest: the least that a value can be.
        highest: the most that a value can be.
    """
    if count == 1:
        return Interval(value=mean, low=lowest, high=highest)
    from scipy.special import stdtrit  # noqa: PLC0415 (importing this module stays cheap)

    half = float(stdtrit(count - 1, 0.975) * spread) / math.sqrt(count)
    return Interval(value=mean, low=max(lowest, mean - half), high=min(highest, mean + half))
