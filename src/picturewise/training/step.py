"""One training step: forward, loss, backward, update."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from picturewise.data.arrays.lazy_rows import Pictures
from picturewise.preparing.on_device import on_device
from picturewise.preparing.preparation import Preparation
from picturewise.training.machine import Machine
from picturewise.training.optimizers import Optimizer
from picturewise.training.small_pictures import convolving


@dataclass(frozen=True)
class Loss:
    """Cross-entropy of class shares.

    Attributes:
        label_smoothing: share of every target that is spread over all classes (Szegedy et al., 2016).
        class_weights: (K,) or None; what a picture of each class counts.
    """

    label_smoothing: float = 0.0
    class_weights: Tensor | None = None

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean loss of the batch; logits and targets are (B, K), each target sums to 1."""
        return functional.cross_entropy(
            logits, targets, weight=self.class_weights, label_smoothing=self.label_smoothing
        )

    def plain(self, logits: Tensor, targets: Tensor, minimised: Tensor) -> Tensor:
        """Return the sum of the cross-entropies, neither smoothed nor weighted; `minimised` is this loss of them."""
        if self.label_smoothing == 0 and self.class_weights is None:
            return minimised * len(targets)
        return functional.cross_entropy(logits, targets, reduction="sum")


def train_step(
    network: nn.Module,
    optimizer: Optimizer,
    machine: Machine,
    preparation: Preparation,
    loss: Loss,
    pictures: Tensor,
    targets: Tensor,
    learning_rate: float,
) -> Tensor:
    """Take one step and return what it saw, still on the device.

    Args:
        network: in training mode.
        optimizer: of the network.
        machine: device and precision.
        preparation: from 0..255 to what the network takes.
        loss: what is minimised.
        pictures: (B, H, W, C) uint8 or float in 0..255.
        targets: (B, K) class shares.
        learning_rate: of this step.

    Returns:
        (4,) float64: the minimised loss, the sum of plain cross-entropies, right answers, pictures.
    """
    prepared = preparation.apply(pictures)
    with machine.computing(), convolving(network, machine):
        logits: Tensor = network(prepared)
    logits = logits.float()
    minimised = loss(logits, targets)
    minimised.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
    optimizer.step(learning_rate)
    with torch.no_grad():
        plain = loss.plain(logits, targets, minimised)
        right = (logits.argmax(dim=1) == targets.argmax(dim=1)).sum()
        seen = [minimised, plain, right, torch.full_like(right, len(targets))]
        return torch.stack([value.double() for value in seen])


def validate(
    network: nn.Module,
    machine: Machine,
    preparation: Preparation,
    images: Pictures,
    batch_size: int,
) -> NDArray[np.float32]:
    """Return the (N, K) logits of all `images` (N, H, W, C), N ≥ 1, with the network in evaluation mode."""
    network.eval()

    def computed(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        batch = on_device(pictures, machine.device)
        found: NDArray[np.float32] = network(preparation.apply(batch)).float().cpu().numpy()
        return found

    with torch.inference_mode(), machine.computing():
        return preparation.seen.average_batches(images, batch_size, computed)


def cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return mean cross-entropy in nats and accuracy."""
    scores, wanted = torch.from_numpy(logits).double(), torch.tensor(labels)
    loss = functional.cross_entropy(scores, wanted)
    return float(loss), float((scores.argmax(dim=1) == wanted).double().mean())
