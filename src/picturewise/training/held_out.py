"""What is measured after each epoch, on pictures that were not trained on: a validation split, or `Folds` of train."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.training.learner import Learner

WHOLE_EPOCHS = 2
"""The last epochs, which are validated with all views: the learning rate is lowest, so one of them is the best."""


class Measured(NamedTuple):
    """The result on pictures that were held out.

    Attributes:
        logits: (N, outputs).
        loss: their mean, in nats.
        accuracy: in [0, 1].
        seconds: that networks for this result were trained before, see `Folds`.
        views: of each picture that were used.
    """

    logits: NDArray[np.float32]
    loss: float
    accuracy: float
    seconds: float = 0.0
    views: int = 1


class Validation(Protocol):
    """Measures a network after an epoch."""

    @property
    def pictures(self) -> ImageSet:
        """The pictures that are held out, in the order of the logits."""

    def measure(self, epoch: int) -> Measured:
        """Return the result after an epoch, from 1; 0: before the first one."""


class OnSplit:
    """The present network on a validation split.

    Args:
        learner: has the network.
        pictures: the split.
        whole: use all views of the pictures after every epoch, because all epochs are compared.
    """

    def __init__(self, learner: Learner, pictures: ImageSet, *, whole: bool = False) -> None:
        self._learner, self._pictures = learner, pictures
        self._whole = whole or learner.recipe.training.patience is not None

    @property
    def pictures(self) -> ImageSet:
        """The validation split."""
        return self._pictures

    def measure(self, epoch: int) -> Measured:
        """Return the result of the learner's network as it is now."""
        views = self._learner.preparation.seen.count if epoch >= self.whole_from else 1
        return Measured(*self._learner.evaluate(self.pictures, one_view=views == 1), views=views)

    @property
    def whole_from(self) -> int:
        """The first epoch after which all views are used, because the best of them is kept; before, only one is.

        Six views of 5,000 pictures cost a seventh of an epoch of 45,000.
        """
        if self._whole or self._learner.preparation.seen.count == 1:
            return 0
        return max(0, self._learner.epochs - WHOLE_EPOCHS + 1)
