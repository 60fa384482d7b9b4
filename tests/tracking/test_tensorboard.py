from __future__ import annotations

import io
import signal
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from picturewise.errors import Interrupted
from picturewise.runs.run import open_run
from picturewise.tasks.evaluate import evaluate
from picturewise.tasks.train import train
from picturewise.tracking.first_pictures import draw_first_pictures
from picturewise.tracking.tensorboard import SCALARS, TensorBoard
from picturewise.training.trainer import Callback, Trainer

pytest.importorskip("tensorboard")


def record(path: Path) -> Any:
    """Return the record of a run as TensorBoard reads it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(path / "tensorboard")).Reload()


def check_scalars(path: Path) -> None:
    """Check that the record has the epochs of history.csv, each once, in single precision."""
    history, found = open_run(path).history, record(path)
    assert set(found.Tags()["scalars"]) == set(SCALARS)
    for tag, column in SCALARS.items():
        events = found.Scalars(tag)
        assert [event.step for event in events] == [row.epoch for row in history]
        assert [event.value for event in events] == [np.float32(asdict(row)[column]) for row in history]
        times = [event.wall_time for event in events]
        assert times == sorted(times)


class Stop(Callback):
    """Sends Ctrl-C in the third batch of the second epoch."""

    def on_batch(self, trainer: Trainer) -> None:
        if (trainer.epoch, trainer.batch) == (2, 3):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
def test_the_record_holds_the_history_and_training_ends_with_the_same_weights(
    tmp_path: Path, tiny: ModuleType, untracked: dict[str, Any]
) -> None:
    tiny.start(tmp_path / "run", callbacks=[TensorBoard()], epochs=3).fit()
    check_scalars(tmp_path / "run")
    assert tiny.outcome(tmp_path / "run") == untracked


def test_the_record_holds_the_graph_of_the_network(tmp_path: Path, tiny: ModuleType) -> None:
    trainer = tiny.start(tmp_path / "run", callbacks=[TensorBoard()])
    trainer.fit()
    names = [node.name for node in record(tmp_path / "run").Graph().node]
    for number, module in enumerate(trainer.network):
        if not isinstance(module, nn.Dropout):  # which is nothing in evaluation
            assert any(name.startswith(f"Chain/{type(module).__name__}[{number}]/") for name in names)


def test_the_record_holds_the_sheet_of_the_first_pictures(tmp_path: Path, tiny: ModuleType) -> None:
    trainer = tiny.start(tmp_path / "run", callbacks=[TensorBoard()])
    trainer.fit()
    (image,) = record(tmp_path / "run").Images("pictures")
    sheet = np.asarray(Image.open(io.BytesIO(image.encoded_image_string)))
    assert np.array_equal(sheet, draw_first_pictures(trainer.learner))


def test_a_resumed_run_goes_on_in_its_record_and_repeats_nothing(
    tmp_path: Path, tiny: ModuleType, untracked: dict[str, Any]
) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        tiny.start(path, callbacks=[TensorBoard(), Stop()], epochs=3).fit()
    check_scalars(path)
    tiny.resume(path, callbacks=[TensorBoard()]).fit()
    check_scalars(path)
    assert len(record(path).Images("pictures")) == 1
    assert {**tiny.outcome(path), "checkpoints": untracked["checkpoints"]} == untracked


def test_a_run_that_began_without_a_record_gets_all_its_epochs(tmp_path: Path, tiny: ModuleType) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        tiny.start(path, callbacks=[Stop()], epochs=3).fit()
    tiny.resume(path, callbacks=[TensorBoard()]).fit()
    check_scalars(path)


class Restless(nn.Module):
    """Counts its calls, which matter in training, always draws random numbers, and is traceable or not."""

    def __init__(self, *, traceable: bool) -> None:
        super().__init__()
        self.traceable, self.calls, self.layer = traceable, 0, nn.Linear(36, 3)
        nn.init.constant_(self.layer.weight, 0.01)
        nn.init.zeros_(self.layer.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        if torch.jit.is_tracing() and not self.traceable:
            raise TypeError("not me")
        self.calls += 1
        strength = 1 + self.calls % 3 if self.training else 0
        return self.layer(pictures.flatten(1) + strength * torch.rand(len(pictures), 36))


@pytest.mark.parametrize("traceable", [True, False])
def test_drawing_the_graph_leaves_a_module_and_its_random_numbers_as_they_were(
    traceable: bool, tmp_path: Path, tiny: ModuleType
) -> None:
    ends = []
    for name, callbacks in (("without", []), ("with", [TensorBoard()])):
        network = Restless(traceable=traceable)
        trainer = tiny.start(tmp_path / name, callbacks=callbacks, network=network)
        trainer.fit()
        ends.append((tiny.outcome(tmp_path / name), network.calls, network.training))
    assert ends[0] == ends[1]
    notes = [note for note in open_run(tmp_path / "with").record.notes if "TensorBoard" in note]
    expected = (
        "TensorBoard will not show a graph: the network cannot be traced with pictures of 6x6x1 (TypeError)."
    )
    assert notes == ([] if traceable else [expected])
    assert bool(record(tmp_path / "with").Tags()["graph"]) == traceable
    check_scalars(tmp_path / "with")


@pytest.mark.slow
def test_a_run_with_a_record_is_evaluated_like_any_other(tmp_path: Path, idx_folder: Path) -> None:
    run = train(
        idx_folder, model="mlp 8", epochs=1, out=tmp_path / "run", track="tensorboard", progress=False
    )
    check_scalars(run.path)
    assert evaluate(run).pictures == 20
