"""One training step: forward, loss, backward, update."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from picturewise.preparing.preparation import Preparation
from picturewise.training.losses import Loss
from picturewise.training.machine import Machine
from picturewise.training.optimizers import Optimizer
from picturewise.training.small_pictures import convolving


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
    """Take one step and return its numbers, still on the device.

    Args:
        network: in training mode.
        optimizer: of the network.
        machine: device and precision.
        preparation: from 0..255 to the network's input.
        loss: what is minimised.
        pictures: (B, H, W, C) uint8 or float in 0..255.
        targets: (B, outputs), see `Target.shares`.
        learning_rate: of this step.

    Returns:
        (4,) float64: the minimised loss, the sum of plain losses, the numbers of correct answers and of pictures.
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
        right = loss.right(logits, targets)
        seen = [minimised, plain, right, torch.full_like(right, len(targets))]
        return torch.stack([value.double() for value in seen])
