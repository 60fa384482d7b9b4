"""What a search is told about its trials, and what it knows about its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["finished", "pruned", "diverged", "failed", "repeated"]
FEWEST_FOR_IMPORTANCE = 10
"""Trials."""


@dataclass(frozen=True)
class Candidate:
    """A trial that has begun: its number, from 0, and the values of its options by dotted keys."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """A trial that has ended.

    Attributes:
        number: from 0; 0 is the default recipe.
        values: of its options by dotted keys.
        state: how it ended; repeated: an earlier trial had the same recipe, whose result it got.
        reason: why it ended, unless it is finished.
        accuracy: the best one on the choosing half of the validation split; None: no epoch was complete.
        loss: of the same epoch, in nats.
        epochs: that were trained.
        cpu_seconds: of processor time.
        ended: seconds of the search when it ended.
    """

    number: int
    values: Mapping[str, Any]
    state: State
    reason: str = ""
    accuracy: float | None = None
    loss: float | None = None
    epochs: int = 0
    cpu_seconds: float = 0.0
    ended: float = 0.0

    @property
    def rank(self) -> tuple[float, bool, float, int]:
        """The key that sorts finished trials from the best to the worst; the default wins every tie."""
        assert self.accuracy is not None  # noqa: S101 (it is finished)
        assert self.loss is not None  # noqa: S101 (the same)
        return -self.accuracy, self.number != 0, self.loss, self.number


@dataclass(frozen=True)
class Importance:
    """How much each option matters for the accuracy.

    Attributes:
        shares: dotted key → share in the variance of the accuracy, from the largest; they sum to 1.
        trials: that it was computed from.
        epochs: the accuracies are the best ones of so many epochs; None: of finished trials.
    """

    shares: Mapping[str, float]
    trials: int
    epochs: int | None
