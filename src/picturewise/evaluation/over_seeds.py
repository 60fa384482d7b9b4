"""Which of two recipes is better: several runs of each, paired by their seeds, on the same pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from picturewise.errors import DataError
from picturewise.evaluation.evaluation import Interval
from picturewise.evaluation.intervals import mean_interval
from picturewise.results import Result


class SeedComparison(Result):
    """Two recipes, a and b, with the same seeds and on the same pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pictures: int
    seeds: tuple[int, ...]
    a: tuple[float, ...] = Field(description="Accuracy of a with each seed.")
    b: tuple[float, ...] = Field(description="Accuracy of b with each seed.")
    difference: Interval = Field(
        description="Mean accuracy of a minus that of b, with Student's interval over the seeds: how much training "
        "again would change it."
    )
    over_pictures: Interval = Field(
        description="The same mean, with Student's interval over the pictures: how much other pictures would change it."
    )

    @property
    def verdict(self) -> int:
        """1 if a is better beyond chance, -1 if b is, and 0 if either interval contains 0."""
        low = min(self.difference.low, self.over_pictures.low)
        high = max(self.difference.high, self.over_pictures.high)
        return 1 if low > 0 else -1 if high < 0 else 0


def compare_over_seeds(
    a_right: NDArray[np.bool_], b_right: NDArray[np.bool_], *, seeds: tuple[int, ...]
) -> SeedComparison:
    """Return the comparison of two recipes.

    The seeds are pairs: their differences have a mean and Student's interval. That is about these pictures; so the
    difference on each picture, averaged over the seeds, gives a second interval. A difference that both intervals
    exclude from chance is one for other seeds as well as for other pictures.

    Args:
        a_right: (S, N) bool, S >= 2, N >= 1, whether a with each seed got each picture right.
        b_right: (S, N) bool, the same for b.
        seeds: (S,), in the order of the rows.

    Raises:
        DataError: the arrays are not these.

    >>> a, b = np.array([[True, True, False, True]] * 2), np.array([[True, False, False, True]] * 2)
    >>> found = compare_over_seeds(a, b, seeds=(0, 1))
    >>> found.difference.value, found.verdict
    (0.25, 0)
    """
    if a_right.shape != b_right.shape or a_right.ndim != 2 or len(seeds) != len(a_right) or a_right.size == 0:
        raise DataError(
            f"The answers have shapes {a_right.shape} and {b_right.shape} for {len(seeds)} seeds. Expected two arrays "
            "(seeds, pictures) of the same shape."
        )
    differences = a_right.astype(np.float64) - b_right
    return SeedComparison(
        pictures=a_right.shape[1],
        seeds=seeds,
        a=tuple(a_right.mean(axis=1).tolist()),
        b=tuple(b_right.mean(axis=1).tolist()),
        difference=mean_interval(differences.mean(axis=1), lowest=-1.0, highest=1.0),
        over_pictures=mean_interval(differences.mean(axis=0), lowest=-1.0, highest=1.0),
    )
