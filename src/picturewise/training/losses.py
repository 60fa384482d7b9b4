"""The loss of each target, in PyTorch; `reference.loss` has the same in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from picturewise.targets.target import Target


class Loss(Protocol):
    """What a step and a validation need from a loss. Logits and targets are (B, outputs), see `Target.shares`."""

    @property
    def label_smoothing(self) -> float:
        """Share of every target that is spread over all classes."""

    @property
    def class_weights(self) -> Tensor | None:
        """The weight of a picture of each class (K,); None: 1."""

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of the batch, which is minimised."""

    def plain(self, logits: Tensor, targets: Tensor, minimised: Tensor) -> Tensor:
        """Return the sum of the losses, neither smoothed nor weighted; `minimised` is this loss for them."""

    def right(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the number of correct answers: an integer, still on the device."""

    def validate(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
        """Return the mean loss, neither smoothed nor weighted, and the accuracy of N pictures."""


MakeLoss: TypeAlias = Callable[[Target, float, Tensor | None], Loss]


@dataclass(frozen=True)
class CrossEntropy:
    """Cross-entropy of class shares.

    Attributes:
        label_smoothing: share of every target that is spread over all classes (Szegedy et al., 2016).
        class_weights: (K,) or None; the weight of a picture of each class.
    """

    label_smoothing: float = 0.0
    class_weights: Tensor | None = None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of the batch; logits and targets are (B, K), each target sums to 1."""
        return functional.cross_entropy(
            logits, targets, weight=self.class_weights, label_smoothing=self.label_smoothing
        )

    def plain(self, logits: Tensor, targets: Tensor, minimised: Tensor) -> Tensor:
        """Return the sum of the cross-entropies, neither smoothed nor weighted; `minimised` is this loss for them."""
        if self.label_smoothing == 0 and self.class_weights is None:
            return minimised * len(targets)
        return functional.cross_entropy(logits, targets, reduction="sum")

    def right(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the number of pictures whose largest logit is that of the class with the largest share."""
        return (logits.argmax(dim=1) == targets.argmax(dim=1)).sum()

    def validate(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
        """Return mean cross-entropy in nats and accuracy for logits (N, K) and labels (N,)."""
        scores, wanted = torch.from_numpy(logits).double(), torch.tensor(labels)
        loss = functional.cross_entropy(scores, wanted)
        return float(loss), float((scores.argmax(dim=1) == wanted).double().mean())


def _cross_entropy(_: Target, label_smoothing: float, class_weights: Tensor | None) -> CrossEntropy:
    return CrossEntropy(label_smoothing, class_weights)


LOSSES: dict[str, MakeLoss] = {"cross-entropy": _cross_entropy}
"""`Target.loss` → function that makes the loss from a target, a label smoothing and weights of classes."""
