"""The moving average of the weights: its arithmetic, and a resumed run that keeps it bit for bit."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from picturewise.errors import Interrupted
from picturewise.networks.weights import fingerprint
from picturewise.prediction.classifier import load_classifier
from picturewise.runs import checkpoint
from picturewise.training.average import WeightAverage

RESIDUAL = [
    "conv 4 nobias",
    "groupnorm 2",
    "residual 4 x2 /2",
    "residual 6 pre dropout 0.3",
    "avgpool global",
]


def network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


def drift(module: nn.Module, step: int) -> None:
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.add_(step)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_the_average_is_that_of_the_formula(decay: float) -> None:
    module = network()
    average = WeightAverage(module, decay)
    expected = module[0].weight.detach().double().numpy().copy()
    for step in range(1, 30):
        drift(module, step)
        average.update(step)
        share = min(decay, step / (step + 9))
        expected = share * expected + (1 - share) * module[0].weight.detach().double().numpy()
    state = average.state()
    np.testing.assert_allclose(state["average/0.weight"].numpy(), expected, rtol=1e-5)
    assert state["average/1.num_batches_tracked"] == module[1].num_batches_tracked
    if decay == 0:
        assert torch.equal(state["average/1.running_var"], module[1].running_var)


def test_the_network_has_the_average_in_the_block_alone_whatever_happens_there() -> None:
    module = network()
    average = WeightAverage(module, 0.5)
    first = fingerprint(module.state_dict())
    drift(module, 1)
    own = fingerprint(module.state_dict())
    with average.in_place():
        assert fingerprint(module.state_dict()) == first
    assert fingerprint(module.state_dict()) == own
    with pytest.raises(ZeroDivisionError), average.in_place():
        _ = 1 / 0
    assert fingerprint(module.state_dict()) == own


@pytest.mark.parametrize("place", [(1, 2), (1, None), (2, 3)])
def test_a_resumed_run_of_residual_blocks_and_averages_ends_bit_for_bit_the_same(
    tmp_path: Path, tiny: ModuleType, place: tuple[int, int | None]
) -> None:
    options = {"layers": RESIDUAL, "ema": 0.9, "clip_norm": 0.5}
    tiny.start(tmp_path / "whole", **options).fit()
    with pytest.raises(Interrupted):
        tiny.start(tmp_path / "run", callbacks=[tiny.Stop(*place)], **options).fit()
    tiny.resume(tmp_path / "run").fit()
    found, whole = tiny.outcome(tmp_path / "run"), tiny.outcome(tmp_path / "whole")
    assert {**found, "checkpoints": whole["checkpoints"]} == whole


def test_the_average_is_what_is_validated_and_saved_and_the_weights_are_what_goes_on(
    tmp_path: Path, tiny: ModuleType
) -> None:
    trainer = tiny.start(tmp_path / "run", epochs=1, ema=0.9)
    trainer.fit()
    saved = load_classifier(trainer.run.classifier_path)
    average = {
        name.removeprefix("average/"): value for name, value in trainer.learner.average.state().items()
    }
    assert saved.weights_sha256 == fingerprint(average)
    newest, _ = checkpoint.newest(trainer.run.checkpoints)
    assert newest is not None
    assert fingerprint(newest.weights) == fingerprint(trainer.network.state_dict()) != saved.weights_sha256
    plain = tiny.start(tmp_path / "plain", epochs=1)
    plain.fit()
    assert fingerprint(plain.network.state_dict()) == fingerprint(trainer.network.state_dict())
