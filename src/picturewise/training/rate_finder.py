"""The learning-rate range test: train briefly at an increasing rate, to see where the loss falls and explodes.

After Smith, "Cyclical learning rates for training neural networks" (2017).
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from picturewise.errors import DivergedError
from picturewise.training.learner import Learner
from picturewise.training.optimizers import USUAL

BATCHES = 200
LOWEST_SHARE = 2e-4
"""The first rate, as a share of the optimizer's usual one: 1e-6 for adamw."""
HIGHEST = 10.0
KEPT = 0.9
"""How much of the running mean of the loss is kept at each batch."""
BURST = 4.0
"""The test ends when the running mean reaches this many times its minimum."""
LEAST_FALL = 0.05
"""The share by which the running mean must fall to be meaningful; chance alone causes less."""
FEWEST = 10
"""Batches after which the fall of the running mean is not due to chance."""


@dataclass(frozen=True)
class RangeTest:
    """What a range test measured; all rows have equal length, one number per batch.

    Attributes:
        rates: learning rates, increasing by a constant factor.
        losses: the minimised loss of each batch (with label smoothing and class weights), before its step.
        smoothed: running means of the losses up to each batch.
        burst: the rate at which the loss became `BURST` times its minimum or not a number; none: this did not happen.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    burst: float | None

    @property
    def lowest(self) -> float:
        """Return the rate of the lowest running mean."""
        return self.rates[self._lowest]

    @property
    def tenth_of_lowest(self) -> float:
        """Return a tenth of that rate, with two digits: a rate that is usually stable over a whole run."""
        return float(f"{self.lowest / 10:.2g}")

    @property
    def steepest(self) -> float:
        """Return the rate, before the lowest, at which the running mean falls fastest over the log of the rate."""
        slope = np.gradient(self.smoothed, np.log(self.rates))
        return self.rates[FEWEST + int(np.argmin(slope[FEWEST : self._lowest]))]

    @property
    def fell(self) -> bool:
        """Return whether the running mean fell by `LEAST_FALL` after enough batches."""
        return self._lowest > FEWEST and min(self.smoothed) < (1 - LEAST_FALL) * self.smoothed[FEWEST]

    @property
    def _lowest(self) -> int:
        return int(np.argmin(self.smoothed)) if self.smoothed else 0

    def to_csv(self) -> str:
        """Return the rows as CSV with a header; floats are written so that they are read back exactly."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("learning_rate", "loss", "smoothed_loss"))
        writer.writerows(zip(self.rates, self.losses, self.smoothed, strict=True))
        return text.getvalue()


def range_test(learner: Learner, *, progress: Callable[[int, int], None] | None = None) -> RangeTest:
    """Train on up to `BATCHES` batches, the first ones of a run, at rates from low to `HIGHEST`.

    Args:
        learner: before its first step; it cannot be used afterwards, because its network has changed.
        progress: called with the number of finished batches and the largest number of batches.

    Raises:
        DivergedError: the loss did not fall by `LEAST_FALL` at any rate, so no rate can be suggested.
    """
    lowest = LOWEST_SHARE * USUAL[learner.recipe.training.optimizer].learning_rate
    rates = [float(rate) for rate in np.geomspace(lowest, HIGHEST, BATCHES)]
    losses: list[float] = []
    burst = None
    with learner.learning():
        for number, rate in enumerate(rates):
            epoch, batch = divmod(number, learner.batches)
            if batch == 0:
                order = learner.begin(epoch + 1)
            loss = float(learner.step(order, epoch + 1, batch, rate)[0])
            if not math.isfinite(loss):
                burst = rate
                break
            losses.append(loss)
            if progress is not None:
                progress(number + 1, BATCHES)
            means = running_means(losses)
            if means[-1] > BURST * min(means):
                burst = rate
                break
    test = RangeTest(tuple(rates[: len(losses)]), tuple(losses), tuple(running_means(losses)), burst)
    if not test.fell:
        raise DivergedError(
            f"At learning rates from {rates[0]:.2g} to {rates[max(len(losses) - 1, 0)]:.2g} the loss fell by less than "
            f"{LEAST_FALL:.0%} within {BATCHES} batches, so no rate can be suggested. Check the pictures with "
            "'picturewise inspect', or train with the default learning rate."
        )
    return test


def running_means(losses: Sequence[float]) -> list[float]:
    """Return exponential running means, corrected for their start from zero (Kingma and Ba, 2015).

    >>> running_means([3.0, 3.0])
    [3.0, 3.0]
    """
    means, mean = [], 0.0
    for number, loss in enumerate(losses, start=1):
        mean = KEPT * mean + (1 - KEPT) * loss
        means.append(mean / (1 - KEPT**number))
    return means
