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

from picturewise.targets.ctc import Ctc
from picturewise.targets.places import Places
from picturewise.targets.sequences import same
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


@dataclass(frozen=True)
class PlacesLoss:
    """The sum of the cross-entropies of the length and of each place, see `Places`: -log of a reading's probability.

    Attributes:
        target: what the logits mean.
        label_smoothing: share of the target of each length and each symbol that is spread over all of them.
    """

    target: Places
    label_smoothing: float = 0.0
    class_weights: None = None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of the batch; logits and targets are (B, outputs)."""
        return self._sum(logits, targets, self.label_smoothing) / len(targets)

    def plain(self, logits: Tensor, targets: Tensor, minimised: Tensor) -> Tensor:
        """Return the sum of the losses, not smoothed; `minimised` is this loss for them."""
        return self._sum(logits, targets, 0.0) if self.label_smoothing else minimised * len(targets)

    def right(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the number of pictures whose likeliest length and symbols are those with the largest shares."""
        lengths = self.target.lengths
        right = logits[:, :lengths].argmax(dim=1) == targets[:, :lengths].argmax(dim=1)
        wanted = self._places(targets)
        same = self._places(logits).argmax(dim=2) == wanted.argmax(dim=2)
        return (right & (same | (wanted.sum(dim=2) == 0)).all(dim=1)).sum()

    def validate(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
        """Return the mean loss in nats, and the share of correct readings, for labels (N, 1 + L)."""
        probabilities = self.target.probabilities(logits.astype(np.float64))
        readings, _ = self.target.decode(probabilities)
        loss = -self.target.log_probability(probabilities, labels).mean()
        return float(loss), float(same(labels, readings).mean())

    def _sum(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        lengths, symbols = self.target.lengths, len(self.target.classes)
        of_length = _cross_entropies(logits[:, :lengths], targets[:, :lengths], smoothing)
        of_places = _cross_entropies(
            self._places(logits).reshape(-1, symbols), self._places(targets).reshape(-1, symbols), smoothing
        )
        return of_length + of_places

    def _places(self, outputs: Tensor) -> Tensor:
        """Return the part (B, L, K) of outputs (B, outputs) that is about symbols."""
        return outputs[:, self.target.lengths :].reshape(-1, self.target.places, len(self.target.classes))


def _cross_entropies(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Return the sum of the cross-entropies of rows (M, K); a row of targets may be 0 and then does not count."""
    logs = logits.log_softmax(dim=1)
    wanted = targets
    if smoothing:
        wanted = targets * (1 - smoothing) + targets.sum(dim=1, keepdim=True) * (smoothing / targets.shape[1])
    return -(wanted * logs).sum()


@dataclass(frozen=True)
class CtcLoss:
    """Connectionist temporal classification, see `targets.ctc`: -log of the probability of the label.

    Attributes:
        target: what the logits mean.
    """

    target: Ctc
    label_smoothing: float = 0.0
    class_weights: None = None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of the batch, from logits (B, outputs) and labels (B, 1 + L) as floats."""
        return self._sum(logits, targets) / len(targets)

    def plain(self, logits: Tensor, targets: Tensor, minimised: Tensor) -> Tensor:
        """Return the sum of the losses; `minimised` is this loss for them."""
        return minimised * len(targets)

    def right(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the number of pictures of which the most likely symbols of the columns are the label."""
        best = self._columns(logits).argmax(dim=2)  # (B, T)
        begins = best != len(self.target.classes)
        begins[:, 1:] &= best[:, 1:] != best[:, :-1]
        wanted = targets.long()
        right = begins.sum(dim=1) == wanted[:, 0]
        places = begins.cumsum(dim=1).clamp(min=1, max=self.target.places)
        expected = wanted.gather(1, places)
        return (right & (~begins | (best == expected)).all(dim=1)).sum()

    def validate(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
        """Return the mean loss in nats, and the share of pictures whose reading is their label (N, 1 + L)."""
        probabilities = self.target.probabilities(logits.astype(np.float64))
        readings, _ = self.target.decode(probabilities)
        logs = self.target.log_probability(probabilities, labels)
        return float(-np.maximum(logs, _LEAST_LOG).mean()), float(same(labels, readings).mean())

    def _columns(self, logits: Tensor) -> Tensor:
        return logits.reshape(len(logits), self.target.columns, len(self.target.classes) + 1)

    def _sum(self, logits: Tensor, targets: Tensor) -> Tensor:
        labels, blank = targets.long(), len(self.target.classes)
        columns = self._columns(logits).log_softmax(dim=2).transpose(0, 1)  # (T, B, K + 1)
        lengths = labels[:, 0].clamp(max=self.target.places)
        widths = torch.full_like(lengths, self.target.columns)
        return functional.ctc_loss(
            columns, labels[:, 1:].clamp(min=0), widths, lengths, blank=blank, reduction="sum"
        )


_LEAST_LOG = -1e4
"""Of the probability of a label that cannot be written into the columns, in nats."""


def _ctc(target: Target, label_smoothing: float, class_weights: Tensor | None) -> CtcLoss:
    assert isinstance(target, Ctc)  # noqa: S101 (its name stands in `Ctc.loss`)
    assert class_weights is None  # noqa: S101 (refused where recipes are derived)
    assert label_smoothing == 0  # noqa: S101 (the same)
    return CtcLoss(target)


def _places(target: Target, label_smoothing: float, class_weights: Tensor | None) -> PlacesLoss:
    assert isinstance(target, Places)  # noqa: S101 (its name stands in `Places.loss`)
    assert class_weights is None  # noqa: S101 (refused where recipes are derived)
    return PlacesLoss(target, label_smoothing)


def _cross_entropy(_: Target, label_smoothing: float, class_weights: Tensor | None) -> CrossEntropy:
    return CrossEntropy(label_smoothing, class_weights)


LOSSES: dict[str, MakeLoss] = {"cross-entropy": _cross_entropy, Places.loss: _places, Ctc.loss: _ctc}
"""`Target.loss` → function that makes the loss from a target, a label smoothing and weights of classes."""
