from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from picturewise.training.losses import CrossEntropy

RANDOM = np.random.default_rng(0)
LOGITS = RANDOM.normal(size=(6, 4), scale=3)
SHARES = RANDOM.dirichlet([0.5] * 4, size=6)
LABELS = np.array([0, 3, 1, 1, 2, 3])


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("targets", [np.eye(4)[LABELS], SHARES])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("class_weights", [None, [1.0, 0.5, 2.0, 4.0]])
def test_the_loss_is_the_weighted_cross_entropy_of_smoothed_shares(
    targets: NDArray[np.float64], smoothing: float, class_weights: list[float] | None
) -> None:
    loss = CrossEntropy(
        smoothing, None if class_weights is None else torch.tensor(class_weights, dtype=torch.float64)
    )
    smoothed = targets * (1 - smoothing) + smoothing / 4
    expected = -(np.array(class_weights or [1.0] * 4) * smoothed * log_softmax(LOGITS)).sum(axis=1).mean()
    assert float(loss(torch.from_numpy(LOGITS), torch.from_numpy(targets))) == pytest.approx(expected)


def test_validation_loss_and_accuracy_are_those_of_numpy() -> None:
    loss, accuracy = CrossEntropy().validate(LOGITS.astype(np.float32), LABELS)
    expected = -log_softmax(LOGITS.astype(np.float32).astype(np.float64))[np.arange(6), LABELS].mean()
    assert loss == pytest.approx(expected, rel=1e-9)
    assert accuracy == (LOGITS.argmax(axis=1) == LABELS).mean()


def test_a_loss_too_large_for_narrow_numbers_is_still_finite() -> None:
    loss, _ = CrossEntropy().validate(np.array([[3e38, -3e38]], np.float32), np.array([1]))
    assert loss == pytest.approx(6e38, rel=1e-6)
