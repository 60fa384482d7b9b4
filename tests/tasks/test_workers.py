"""Training in several processes: as torchrun starts them, and with --workers; killed workers; what is refused."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import picturewise
from picturewise.errors import Interrupted, PicturewiseError, UsageError, WorkerLostError
from picturewise.recipes.recipe import make_recipe
from picturewise.runs import checkpoint
from picturewise.runs.run import open_run
from picturewise.scaling import launch
from picturewise.tasks import launching
from picturewise.tasks.launching import for_workers
from picturewise.tasks.train import as_worker

# Batch statistics, dropout, mixing, an average, and a last batch of 5 pictures.
SETTINGS = (
    "training.batch_size=86", "training.ema=0.9", "training.shards=4", "data.limit=349", "training.folds=0",
    "preparation.augmentation=['rotate 10', 'cutmix 1']", "training.checkpoint_minutes=0.001",
)  # fmt: skip
OPTIONS = ["digits", "--model", "cnn", "--epochs", "2", *(f"--set={one}" for one in SETTINGS)]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", **more}


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def begin_workers(
    arguments: list[list[str]], restarts: Sequence[int] | None = None
) -> list[subprocess.Popen[str]]:
    """Start a command in several processes, with the variables that torchrun sets."""
    port, size = free_port(), str(len(arguments))
    counts = [0] * len(arguments) if restarts is None else restarts
    return [
        subprocess.Popen(
            [sys.executable, "-m", "picturewise", *own],
            env=environment(
                RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=size, LOCAL_WORLD_SIZE=size,
                MASTER_ADDR="127.0.0.1", MASTER_PORT=port, TORCHELASTIC_RESTART_COUNT=str(counts[rank]),
            ),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank, own in enumerate(arguments)
    ]  # fmt: skip


def workers(
    arguments: list[list[str]], restarts: Sequence[int] | None = None
) -> list[subprocess.CompletedProcess[str]]:
    """Run a command in several processes, with the variables that torchrun sets."""
    ended = [(process, *process.communicate(timeout=240)) for process in begin_workers(arguments, restarts)]
    return [subprocess.CompletedProcess("", process.returncode, out, err) for process, out, err in ended]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of one worker."""
    place = tmp_path_factory.mktemp("alone") / "run"
    done = subprocess.run(
        [sys.executable, "-m", "picturewise", "train", *OPTIONS, "--out", str(place)],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return place


def outcome(run: Path) -> dict[str, Any]:
    """What must not depend on the workers."""
    opened = open_run(run)
    return {
        "weights": opened.record.final_weights_sha256,
        "history": [
            (row.train_loss, row.train_accuracy, row.valid_loss, row.valid_accuracy) for row in opened.history
        ],
        "temperature": opened.classifier().description.temperature,
        "recipe": opened.recipe.training,
    }


@pytest.mark.slow
def test_workers_of_torchrun_train_what_one_worker_trains(alone: Path, tmp_path: Path) -> None:
    place = tmp_path / "run"
    first, second = workers([["train", *OPTIONS, "--out", str(place)]] * 2)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "picturewise evaluate" in first.stdout
    assert (second.stdout, second.stderr) == ("", "")
    assert outcome(place) == outcome(alone)


@pytest.mark.slow
@pytest.mark.parametrize("restarts", [(1,), (0, 1)], ids=["one is left", "the first is a new one"])
def test_workers_that_torchrun_starts_again_go_on(
    alone: Path, tmp_path: Path, restarts: tuple[int, ...]
) -> None:
    place = tmp_path / "run"
    command = ["train", *OPTIONS, "--out", str(place)]
    begun = begin_workers([command] * 2)
    while not list(place.glob("checkpoints/*-*")):
        assert begun[0].poll() is None
        time.sleep(0.02)
    for process in begun:
        process.kill()
        process.communicate()
    assert open_run(place).record.status == "running"
    ended = workers([command] * len(restarts), restarts)
    assert [one.returncode for one in ended] == [0] * len(restarts), ended[0].stderr
    assert len(open_run(place).record.sessions) == 2
    assert outcome(place) == outcome(alone)


# Batch statistics, an average, clipping, and a last batch of 5 pictures; nothing random in parts, such as dropout.
FAST_LAYERS = (
    "conv 8 nobias; batchnorm; relu; maxpool 2; conv 8 nobias; batchnorm; relu; flatten; dense 16 relu"
)
FAST = [
    "digits", "--layers", FAST_LAYERS, "--epochs", "2", "--augment", "shift 1", "--no-folds", "--optimizer", "sgd",
    "--set=data.limit=349", "--set=training.precision=float32", "--set=training.distributed=fast",
    "--set=training.batch_size=86", "--set=training.ema=0.9", "--set=training.clip_norm=1",
    "--set=training.checkpoint_minutes=0.001",
]  # fmt: skip


@pytest.fixture(scope="module")
def two_fast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of two fast workers."""
    place = tmp_path_factory.mktemp("fast") / "run"
    done = workers([["train", *FAST, "--out", str(place)]] * 2)
    assert [one.returncode for one in done] == [0, 0], done[0].stderr
    return place


@pytest.mark.slow
def test_fast_workers_train_what_one_worker_trains_up_to_rounding(two_fast: Path, tmp_path: Path) -> None:
    three, one = tmp_path / "three", tmp_path / "one"
    done = workers([["train", *FAST, "--out", str(three)]] * 3)
    assert [process.returncode for process in done] == [0, 0, 0], done[0].stderr
    subprocess.run(
        [sys.executable, "-m", "picturewise", "train", *FAST, "--out", str(one)],
        env=environment(), capture_output=True, check=True,
    )  # fmt: skip
    for place, number in ((two_fast, "2"), (three, "3")):
        assert open_run(place).record.machine["workers"] == number
        for a, b in zip(open_run(one).history, open_run(place).history, strict=True):
            assert (a.train_loss, a.valid_loss) == pytest.approx((b.train_loss, b.valid_loss), rel=1e-4)
            assert (a.train_accuracy, a.valid_accuracy) == (b.train_accuracy, b.valid_accuracy)
        newest = [checkpoint.newest(open_run(run).checkpoints)[0] for run in (one, place)]
        assert newest[0] is not None
        assert newest[1] is not None
        assert newest[0].weights.keys() == newest[1].weights.keys()
        for name, tensor in newest[0].weights.items():
            assert np.allclose(tensor, newest[1].weights[name], atol=1e-4), name


@pytest.mark.slow
def test_fast_workers_go_on_from_a_checkpoint(two_fast: Path, tmp_path: Path) -> None:
    place = tmp_path / "run"
    command = [sys.executable, "-m", "picturewise", "train", *FAST, "--out", str(place), "--workers", "2"]
    running = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while running.poll() is None and not list(place.glob("checkpoints/*-*")):
        time.sleep(0.02)
    running.terminate()
    _, errors = running.communicate()
    assert running.returncode == 128 + signal.SIGTERM, errors.decode()
    resumed = [sys.executable, "-m", "picturewise", "resume", str(place), "--workers", "2"]
    subprocess.run(resumed, env=environment(), capture_output=True, check=True)
    assert outcome(place) == outcome(two_fast)


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(alone: Path, tmp_path: Path) -> None:
    place = tmp_path / "run"
    command = [sys.executable, "-m", "picturewise", "train", *OPTIONS, "--workers", "2", "--out", str(place)]
    running = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    killed = False
    while running.poll() is None:
        checkpoints = list(place.glob("checkpoints/*-*"))
        if checkpoints and not killed:
            children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
            of_workers = [
                int(child)
                for child in children
                if b"tasks.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
            ]
            os.kill(of_workers[-1], signal.SIGKILL)
            killed = True
        time.sleep(0.02)
    _, errors = running.communicate()
    assert (running.returncode, killed) == (0, True), errors
    assert "was ended by signal 9. All start again from the newest checkpoint (try 1 of 3)" in errors
    assert outcome(place) == outcome(alone)


@pytest.mark.slow
def test_workers_that_differ_are_refused(tmp_path: Path) -> None:
    place = str(tmp_path / "run")
    both = workers([["train", *OPTIONS, "--out", place], ["train", *OPTIONS, "--seed", "1", "--out", place]])
    assert [one.returncode for one in both] == [2, 2]
    assert "Worker 1 differs from worker 0 in the recipe. All workers must use the same." in both[0].stderr


def test_a_worker_that_is_missing_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from picturewise.training import torch_group

    monkeypatch.setattr(torch_group.dist, "init_process_group", refuse)
    for name, value in (
        ("RANK", "1"),
        ("WORLD_SIZE", "2"),
        ("MASTER_ADDR", "127.0.0.1"),
        ("MASTER_PORT", "1"),
    ):
        monkeypatch.setenv(name, value)
    with pytest.raises(WorkerLostError, match="other workers cannot be reached"), torch_group.joined_group():
        pass


@pytest.mark.slow
def test_a_worker_that_waits_for_others_ends_at_sigterm(tmp_path: Path) -> None:
    port = free_port()
    waiting = subprocess.Popen(
        [sys.executable, "-m", "picturewise", "train", *OPTIONS, "--out", str(tmp_path / "run")],
        env=environment(RANK="0", WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=port),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(1200):
            with socket.socket() as other:
                if other.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
            time.sleep(0.05)
        time.sleep(0.5)  # until it no longer begins to wait, but waits
        waiting.send_signal(signal.SIGTERM)
        assert waiting.wait(timeout=20) == -signal.SIGTERM
        assert not (tmp_path / "run").exists()
    finally:
        waiting.kill()
        waiting.wait()


def refuse(*_: object, **__: object) -> None:
    raise RuntimeError("timed out")


@pytest.mark.parametrize(
    ("count", "options", "said"),
    [
        (
            3,
            {},
            "3 workers cannot share 8 shards equally. Use 1, 2, 4 or 8 workers, or another training.shards",
        ),
        (8, {"shards": 4}, "8 workers cannot share 4 shards equally"),
        (
            2,
            {"shards": 4, "distributed": "fast"},
            "training.shards is 4, but with training.distributed=fast",
        ),
        (2, {"engine": "numpy"}, "training.engine is 'numpy', which has only one worker"),
        (2, {"folds": 5}, "training.folds is 5, but folds are trained by one worker"),
    ],
)
def test_what_several_workers_cannot_do(count: int, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace(".", "[.]")):
        for_workers(make_recipe({"data": {"source": "digits"}, "training": options}), count)


def test_the_recipe_says_what_several_workers_need() -> None:
    recipe = make_recipe({"data": {"source": "digits"}})
    assert for_workers(recipe, 1) == recipe
    assert [for_workers(recipe, count).training.shards for count in (2, 8, 16)] == [8, 8, 16]
    assert for_workers(recipe, 2).training.folds == 0


def test_what_cannot_be_passed_to_other_processes_is_refused(tmp_path: Path) -> None:
    pictures = np.zeros((20, 8, 8, 1), np.uint8), np.arange(20) % 2
    with pytest.raises(UsageError, match="Pictures in memory cannot be passed to the workers"):
        picturewise.train(pictures, workers=2, out=tmp_path / "run")
    with pytest.raises(UsageError, match="Callbacks cannot be passed to the workers"):
        picturewise.train("digits", workers=2, out=tmp_path / "run", callbacks=[picturewise.Callback()])
    with pytest.raises(UsageError, match="number of workers is 0"):
        picturewise.train("digits", workers=0, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("times", "saved", "fine"), [(3, False, True), (4, False, False), (9, True, True)])
def test_restarts_without_progress_are_limited(times: int, saved: bool, fine: bool) -> None:
    started, said = list[int](), list[str]()

    def start() -> str | None:
        started.append(1)
        return "Worker 1 was ended by signal 9" if len(started) <= times else None

    def run() -> None:
        launch.keep_running(
            start, reported=lambda: False, progress=lambda: len(started) if saved else 0, tell=said.append
        )

    if fine:
        run()
        assert len(said) == times
    else:
        with pytest.raises(
            WorkerLostError, match="Worker 1 was ended by signal 9, and so did one 3 times before"
        ):
            run()


def test_a_folder_that_holds_a_run_is_not_taken_for_the_new_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(launching, "start_here", refuse)
    place = tmp_path / "run"
    picturewise.train("digits", model="mlp 8", epochs=1, folds=0, limit=50, out=place, progress=False)
    before = open_run(place).record
    with pytest.raises(UsageError, match="already exists and is not empty"):
        picturewise.train("digits", model="mlp 16", epochs=1, workers=2, out=place, progress=False)
    assert open_run(place).record == before
    with pytest.raises(
        RuntimeError, match="timed out"
    ):  # a free folder goes on to the launcher, and stays free
        picturewise.train("digits", workers=2, out=tmp_path / "new", progress=False)
    assert not (tmp_path / "new").exists()


def test_a_worker_that_has_reported_is_not_started_again() -> None:
    said = list[str]()
    launch.keep_running(lambda: "It died", reported=lambda: True, progress=lambda: 0, tell=said.append)
    assert said == []


def test_an_error_of_a_worker_is_raised_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = [
        {"error": "DataError", "message": "No pictures.", "exit_code": 3},
        {"error": "Interrupted", "message": "Stopped.", "exit_code": 143},
        {"error": "os", "message": "Strange.", "exit_code": 1},
    ]
    raised = []
    for content in told:
        monkeypatch.setattr(launching, "start_here", partial(report, content))
        with pytest.raises(PicturewiseError) as caught:
            launching.resume_in_workers(
                as_worker, tmp_path, 2, {"data": None, "track": [], "progress": False}
            )
        raised.append((type(caught.value).__name__, str(caught.value), caught.value.exit_code))
    assert raised == [
        ("DataError", "No pictures.", 3), ("Interrupted", "Stopped.", 143), ("PicturewiseError", "Strange.", 1),
    ]  # fmt: skip
    monkeypatch.setattr(launching, "start_here", lambda *_: None)
    with pytest.raises(Interrupted, match="picturewise resume"):
        launching.resume_in_workers(as_worker, tmp_path, 2, {"data": None, "track": [], "progress": False})


def report(content: dict[str, Any], command: list[str], workers: int) -> None:
    (Path(command[-1]) / launching.ENDED).write_text(json.dumps(content))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has ended")
def test_a_worker_whose_launcher_has_ended_ends_at_once(tmp_path: Path) -> None:
    job = {"task": "resume", "out": str(tmp_path), "data": None, "track": [], "progress": False}
    (tmp_path / launching.JOB).write_text(
        json.dumps(job | {"launcher": 2**22 + 1})
    )  # no process has this number
    done = subprocess.run(
        [sys.executable, "-m", "picturewise.tasks.worker", str(tmp_path)],
        env=environment(RANK="0", WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=free_port()),
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGTERM
