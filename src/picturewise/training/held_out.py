"""What is measured after each epoch, on pictures that were not trained on: a validation split, or `Folds` of train."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.training.learner import Learner


class Measured(NamedTuple):
    """The result on pictures that were held out.

    Attributes:
        logits: (N, outputs).
        loss: their mean, in nats.
        accuracy: in [0, 1].
        seconds: that networks for this result were trained before, see `Folds`.
    """

    logits: NDArray[np.float32]
    loss: float
    accuracy: float
    seconds: float = 0.0


class Validation(Protocol):
    """Measures a network after an epoch."""

    @property
    def pictures(self) -> ImageSet:
        """The pictures that are held out, in the order of the logits."""

    def measure(self, epoch: int) -> Measured:
        """Return the result after an epoch, from 1; 0: before the first one."""


class OnSplit:
    """The present network on a validation split."""

    def __init__(self, learner: Learner, pictures: ImageSet) -> None:
        self._learner, self._pictures = learner, pictures

    @property
    def pictures(self) -> ImageSet:
        """The validation split."""
        return self._pictures

    def measure(self, epoch: int) -> Measured:
        """Return the result of the learner's network as it is now."""
        del epoch
        return Measured(*self._learner.evaluate(self.pictures))
