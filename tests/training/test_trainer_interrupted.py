"""A run that is stopped, killed or out of space goes on bit for bit as if nothing had happened."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from picturewise.errors import Interrupted, SaveError
from picturewise.runs.history import Epoch
from picturewise.runs.run import open_run
from picturewise.training import loop as training
from picturewise.training.trainer import Callback, Trainer

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork processes")


class Signal(Callback):
    """Sends this process a signal after a batch, or after the validation of an epoch (batch None)."""

    def __init__(self, number: signal.Signals, epoch: int, batch: int | None) -> None:
        self.number, self.place = number, (epoch, batch)

    def on_batch(self, trainer: Trainer) -> None:
        if (trainer.epoch, trainer.batch) == self.place:
            signal.raise_signal(self.number)

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        if (row.epoch, None) == self.place:
            signal.raise_signal(self.number)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
@pytest.mark.parametrize(
    ("epoch", "batch", "place"),
    [
        (1, 1, "in epoch 1, batch 1 of 4"),
        (1, 4, "in epoch 1, batch 4 of 4"),
        (1, None, "in epoch 2, batch 0 of 4"),
        (2, 3, "in epoch 2, batch 3 of 4"),
        (2, None, "in epoch 2, batch 0 of 4"),
    ],
)
def test_a_signal_stops_a_run_after_a_checkpoint_and_it_goes_on_as_if_it_had_not(
    tmp_path: Path,
    tiny: ModuleType,
    whole: dict[str, Any],
    number: signal.Signals,
    code: int,
    epoch: int,
    batch: int | None,
    place: str,
) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted) as caught:
        tiny.start(path, callbacks=[Signal(number, epoch, batch)]).fit()
    assert caught.value.exit_code == code
    message = str(caught.value)
    assert message.startswith(f"Stopped by {number.name} {place}, after saving a checkpoint.")
    assert message.endswith(f"Continue with: picturewise resume {path}")
    record = open_run(path).record
    assert (record.status, record.reason) == ("interrupted", message)
    tiny.resume(path).fit()
    found = tiny.outcome(path)
    assert {**found, "checkpoints": whole["checkpoints"]} == whole


def test_a_run_can_be_stopped_again_and_again(
    tmp_path: Path, tiny: ModuleType, whole: dict[str, Any]
) -> None:
    trainer = tiny.start(tmp_path / "run", callbacks=[Signal(signal.SIGTERM, 1, 1)])
    for epoch, batch in [(1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3), (2, 4)]:
        with pytest.raises(Interrupted):
            trainer.fit()
        trainer = tiny.resume(tmp_path / "run", callbacks=[Signal(signal.SIGTERM, epoch, batch)])
    with pytest.raises(Interrupted):
        trainer.fit()
    tiny.resume(tmp_path / "run").fit()
    found = tiny.outcome(tmp_path / "run")
    assert {**found, "checkpoints": whole["checkpoints"]} == whole


def test_early_stopping_and_a_signal_in_the_same_epoch(tmp_path: Path, tiny: ModuleType) -> None:
    options = {"epochs": 9, "learning_rate": 1e-12, "patience": 1}
    tiny.start(tmp_path / "whole", **options).fit()
    whole = tiny.outcome(tmp_path / "whole")
    last = whole["history"][-1]["epoch"]
    with pytest.raises(Interrupted):
        tiny.start(tmp_path / "run", callbacks=[Signal(signal.SIGINT, last, None)], **options).fit()
    tiny.resume(tmp_path / "run").fit()
    assert tiny.outcome(tmp_path / "run") == whole


def child(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).with_name("killing.py")), *map(str, arguments)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert told.stderr == ""
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.mark.slow
@needs_fork
@pytest.mark.campaign
def test_a_run_killed_before_any_change_on_disk_or_after_any_batch_goes_on_bit_for_bit(
    tmp_path: Path, whole: dict[str, Any], whole_campaign: bool
) -> None:
    step = 1 if whole_campaign else 7
    found = child("sweep", tmp_path, step)
    assert found["whole"] == whole
    # Two epochs: 8 batches, 2 checkpoints of 3 files, and the files beside them.
    assert len(found["killed"]) > 60 // step
    assert {fuse: result for fuse, result in found["killed"].items() if result != whole} == {}


@pytest.mark.slow
@needs_fork
@pytest.mark.campaign
def test_a_run_killed_many_times_goes_on_bit_for_bit(
    tmp_path: Path, whole: dict[str, Any], whole_campaign: bool
) -> None:
    runs = 20 if whole_campaign else 1
    found = child("chain", tmp_path, runs)
    assert found["whole"]["weights"] == whole["weights"]
    assert sum(one["kills"] for one in found["chains"]) > 2 * runs
    assert all(one["result"] == found["whole"] for one in found["chains"])


@pytest.mark.slow
@needs_fork
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_run_whose_files_grow_too_large_ends_with_a_sentence_and_goes_on_without_the_limit(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    limited = child("limited", tmp_path)["limited"]
    assert len(limited) >= 3
    assert all(one["status"] == 0 and one["result"] == whole for one in limited)


@pytest.mark.slow
@needs_fork
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux mounts a small disk for one process")
def test_a_run_on_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    disk, elsewhere = tmp_path / "disk", tmp_path / "elsewhere"
    disk.mkdir()
    elsewhere.mkdir()
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=256k tmpfs '{disk}'"
    try:
        subprocess.run([*alone, mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    script = f"{mount} && '{sys.executable}' '{Path(__file__).with_name('killing.py')}' full '{disk}' '{elsewhere}'"
    told = subprocess.run([*alone, script], check=True, capture_output=True, text=True)
    found = json.loads(told.stdout)
    assert found["status"] == 0
    assert found["said"].startswith(f"No space left while saving {disk}/run/")
    assert {"recipe.toml", "run.json", "classifier.safetensors", "history.csv"} <= set(found["kept"])
    assert not any(".unfinished" in name for name in found["kept"])
    assert found["result"] == whole


@pytest.mark.slow
def test_a_disk_that_fails_at_any_flush_loses_nothing(
    tmp_path: Path, tiny: ModuleType, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    failing = 0
    for failing in range(
        9, 1000
    ):  # the first eight flushes let the run appear; see tests/runs/test_new_run.py
        calls, path = 0, tmp_path / str(failing)
        trainer = tiny.start(path)
        try:
            trainer.fit()
        except SaveError as error:
            assert str(error).startswith(f"No space left while saving {path}/")  # noqa: PT017 (the loop ends without)
            assert list(path.rglob(".unfinished-*")) == []
        else:
            break
        calls = 1000
        tiny.resume(path).fit()
        assert tiny.outcome(path) == whole
    assert failing > 20


def test_a_signal_that_comes_while_a_checkpoint_is_written_waits_for_it(
    tmp_path: Path, tiny: ModuleType, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = training.checkpoint.save

    def interrupted_save(*arguments: Any) -> Path:
        signal.raise_signal(signal.SIGTERM)
        return save(*arguments)

    monkeypatch.setattr(training.checkpoint, "save", interrupted_save)
    with pytest.raises(Interrupted, match="in epoch 2, batch 0 of 4"):
        tiny.start(tmp_path / "run").fit()
    monkeypatch.undo()
    tiny.resume(tmp_path / "run").fit()
    assert tiny.outcome(tmp_path / "run") == whole
