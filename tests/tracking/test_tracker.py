from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from picturewise.errors import SaveError
from picturewise.runs.history import Epoch
from picturewise.runs.run import open_run
from picturewise.tracking.tracker import Tracker
from picturewise.training.trainer import Callback, Trainer


class Failing(Tracker):
    """Fails at one of its three tasks, and keeps which were done."""

    name = "failing"
    packages = ()

    def __init__(self, task: str) -> None:
        super().__init__()
        self.task, self.done = task, list[str]()

    def do(self, task: str) -> None:
        if task == self.task:
            raise ConnectionError("the disk went away.\nand more")
        self.done.append(task)

    def begin(self, trainer: Trainer) -> None:
        self.do("begin")

    def add(self, trainer: Trainer, row: Epoch) -> None:
        self.do(f"add {row.epoch}")

    def end(self, trainer: Trainer) -> None:
        self.do(f"end {trainer.record.status}")


def test_a_record_that_cannot_begin_is_an_error_and_the_run_can_go_on_without(
    tmp_path: Path, tiny: ModuleType, untracked: dict[str, Any]
) -> None:
    path, tracker = tmp_path / "run", Failing("begin")
    with pytest.raises(SaveError) as caught:
        tiny.start(path, callbacks=[tracker], epochs=3).fit()
    assert str(caught.value) == (
        f"--track failing cannot log {path}: the disk went away. Train without tracking with: picturewise resume {path}"
    )
    assert tracker.done == []
    tiny.resume(path).fit()
    assert tiny.outcome(path) == untracked


def test_a_record_that_breaks_under_way_ends_with_a_note_and_training_goes_on(
    tmp_path: Path, tiny: ModuleType, untracked: dict[str, Any]
) -> None:
    path, tracker = tmp_path / "run", Failing("add 2")
    tiny.start(path, callbacks=[tracker], epochs=3).fit()
    assert tiny.outcome(path) == untracked
    assert tracker.done == ["begin", "add 1"]
    assert open_run(path).record.notes[-1] == (
        "Tracking with failing stopped in epoch 2: the disk went away. The run folder is complete."
    )


def test_a_record_that_cannot_be_closed_is_a_note_of_the_finished_run(
    tmp_path: Path, tiny: ModuleType
) -> None:
    tiny.start(tmp_path / "run", callbacks=[Failing("end finished")]).fit()
    record = open_run(tmp_path / "run").record
    assert record.status == "finished"
    assert record.notes[-1] == "The log of failing could not be closed: the disk went away."


def test_a_record_that_cannot_be_closed_does_not_hide_why_training_ended(
    tmp_path: Path, tiny: ModuleType
) -> None:
    class Break(Callback):
        def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        tiny.start(tmp_path / "run", callbacks=[Break(), Failing("end running")]).fit()
