"""`Target`: the interface of every kind of answer."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Target(Protocol):
    """A kind of answer to a picture. N is the number of pictures; a label is a number, or a row of L numbers."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names for the numbers of a label."""

    @property
    def name(self) -> str:
        """Its name in a classifier's file, see `named`."""

    @property
    def loss(self) -> str:
        """The name of its loss in `training.losses` and `reference.loss`."""

    @property
    def metrics(self) -> str:
        """The name of its metrics in `evaluation.metrics`."""

    @property
    def outputs(self) -> int:
        """The width of the output layer."""

    @property
    def output_line(self) -> str:
        """The layer line of the output layer."""

    def check(self, labels: NDArray[Any], pictures: int, where: str) -> None:
        """Check the labels of `pictures` pictures; `where` says where they came from.

        Raises:
            DataError: another shape or type, or a number without a meaning.
        """

    def shares(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the targets of the outputs (N, outputs): the share that the labels give to each.

        Shares can be averaged, as mixup does; an output that a label says nothing about has 0.
        """

    def probabilities(self, logits: NDArray[Any]) -> NDArray[Any]:
        """Return the probabilities (N, outputs) of logits (N, outputs)."""

    def decode(self, probabilities: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
        """Return the most likely answers, in the form of labels, and the probability of each (N,)."""

    def text(self, answer: NDArray[np.int64] | np.int64) -> str:
        """Return one answer, or one label, as text."""
