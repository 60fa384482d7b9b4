"""Steps of several workers against those of one worker with the same batches."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from picturewise.architectures.named import cnn
from picturewise.errors import UsageError
from picturewise.networks.weights import fingerprint
from picturewise.training.engine import TorchTrainingEngine
from picturewise.training.fast_engine import FastEngine
from picturewise.training.group import Group
from picturewise.training.learner import Learner
from picturewise.training.make_learner import make_learner

Workers = Callable[[int, Callable[[Group], Any]], list[Any]]
# Without biases before a normalisation: their gradients are zero but for rounding, from which adam makes a full step.
NORMALISED = ["conv 4 3x3 nobias", "batchnorm", "relu", "conv 4 3x3 nobias", "batchnorm", "relu", "maxpool 2",
              "flatten", "batchnorm", "dense 8 relu"]  # fmt: skip
KINDS: list[dict[str, Any]] = [
    {},
    {"layers": [line for line in cnn((6, 6, 1)) if not line.startswith("dropout")], "optimizer": "sgd"},
    {"layers": ["conv 4 nobias", "batchnorm", "relu", "residual 4 x1", "avgpool global"]},
    {"optimizer": "muon", "ema": 0.9},
    {"optimizer": "sgd", "clip_norm": 0.1, "label_smoothing": 0.1, "class_weights": "balanced"},
]
PLACES = [(1, 0), (1, 3), (2, 0)]  # the batch 3 has 9 pictures


def stepped(
    learner: Learner, places: list[tuple[int, int]], change: Callable[[Learner, int], None] | None = None
) -> list[Tensor]:
    """Take steps, before each of which `change` may change the network."""
    found = []
    with learner.learning():
        for number, place in enumerate(places):
            order = learner.begin(place[0])
            if change is not None:
                change(learner, number)
            found.append(learner.step(order, *place, learning_rate=0.01))
    return found


def learners(
    tiny: ModuleType, in_threads: Workers, size: int, places: list[tuple[int, int]], *,
    change: Callable[[Learner, int], None] | None = None, network: Callable[[], nn.Module] | None = None,
    **options: Any,
) -> tuple[Learner, list[Tensor], list[tuple[Learner, list[Tensor]]]]:  # fmt: skip
    """Return the learner of one worker, its numbers, and those of several workers."""
    options = {"layers": NORMALISED, "distributed": "fast"} | options

    def make(**more: Any) -> Learner:
        own = None if network is None else network()
        return make_learner(tiny.recipe(**options), tiny.dataset(), network=own, **more)[0]

    alone = make()
    assert isinstance(alone.engine, TorchTrainingEngine)
    numbers = stepped(alone, places, change)
    made = [make() for _ in range(size)]  # here, because threads share PyTorch's generator

    def work(group: Group) -> tuple[Learner, list[Tensor]]:
        learner = made[group.rank]
        learner.group = group
        learner.engine = learner._make_engine()
        assert isinstance(learner.engine, FastEngine)
        return learner, stepped(learner, places, change)

    return alone, numbers, in_threads(size, work)


def check(alone: Learner, numbers: list[Tensor], several: list[tuple[Learner, list[Tensor]]]) -> None:
    """Check that all workers have the same, bit for bit, and what one worker has, up to rounding."""
    tables = [fingerprint(table) for table in several[0][0].state()]
    for learner, found in several:
        torch.testing.assert_close(found, numbers, rtol=1e-4, atol=1e-4)
        for table, expected in zip(learner.state(), alone.state(), strict=True):
            assert table.keys() == expected.keys()
            for name, tensor in expected.items():
                torch.testing.assert_close(
                    table[name], tensor, rtol=1e-3, atol=1e-4, msg=lambda said, name=name: f"{name}: {said}"
                )
        assert [fingerprint(table) for table in learner.state()] == tables


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("size", [2, 3])
def test_steps_are_those_of_one_worker(
    tiny: ModuleType, in_threads: Workers, size: int, options: dict[str, Any]
) -> None:
    check(*learners(tiny, in_threads, size, PLACES, **options))


def test_a_batch_of_fewer_pictures_than_workers_is_computed_by_all(
    tiny: ModuleType, in_threads: Workers
) -> None:
    # 33 pictures: batches of 31 and 2
    check(*learners(tiny, in_threads, 3, [(1, 0), (1, 1), (2, 0)], batch_size=31, optimizer="sgd"))


def freeze(learner: Learner, step: int) -> None:
    """Freeze the first layers for two steps, and then all but the first one."""
    for number, module in enumerate(learner.network.children()):
        module.requires_grad_(number >= (3 if step < 2 else 1))
        module.train(number >= (3 if step < 2 else 1))


def test_layers_may_be_frozen_and_thawed(tiny: ModuleType, in_threads: Workers) -> None:
    alone, numbers, several = learners(tiny, in_threads, 2, [(1, 0), (1, 1), (1, 2), (1, 3)], change=freeze)
    check(alone, numbers, several)
    start = tiny.learner(layers=NORMALISED).network.state_dict()
    same = {name for name, tensor in alone.network.state_dict().items() if torch.equal(tensor, start[name])}
    assert same == {"0.weight"}


class OwnBlock(nn.Module):
    """A network of a Python class that calls PyTorch's function, without a module for it."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(36, 3, bias=False)
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("variance", torch.ones(3))

    def forward(self, pictures: Tensor) -> Tensor:
        found: Tensor = nn.functional.batch_norm(
            self.line(pictures.flatten(1)),
            self.mean,
            self.variance,
            training=self.training,  # type: ignore[arg-type]
        )
        return found


def drawn(kind: type[nn.Module]) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        torch.manual_seed(0)
        return kind()

    return make


def test_a_python_class_is_normalised_too(tiny: ModuleType, in_threads: Workers) -> None:
    check(*learners(tiny, in_threads, 2, PLACES, network=drawn(OwnBlock)))


class Counting(OwnBlock):
    """It changes a buffer that the workers do not know about."""

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training:
            self.variance += pictures.mean()
        return super().forward(pictures) if not self.training else self.line(pictures.flatten(1))


def test_a_buffer_that_workers_cannot_agree_on_is_refused(tiny: ModuleType, in_threads: Workers) -> None:
    with pytest.raises(UsageError, match="changes its buffer 'variance'"):
        learners(tiny, in_threads, 2, PLACES, network=drawn(Counting))


def test_bfloat16_differs_by_its_rounding_only(tiny: ModuleType, in_threads: Workers) -> None:
    alone, numbers, several = learners(tiny, in_threads, 2, PLACES[:1], precision="bfloat16", optimizer="sgd")
    for learner, found in several:
        torch.testing.assert_close(found, numbers, rtol=0.02, atol=0.02)
        for name, tensor in alone.network.state_dict().items():
            torch.testing.assert_close(learner.network.state_dict()[name], tensor, rtol=0.02, atol=0.01)
