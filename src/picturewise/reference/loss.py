"""The loss of each target, where the backward pass begins; `training.losses` has the same in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from picturewise.reference.layer import Floats
from picturewise.targets.target import Target


class Loss(Protocol):
    """What a step needs from a loss. Logits z and targets are (B, outputs), see `Target.shares`."""

    def __call__(self, logits: Floats, targets: Floats) -> tuple[float, Floats]:
        """Return the mean loss L of the batch, which is minimised, and ∂L/∂z."""

    def plain(self, logits: Floats, targets: Floats) -> float:
        """Return the sum of the losses, neither smoothed nor weighted."""

    def right(self, logits: Floats, targets: Floats) -> int:
        """Return the number of correct answers."""


MakeLoss: TypeAlias = Callable[[Target, float, Floats | None], Loss]


@dataclass(frozen=True)
class CrossEntropy:
    """L = -1/B Σ w[k] · t[b, k] · log p[b, k], with p = softmax(z) of the logits z (B, K), over b and k.

    The targets t (B, K) are shares of classes, each row with sum 1. With label smoothing s, t is replaced by
    (1 - s) t + s/K (Szegedy et al., 2016). Because ∂ log p[k] / ∂z[j] = [k = j] - p[j],

        ∂L/∂z[b, j] = 1/B (p[b, j] · Σₖ w[k] t[b, k] - w[j] · t[b, j])

    which, unweighted, is (p - t) / B: the prediction minus the truth.

    Attributes:
        label_smoothing: s.
        class_weights: w (K,); None: 1 for all.
    """

    label_smoothing: float = 0.0
    class_weights: Floats | None = None

    def __call__(self, logits: Floats, targets: Floats) -> tuple[float, Floats]:
        """Return L and ∂L/∂z (B, K) for logits and targets (B, K)."""
        wanted = targets
        if self.label_smoothing:
            wanted = targets * (1 - self.label_smoothing) + self.label_smoothing / targets.shape[1]
        if self.class_weights is not None:
            wanted = wanted * self.class_weights
        logs = log_softmax(logits)
        gradient: Floats = np.exp(logs) * wanted.sum(axis=1, keepdims=True) - wanted
        gradient /= len(logits)
        return float(-(wanted * logs).sum() / len(logits)), gradient

    def plain(self, logits: Floats, targets: Floats) -> float:
        """Return the sum of the cross-entropies, neither smoothed nor weighted."""
        return -float((targets * log_softmax(logits)).sum())

    def right(self, logits: Floats, targets: Floats) -> int:
        """Return the number of pictures whose largest logit is that of the class with the largest share."""
        return int((logits.argmax(axis=1) == targets.argmax(axis=1)).sum())


def log_softmax(logits: Floats) -> Floats:
    """Return log(exp z[k] / Σ exp z[j]) (B, K); the largest z is subtracted from all, so that no exp overflows."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def _cross_entropy(_: Target, label_smoothing: float, class_weights: Floats | None) -> CrossEntropy:
    return CrossEntropy(label_smoothing, class_weights)


LOSSES: dict[str, MakeLoss] = {"cross-entropy": _cross_entropy}
"""`Target.loss` → function that makes the loss from a target, a label smoothing and weights of classes."""
