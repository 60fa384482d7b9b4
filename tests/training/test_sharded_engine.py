"""A step in shards against a whole step, against averages computed by hand, and for every number of workers."""

from __future__ import annotations

import contextlib
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from picturewise.errors import UsageError
from picturewise.networks.weights import fingerprint
from picturewise.training.group import Alone
from picturewise.training.learner import Learner
from picturewise.training.shards import shard_bounds, tree_sum

STILL = ["conv 4 3x3 relu", "maxpool 2", "flatten", "dense 8 relu"]  # nothing random, no batch statistics
KINDS: list[dict[str, Any]] = [
    {},
    {"optimizer": "muon", "ema": 0.9},
    {"optimizer": "sgd", "clip_norm": 0.1, "label_smoothing": 0.1, "class_weights": "balanced"},
    {"optimizer": "rmsprop", "precision": "bfloat16"},
]


class Apart(Alone):
    """One of several workers that are computed one after the other: it hears the others' sums from a list."""

    def __init__(self, rank: int, size: int, told: list[Tensor]) -> None:
        self.rank, self.size, self.own, self._told = rank, size, list[Tensor](), told

    def sum(self, vector: Tensor) -> Tensor:
        self.own.append(vector.clone())
        return self._told.pop(0).clone() if self._told else vector


def step(learner: Learner, epoch: int, batch: int) -> Tensor:
    with learner.learning():
        return learner.step(learner.begin(epoch), epoch, batch, 0.01)


@pytest.mark.parametrize("shards", [1, 2, 4, 8])
def test_without_batch_statistics_a_step_is_that_of_the_whole_batch(tiny: ModuleType, shards: int) -> None:
    for options in ({}, {"label_smoothing": 0.1, "class_weights": "balanced"}):
        plain = tiny.learner(layers=STILL, optimizer="sgd", **options)
        cut = tiny.learner(layers=STILL, optimizer="sgd", shards=shards, **options)
        for place in ((1, 0), (1, 3)):
            assert torch.allclose(step(cut, *place), step(plain, *place), atol=1e-5)
        for name, weight in plain.network.state_dict().items():
            assert torch.allclose(weight, cut.network.state_dict()[name], atol=1e-6)


def test_running_averages_are_means_of_the_shards(tiny: ModuleType) -> None:
    learner = tiny.learner(layers=["batchnorm", "flatten"], shards=4)
    order = learner.begin(1)
    pictures, _ = learner.augmented(order[slice(*learner.bounds[3])], (1, 3))  # 9 pictures
    inputs = learner.preparation.apply(pictures)
    layer = next(module for module in learner.network.modules() if isinstance(module, nn.BatchNorm2d))
    mean = sum(
        inputs[start:stop].mean(dim=(0, 2, 3)) * (stop - start) / 9 for start, stop in shard_bounds(9, 4)
    )
    variance = sum(
        inputs[start:stop].transpose(0, 1).flatten(1).var(dim=1) * (stop - start) / 9
        for start, stop in shard_bounds(9, 4)
    )
    step(learner, 1, 3)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    assert torch.allclose(layer.running_mean, 0.1 * mean, atol=1e-6)
    assert torch.allclose(layer.running_var, 0.9 + 0.1 * variance, atol=1e-6)
    assert layer.num_batches_tracked == 1


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("workers", [2, 4, 8])
def test_the_bits_do_not_depend_on_the_number_of_workers(
    tiny: ModuleType, workers: int, options: dict[str, Any]
) -> None:
    alone = tiny.learner(shards=8, **options)
    places = [(1, 0), (1, 3), (2, 0)]  # the batch 3 has 9 pictures, which four shards share
    expected = [step(alone, *place).tolist() for place in places]

    told: list[Tensor] = []
    for _ in places:  # one more step each time, when all workers' parts of the last one are known
        parts = []
        for rank in range(workers):
            learner = tiny.learner(shards=8, **options)
            learner.group = group = Apart(rank, workers, list(told))
            learner.engine._group = group  # type: ignore[attr-defined]
            for place in places[: len(told) + 1]:
                step(learner, *place)
            parts.append(group.own[-1])
        found = tree_sum(parts.__getitem__, 0, workers)
        assert found is not None
        told.append(found)
    for rank in range(workers):
        learner = tiny.learner(shards=8, **options)
        learner.engine._group = Apart(rank, workers, list(told))  # type: ignore[attr-defined]
        assert [step(learner, *place).tolist() for place in places] == expected
        assert [fingerprint(table) for table in learner.state()] == [
            fingerprint(table) for table in alone.state()
        ]


def test_a_frozen_normalisation_stays_as_it_is(tiny: ModuleType) -> None:
    learner = tiny.learner(shards=4)
    layer = next(module for module in learner.network.modules() if isinstance(module, nn.BatchNorm2d))
    layer.running_mean.fill_(1 / 3)  # type: ignore[union-attr]
    order = learner.begin(1)
    layer.eval()
    with learner.learning():
        learner.step(order, 1, 0, 0.01)
    assert torch.equal(layer.running_mean, torch.full((4,), 1 / 3))  # type: ignore[arg-type]
    assert layer.num_batches_tracked == 0


class Counting(nn.Module):
    """A network with a buffer that a forward pass changes."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(36, 3)
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, pictures: Tensor) -> Tensor:
        with contextlib.suppress(AttributeError):
            self.seen += self.training
        found: Tensor = self.line(pictures.flatten(1))
        return found


def test_a_buffer_that_shards_cannot_agree_on_is_refused(tiny: ModuleType) -> None:
    learner = tiny.learner(network=Counting(), shards=4)
    with pytest.raises(UsageError, match="changes its buffer 'seen'"):
        step(learner, 1, 0)
