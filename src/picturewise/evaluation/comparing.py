"""Paired comparison: which of several classifiers is better, evaluated on the same pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from picturewise.errors import DataError, UsageError, nearest
from picturewise.evaluation.evaluation import Interval
from picturewise.evaluation.intervals import Z95
from picturewise.results import Result


class Comparison(Result):
    """Two classifiers, a and b, on the same pictures.

    Only the pictures on which they disagree matter: those that only a got right and those that only b got right.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: str
    b: str
    pictures: int
    only_a_right: int
    only_b_right: int
    difference: Interval = Field(description="Accuracy of a minus accuracy of b.")
    p_value: float = Field(description="Exact McNemar test of equal accuracy, two-sided.")
    adjusted_p_value: float = Field(
        description="p_value with Holm's correction for all comparisons that were made together."
    )


def compare(*, a: str, a_right: NDArray[np.bool_], b: str, b_right: NDArray[np.bool_]) -> Comparison:
    """Return the comparison of two classifiers on the same pictures.

    The test is McNemar's exact test: if both are equally accurate, each picture that only one of them got right
    belongs to either of them with probability one half, so the counts are binomial. The interval of the difference
    is Tango's; see `paired_difference`.

    Sources: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or
    percentages", Psychometrika 12 (1947); for classifiers: T. G. Dietterich, "Approximate statistical tests
    for comparing supervised classification learning algorithms", Neural Computation 10 (1998).

    Args:
        a: the name of the first classifier.
        a_right: (N,) bool, N >= 1, whether it got each picture right.
        b: the name of the second classifier.
        b_right: (N,) bool, the same for the second, in the same order of pictures.

    Raises:
        DataError: the arrays are not these.

    >>> right = np.array([True, True, True, False])
    >>> compare(a="cnn", a_right=right, b="mlp", b_right=~right).p_value
    0.625
    """
    for name, right in ((a, a_right), (b, b_right)):
        if right.shape != (len(a_right),) or right.dtype != np.bool_ or len(right) == 0:
            raise DataError(
                f"{name}: found shape {right.shape} and dtype {right.dtype}. Expected a non-empty boolean array of "
                f"shape ({len(a_right)},) that says whether each picture was classified correctly, for the same "
                f"pictures as {a}."
            )
    only_a = int((a_right & ~b_right).sum())
    only_b = int((b_right & ~a_right).sum())
    p_value = mcnemar(only_a, only_b)
    return Comparison(
        a=a,
        b=b,
        pictures=len(a_right),
        only_a_right=only_a,
        only_b_right=only_b,
        difference=paired_difference(only_a, only_b, len(a_right)),
        p_value=p_value,
        adjusted_p_value=p_value,
    )


def compare_all(
    right: Mapping[str, NDArray[np.bool_]], *, reference: str | None = None
) -> tuple[Comparison, ...]:
    """Return the comparison of one classifier, as a, with each of the others, in the order of `right`.

    The p-values are corrected for their number (see `holm`); each interval is valid on its own. With a reference
    that was chosen beforehand there are k - 1 tests. Without one, the most accurate classifier is the reference (the
    first one of a tie). Because it was chosen on the same pictures, the correction is then for all k (k - 1) / 2
    pairs.

    Args:
        right: for each classifier, by name, whether it got each picture right: (N,) bool, N >= 1.
        reference: the name of the classifier to compare the others with; None for the most accurate.

    Raises:
        DataError: the arrays are not these.
        UsageError: there are fewer than two classifiers, or `reference` is not one of them.
    """
    if len(right) < 2:
        raise UsageError(f"The number of classifiers is {len(right)}. Pass at least two.")
    if reference is not None and reference not in right:
        raise UsageError(
            f"Unknown classifier '{reference}'. Choose from {', '.join(right)}.{nearest(reference, right)}"
        )
    first = reference if reference is not None else max(right, key=lambda name: int(right[name].sum()))
    others = [name for name in right if name != first]
    # the pairs with `first` come first
    pairs = list(combinations([first, *others], 2))
    if reference is not None:
        pairs = pairs[: len(others)]
    made = [compare(a=a, a_right=right[a], b=b, b_right=right[b]) for a, b in pairs]
    adjusted = holm([comparison.p_value for comparison in made])
    return tuple(
        comparison.model_copy(update={"adjusted_p_value": p_value})
        for comparison, p_value in list(zip(made, adjusted, strict=True))[: len(others)]
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value of the exact McNemar test, 1 if the classifiers never disagree.

    Args:
        only_a: pictures that only a got right, 0 or more.
        only_b: pictures that only b got right, 0 or more.
    """
    from scipy.special import bdtr  # noqa: PLC0415 (importing this module stays cheap)

    one_tail = float(bdtr(min(only_a, only_b), only_a + only_b, 0.5))
    return min(1.0, 2 * one_tail)


def paired_difference(only_a: int, only_b: int, pictures: int) -> Interval:
    """Return (only_a - only_b) / pictures, a difference of paired accuracies, with its 95 % score interval.

    The interval contains the differences δ that a score test does not reject: those for which (only_a - only_b -
    pictures δ)² is at most z² times its variance under δ. It stays in [-1, 1] and says something even if the
    classifiers never disagree: then it is ± z² / (pictures + z²).

    Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17 (1998).

    Args:
        only_a: pictures that only a got right.
        only_b: pictures that only b got right.
        pictures: all pictures, at least only_a + only_b and 1.
    """
    value = (only_a - only_b) / pictures

    def rejected(delta: float) -> bool:
        # the most likely share of pictures that only b gets right, given δ, is the larger root of a quadratic
        linear = (2 * pictures - only_a + only_b) * delta - only_a - only_b
        constant = -only_b * delta * (1 - delta)
        share_b = (math.sqrt(max(0.0, linear**2 - 8 * pictures * constant)) - linear) / (4 * pictures)
        variance = pictures * (2 * share_b + delta * (1 - delta))
        return (only_a - only_b - pictures * delta) ** 2 > Z95**2 * variance

    def end(outside: float) -> float:
        inside = value
        # halved 60 times: to the last bit of a float in [-1, 1]
        for _ in range(60):
            middle = (inside + outside) / 2
            if rejected(middle):
                outside = middle
            else:
                inside = middle
        return inside

    return Interval(value=value, low=end(-1.0), high=end(1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for their number, in their order.

    If tests are rejected where the corrected value is at most 0.05, the probability of even one false rejection is
    at most 5 %, however the tests depend on each other.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979).

    >>> holm([0.01, 0.04, 0.02])
    [0.03, 0.04, 0.04]
    """
    adjusted = [0.0] * len(p_values)
    floor = 0.0
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for rank, index in enumerate(order):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = floor
    return adjusted
