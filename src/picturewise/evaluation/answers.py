"""A classifier's answers beside the labels, for every kind of target: whether each is right, and how sure it was."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from picturewise.targets.sequences import is_sequences, same
from picturewise.targets.target import Target

PROBABILITY_FLOOR = 1e-15
"""A smaller probability of a label counts as this in its loss, 34.5 nats: one with 0 would make a mean infinite."""


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers for N pictures.

    Attributes:
        target: the meaning of labels and probabilities.
        probabilities: (N, outputs).
        labels: of the pictures, in the form that `target` checks.
    """

    target: Target
    probabilities: NDArray[np.floating]
    labels: NDArray[np.int64]

    @cached_property
    def _decoded(self) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
        return self.target.decode(self.probabilities)

    @property
    def answers(self) -> NDArray[np.int64]:
        """The most likely answers, in the form of labels."""
        return self._decoded[0]

    @property
    def confidence(self) -> NDArray[np.floating]:
        """The probability (N,) of each answer."""
        return self._decoded[1]

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Whether each answer (N,) is the label."""
        if is_sequences(self.target):
            return same(self.labels, self.answers)
        return np.asarray(self.answers == self.labels)

    @cached_property
    def losses(self) -> NDArray[np.float64]:
        """-log of the probability of each label (N,), in nats."""
        if is_sequences(self.target):
            floor = math.log(PROBABILITY_FLOOR) * self.labels.shape[1]
            found = self.target.log_probability(self.probabilities, self.labels)
            return np.asarray(-np.clip(found, floor, 0.0))
        given = self.probabilities[np.arange(len(self.labels)), self.labels].astype(np.float64)
        return -np.log(np.clip(given, PROBABILITY_FLOOR, 1.0))
