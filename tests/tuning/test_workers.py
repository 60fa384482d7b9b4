from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import picturewise
from picturewise.errors import RunError, UsageError
from picturewise.runs.run import open_run
from picturewise.tuning import crew, workers
from picturewise.tuning.record import Clock
from picturewise.tuning.told import Told

pytestmark = pytest.mark.slow
OPTIONS = ["--model", "mlp 8", "--epochs", "12", "--json"]


def processes_of(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after[1]) == parent:
            found.append(int(path.parent.name))
    return found


def test_two_workers_search_together(pictures: Path, space: Path, tmp_path: Path) -> None:
    told: list[Told] = []
    found = picturewise.tune(
        pictures, trials=5, space=space, out=tmp_path / "s", workers=2, model="mlp 8", epochs=4, seeds=2,
        tell=told.append, progress=False,
    )  # fmt: skip
    assert sorted(one.number for one in told) == [*range(5)]
    assert all(trial.epochs > 0 and trial.cpu_seconds > 0 for trial in found.trials)
    assert {open_run(trial.path).record.machine["threads"] for trial in found.trials} == {"1"}
    assert (found.comparison is None) == (found.best_trial == 0)


def test_a_worker_that_is_killed_is_replaced_and_its_run_goes_on(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[Any] = []
    real = workers._Worker.answer

    def answer(worker: Any, *, goes_on: bool) -> None:
        if not killed:
            killed.append(worker)
            worker.kill()
        real(worker, goes_on=goes_on)

    monkeypatch.setattr(workers._Worker, "answer", answer)
    found = picturewise.tune(
        pictures,
        trials=3,
        space=space,
        out=tmp_path / "s",
        workers=2,
        model="mlp 8",
        epochs=4,
        progress=False,
    )
    assert killed
    assert [trial.state in {"finished", "pruned"} for trial in found.trials] == [True] * 3


def test_a_worker_ends_with_its_driver_even_while_it_loads_pytorch() -> None:
    program = (
        "import sys; from picturewise.tuning.worker import main\n"
        "class Slow:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'torch':\n"
        "            import time; print('loading', file=sys.stderr, flush=True); time.sleep(600)\n"
        "sys.meta_path.insert(0, Slow()); main()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as worker:
        assert worker.stderr is not None
        assert worker.stderr.readline() == b"loading\n"
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(60) == 0


def test_workers_that_do_not_pause_in_time_are_ended_and_their_runs_go_on(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck: list[Any] = []
    monkeypatch.setattr(workers._Worker, "answer", lambda worker, goes_on: stuck.append(worker))
    monkeypatch.setattr(Clock, "left", property(lambda _: 0.1 if len(stuck) == 2 else None))
    options = {
        "space": space,
        "out": tmp_path / "s",
        "workers": 2,
        "model": "mlp 8",
        "epochs": 4,
        "progress": False,
    }
    with pytest.raises(UsageError, match="were over after 1 of 4 epochs of the default recipe"):
        picturewise.tune(pictures, minutes=60, trials=3, **options)
    assert {worker._process.how_it_ended() for worker in stuck} == {"SIGKILL"}
    monkeypatch.undo()
    found = picturewise.tune(resume=tmp_path / "s", trials=3, workers=2, progress=False)
    assert [trial.state in {"finished", "pruned"} for trial in found.trials] == [True] * 3


def test_a_run_that_kills_its_worker_again_and_again_has_failed(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = workers._Worker.begin

    def begin(worker: Any, work: Any) -> None:
        if work.key == "0001":
            worker.kill()
        real(worker, work)

    monkeypatch.setattr(workers._Worker, "begin", begin)
    found = picturewise.tune(
        pictures,
        trials=3,
        space=space,
        out=tmp_path / "s",
        workers=2,
        model="mlp 8",
        epochs=2,
        progress=False,
    )
    assert found.trials[1].state == "failed"
    assert "was ended 2 times (SIGKILL)" in found.trials[1].reason
    assert found.trials[2].state in {"finished", "pruned"}


def test_workers_that_cannot_start_are_an_error(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "_PROGRAM", "picturewise.tuning")  # it has no program
    with pytest.raises(RunError, match="A worker process could not be started"):
        picturewise.tune(
            pictures,
            trials=3,
            space=space,
            out=tmp_path / "s",
            workers=2,
            model="mlp 8",
            epochs=2,
            progress=False,
        )


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in Linux's /proc")
@pytest.mark.parametrize(("count", "epochs"), [(1, 3), (1, 25), (2, 20)])
def test_a_command_that_is_killed_loses_at_most_the_running_epochs(
    pictures: Path, space: Path, tmp_path: Path, count: int, epochs: int
) -> None:
    """The command is killed once so many epochs have been reported, and continued."""
    command = [sys.executable, "-m", "picturewise", "tune"]
    folder, journal = tmp_path / "s", tmp_path / "s" / "trials.jsonl"
    begun = [
        str(pictures),
        "--space",
        str(space),
        "--out",
        str(folder),
        "--trials",
        "6",
        "--workers",
        str(count),
    ]
    process = subprocess.Popen([*command, *begun, *OPTIONS], stdout=subprocess.DEVNULL)
    while not journal.exists() or journal.read_bytes().count(b'"intermediate_value":') < epochs:
        assert process.poll() is None
        time.sleep(0.01)
    children = processes_of(process.pid)
    process.kill()
    process.wait()
    before = {
        path.name: len(open_run(path).history) for path in (folder / "trials").iterdir() if _is_run(path)
    }
    for child in children:  # they end with their driver
        while Path(f"/proc/{child}").exists():
            time.sleep(0.01)
    again = [*command, "--resume", str(folder), "--workers", str(count), "--json"]
    result = json.loads(subprocess.run(again, check=True, capture_output=True).stdout)
    assert len(result["trials"]) == 6
    for trial in result["trials"]:
        record = open_run(Path(trial["path"])).record
        assert record.status == "finished"
        assert trial["epochs"] >= before.get(Path(trial["path"]).name, 0)
    assert before
    if count == 1:
        whole = [
            str(pictures),
            "--space",
            str(space),
            "--out",
            str(tmp_path / "w"),
            "--trials",
            "6",
            "--workers",
            "1",
        ]
        undisturbed = json.loads(
            subprocess.run([*command, *whole, *OPTIONS], check=True, capture_output=True).stdout
        )
        keys = ("values", "state", "accuracy", "loss", "epochs")
        told = [
            [{key: trial[key] for key in keys} for trial in one["trials"]] for one in (result, undisturbed)
        ]
        assert told[0] == told[1]


def _is_run(path: Path) -> bool:
    return (path / "run.json").exists()


def test_ctrl_c_saves_the_runs_of_all_workers(pictures: Path, space: Path, tmp_path: Path) -> None:
    folder, journal = tmp_path / "s", tmp_path / "s" / "trials.jsonl"
    command = [sys.executable, "-m", "picturewise", "tune", str(pictures), "--space", str(space), *OPTIONS]
    command += ["--out", str(folder), "--minutes", "30", "--workers", "2", "--epochs", "4000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not journal.exists() or journal.read_bytes().count(b'"intermediate_value":') < 8:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130
    assert f"Stopped by Ctrl-C. Continue with: picturewise tune --resume {folder}" in error.decode()
    for path in (folder / "trials").iterdir():
        assert open_run(path).record.status == "interrupted"
