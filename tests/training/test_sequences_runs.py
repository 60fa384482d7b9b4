"""Runs on sequences: both engines, what is kept, and going on bit for bit after they were stopped or killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from picturewise.errors import Interrupted
from picturewise.evaluation.abstaining import threshold
from picturewise.runs.history import Epoch
from picturewise.runs.run import open_run
from picturewise.targets import Ctc, Places
from picturewise.targets.sequences import same
from picturewise.training import start as starting
from picturewise.training.make_learner import make_learner
from picturewise.training.trainer import Callback, Trainer


@pytest.fixture(scope="module")
def undisturbed(
    blocks: ModuleType, tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """The outcome of a run that nothing disturbed."""
    path = tmp_path_factory.mktemp("sequences") / "run"
    blocks.start(path).fit()
    found: dict[str, Any] = tiny.outcome(path)
    return found


class Stop(Callback):
    def __init__(self, epoch: int, batch: int | None) -> None:
        self.place = (epoch, batch)

    def on_batch(self, trainer: Trainer) -> None:
        if (trainer.epoch, trainer.batch) == self.place:
            signal.raise_signal(signal.SIGTERM)

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        if (row.epoch, None) == self.place:
            signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize(("epoch", "batch"), [(1, 2), (1, None), (2, 4)])
def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    tmp_path: Path,
    blocks: ModuleType,
    tiny: ModuleType,
    undisturbed: dict[str, Any],
    epoch: int,
    batch: int | None,
) -> None:
    with pytest.raises(Interrupted):
        blocks.start(tmp_path / "run", callbacks=[Stop(epoch, batch)]).fit()
    blocks.resume(tmp_path / "run").fit()
    found = tiny.outcome(tmp_path / "run")
    assert {**found, "checkpoints": undisturbed["checkpoints"]} == undisturbed


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    tmp_path: Path, blocks: ModuleType, tiny: ModuleType, undisturbed: dict[str, Any]
) -> None:
    path = tmp_path / "run"
    ended = subprocess.run(
        [sys.executable, str(blocks.__file__), str(path), "2", "3"], capture_output=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert open_run(path).record.status == "running"
    blocks.resume(path).fit()
    found = tiny.outcome(path)
    assert found["weights"] == undisturbed["weights"]
    assert found["history"] == undisturbed["history"]
    assert found["classifier"] == undisturbed["classifier"]


@pytest.mark.slow
def test_a_run_learns_to_read_and_keeps_calibrated_thresholds(tmp_path: Path, blocks: ModuleType) -> None:
    options = {"layers": ("flatten", "dense 32 relu"), "augmentation": (), "epochs": 6, "train": 600}
    blocks.start(tmp_path / "run", learning_rate=0.02, **options).fit()
    run = open_run(tmp_path / "run")
    assert run.history[-1].valid_accuracy > 0.95
    assert run.target == Places(blocks.SYMBOLS, 3)
    assert run.recipe.model.head == "numbers 3 of 3"
    classifier = run.classifier()
    valid = blocks.dataset(600).valid
    readings, sure = run.target.decode(classifier.probabilities(valid.images))
    right = same(valid.required_labels, readings)
    assert classifier.description.thresholds == {
        name: found
        for name, goal in (("0.98", 0.98), ("0.99", 0.99))
        if (found := threshold(sure, right, goal)) is not None
    }
    assert "0.98" in classifier.description.thresholds


def test_columns_are_read_too_and_a_stopped_run_goes_on_bit_for_bit(
    tmp_path: Path, blocks: ModuleType, tiny: ModuleType
) -> None:
    options = {"layers": ("conv 8 4x3 valid relu", "dropout 0.1", "ctc"), "augmentation": (), "train": 200}
    blocks.start(tmp_path / "whole", **options).fit()
    with pytest.raises(Interrupted):
        blocks.start(tmp_path / "stopped", callbacks=[Stop(2, 3)], **options).fit()
    starting.resume(open_run(tmp_path / "stopped"), blocks.dataset(200)).fit()
    whole, stopped = (tiny.outcome(tmp_path / name) for name in ("whole", "stopped"))
    assert (stopped["weights"], stopped["history"]) == (whole["weights"], whole["history"])
    run = open_run(tmp_path / "whole")
    assert run.recipe.model.head == "ctc 3 10 of 3"
    assert run.target == Ctc(blocks.SYMBOLS, 3, 10)
    assert run.history[-1].valid_loss < 0.8 * run.history[0].train_loss
    summary = run.summary()
    assert summary is not None
    assert summary.rows[-1].line == "ctc 3 10 of 3"


@pytest.mark.parametrize("engine", ["torch", "numpy"])
def test_both_engines_learn_to_read(engine: str, blocks: ModuleType) -> None:
    recipe = blocks.recipe(
        layers=("flatten", "dense 24 relu", "numbers 4 of 3"), augmentation=(), engine=engine, optimizer="sgd",
        learning_rate=0.01, epochs=6,
    )  # fmt: skip
    learner, _ = make_learner(recipe, blocks.dataset(200))
    before = learner.evaluate(learner.valid)[1]
    with learner.learning():
        for epoch in range(1, 7):
            order = learner.begin(epoch)
            for batch in range(learner.batches):
                learner.step(order, epoch, batch, 0.01)
    _, loss, accuracy = learner.evaluate(learner.valid)
    assert loss < before / 3
    assert accuracy > 0.7


def test_both_engines_take_the_same_steps(blocks: ModuleType) -> None:
    weights = []
    for engine in ("torch", "numpy"):
        recipe = blocks.recipe(
            layers=("flatten", "dense 8 tanh", "numbers 3"), augmentation=("mixup 0.4",), engine=engine,
            optimizer="sgd", label_smoothing=0.1,
        )  # fmt: skip
        learner, _ = make_learner(recipe, blocks.dataset())
        with learner.learning():
            order = learner.begin(1)
            for batch in range(learner.batches):
                learner.step(order, 1, batch, 0.1)
        learner.evaluate(learner.valid)  # NumPy's weights go back into the module
        weights.append([value.detach().numpy() for value in learner.network.state_dict().values()])
    for one, other in zip(*weights, strict=True):
        assert np.allclose(one, other, atol=1e-5)
