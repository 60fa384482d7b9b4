"""The loss of each target, where the backward pass begins; `training.losses` has the same in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from picturewise.reference.layer import Floats
from picturewise.targets.places import Places
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


@dataclass(frozen=True)
class PlacesLoss:
    """The sum of the cross-entropies of the length and of each place, see `Places`.

    Each of these groups of outputs has a softmax of its own, so ∂L/∂z of a group is that of `CrossEntropy`. A place
    that a label says nothing about has targets 0, and therefore no derivative.

    Attributes:
        target: what the logits mean.
        label_smoothing: of each group.
    """

    target: Places
    label_smoothing: float = 0.0

    def __call__(self, logits: Floats, targets: Floats) -> tuple[float, Floats]:
        """Return L and ∂L/∂z (B, outputs) for logits and targets (B, outputs)."""
        total, gradient = 0.0, np.empty_like(logits)
        for group in self._groups():
            wanted = targets[:, group]
            if self.label_smoothing:
                spread = wanted.sum(axis=1, keepdims=True) * (self.label_smoothing / wanted.shape[1])
                wanted = wanted * (1 - self.label_smoothing) + spread
            logs = log_softmax(logits[:, group])
            total -= float((wanted * logs).sum())
            gradient[:, group] = np.exp(logs) * wanted.sum(axis=1, keepdims=True) - wanted
        gradient /= len(logits)
        return total / len(logits), gradient

    def plain(self, logits: Floats, targets: Floats) -> float:
        """Return the sum of the losses, not smoothed."""
        return -sum(float((targets[:, one] * log_softmax(logits[:, one])).sum()) for one in self._groups())

    def right(self, logits: Floats, targets: Floats) -> int:
        """Return the number of pictures whose likeliest length and symbols are those with the largest shares."""
        right = np.ones(len(logits), bool)
        for group in self._groups():
            same = logits[:, group].argmax(axis=1) == targets[:, group].argmax(axis=1)
            right &= same | (targets[:, group].sum(axis=1) == 0)
        return int(right.sum())

    def _groups(self) -> list[slice]:
        """Return the columns of the length, and those of each place."""
        symbols, lengths = len(self.target.classes), self.target.lengths
        starts = range(lengths, self.target.outputs, symbols)
        return [slice(0, lengths), *(slice(start, start + symbols) for start in starts)]


def log_softmax(logits: Floats) -> Floats:
    """Return log(exp z[k] / Σ exp z[j]) (B, K); the largest z is subtracted from all, so that no exp overflows."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def _cross_entropy(_: Target, label_smoothing: float, class_weights: Floats | None) -> CrossEntropy:
    return CrossEntropy(label_smoothing, class_weights)


def _places(target: Target, label_smoothing: float, class_weights: Floats | None) -> PlacesLoss:
    assert isinstance(target, Places)  # noqa: S101 (its name stands in `Places.loss`)
    assert class_weights is None  # noqa: S101 (refused where recipes are derived)
    return PlacesLoss(target, label_smoothing)


LOSSES: dict[str, MakeLoss] = {"cross-entropy": _cross_entropy, Places.loss: _places}
"""`Target.loss` → function that makes the loss from a target, a label smoothing and weights of classes."""
