from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from picturewise.preparing.augment import augment
from picturewise.preparing.augmentation import parse
from picturewise.preparing.preparation import Preparation
from picturewise.training.losses import CrossEntropy
from picturewise.training.machine import Machine
from picturewise.training.optimizers import Optimizer
from picturewise.training.step import train_step

MACHINE = Machine(torch.device("cpu"), "float32", 1)
PREPARATION = Preparation(mean=(100.0,), std=(50.0,))
RANDOM = np.random.default_rng(0)
SHARES = RANDOM.dirichlet([0.5] * 4, size=6)


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


IMAGES = RANDOM.integers(0, 256, (10, 3, 2, 1), dtype=np.uint8)


def test_a_step_follows_the_gradient_and_tells_what_it_saw() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 4))
    begin = {key: value.clone() for key, value in network.state_dict().items()}
    pictures, targets = torch.from_numpy(IMAGES[:6]), torch.from_numpy(SHARES).float()
    optimizer = Optimizer("sgd", network, momentum=0, weight_decay=0)
    loss = CrossEntropy(label_smoothing=0.1)
    seen = train_step(network, optimizer, MACHINE, PREPARATION, loss, pictures, targets, 0.5)

    inputs = (IMAGES[:6].reshape(6, 6).astype(np.float64) - 100) / 50
    weight, bias = begin["1.weight"].double().numpy(), begin["1.bias"].double().numpy()
    logits, shares = inputs @ weight.T + bias, targets.double().numpy()
    smoothed = 0.9 * shares + 0.1 / 4
    gradient = (np.exp(log_softmax(logits)) - smoothed) / 6  # of the loss by the logits
    np.testing.assert_allclose(network[1].weight.detach(), weight - 0.5 * gradient.T @ inputs, atol=1e-5)
    np.testing.assert_allclose(network[1].bias.detach(), bias - 0.5 * gradient.sum(axis=0), atol=1e-5)

    minimised = -(smoothed * log_softmax(logits)).sum(axis=1).mean()
    plain = -(shares * log_softmax(logits)).sum()
    right = (logits.argmax(axis=1) == shares.argmax(axis=1)).sum()
    assert seen.dtype == torch.float64
    assert seen.tolist() == pytest.approx([minimised, plain, right, 6], rel=1e-5)


class Elsewhere(Machine):
    """A device that has shapes and no numbers, so that reading one of them fails; it does not have a narrow format."""

    def computing(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


@pytest.mark.parametrize(
    "optimizer", ["rmsprop", "adam", "adamw", "muon"]
)  # torch has no sgd for such a device
def test_a_step_with_all_that_changes_pictures_reads_nothing_back_from_the_device(optimizer: str) -> None:
    device = torch.device("meta")
    lines = (
        "shift 1; crop 1; flip; flip alternate; cutout 2; rotate 30; mixup 0.4; crop random; zoom; brightness; "
        "contrast; colour; hue; blur; noise; erase; cutmix; rand-augment 3 9"
    )
    pictures, targets = augment(
        torch.zeros(6, 6, 6, 3, dtype=torch.uint8, device=device),
        torch.zeros(6, 4, device=device),
        parse(lines),
        np.random.default_rng(0),
        np.arange(6) % 2 == 0,
    )
    layers = [
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.GELU(),
        nn.Dropout(0.2),
        nn.Conv2d(4, 4, 3),
        nn.Flatten(),
    ]
    network = nn.Sequential(*layers, nn.Linear(16, 4)).to(device)
    loss = CrossEntropy(0.1, torch.ones(4, device=device))
    preparation = Preparation(mean=(100.0,) * 3, std=(50.0,) * 3)
    rule = Optimizer(optimizer, network, momentum=0.9, weight_decay=0.01, clip_norm=1.0)  # type: ignore[arg-type]
    machine = Elsewhere(device, "float32", 1)
    seen = train_step(network, rule, machine, preparation, loss, pictures, targets, 0.1)
    assert (seen.device, seen.shape, seen.dtype) == (device, (4,), torch.float64)
    with pytest.raises(RuntimeError):
        seen.tolist()


def test_a_loss_that_is_not_a_number_is_returned_and_not_hidden() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    network[1].weight.data.fill_(math.inf)
    optimizer = Optimizer("sgd", network, momentum=0, weight_decay=0)
    targets = torch.eye(2)[[0, 1, 0]]
    seen = train_step(
        network, optimizer, MACHINE, PREPARATION, CrossEntropy(), torch.from_numpy(IMAGES[:3]), targets, 0.1
    )
    assert not math.isfinite(seen[0])
