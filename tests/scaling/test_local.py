"""Worker processes: killed ones are replaced, and the parts stay the same."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from many import classifier, digests, png, rows, write_parquet

from picturewise.errors import DataError, Interrupted, PicturewiseError, RunError
from picturewise.scaling import local
from picturewise.scaling.job import Job
from picturewise.scaling.plan import CLASSIFIER, read_plan
from picturewise.scaling.results import Results
from picturewise.stopping import Stopped
from picturewise.tasks.predict_many import predict_many

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_parquet(tmp_path / "a.parquet", range(900), group=100, bad=(5, 700))


@pytest.fixture
def undisturbed(tmp_path: Path, source: Path, classifier_file: Path) -> dict[str, str]:
    predict_many(classifier_file, source, out=tmp_path / "undisturbed", part_rows=150, workers=1)
    return digests(tmp_path / "undisturbed")


@contextlib.contextmanager
def killing(monkeypatch: pytest.MonkeyPatch, when: Any) -> Iterator[list[int]]:
    """Kill each worker once it has been asked for a part, while `when` returns True; yield the list of those killed."""
    killed: list[int] = []
    real = local._Worker._write

    def write(self: Any, content: bytes) -> None:
        real(self, content)
        if content[:1].isdigit() and when(int(content), len(killed)):
            killed.append(int(content))
            self._process.kill()

    monkeypatch.setattr(local._Worker, "_write", write)
    yield killed


def test_killed_workers_are_replaced_and_the_bytes_are_the_same(
    tmp_path: Path,
    source: Path,
    classifier_file: Path,
    undisturbed: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with killing(monkeypatch, lambda _, count: count < 4) as killed:
        found = predict_many(classifier_file, source, out=tmp_path / "out", part_rows=150, workers=2)
    assert len(killed) == 4
    assert (found.rows, found.unreadable, found.parts_computed) == (900, 2, 6)
    assert digests(tmp_path / "out") == undisturbed
    assert [row["row"] for row in rows(tmp_path / "out")] == list(range(900))


def test_a_part_that_always_ends_its_worker_is_given_up_and_the_others_are_written(
    tmp_path: Path, source: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        killing(monkeypatch, lambda part, _: part == 3) as killed,
        pytest.raises(DataError, match=r"1 of 6 parts .*part-00003: 5 processes ended .*SIGKILL"),
    ):
        predict_many(classifier_file, source, out=tmp_path / "out", part_rows=150, workers=2)
    assert len(killed) == local.DEATHS
    assert len(digests(tmp_path / "out")) == 5


def test_workers_that_never_start_end_the_work_with_a_sentence(
    tmp_path: Path, source: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, started = _job(tmp_path, source, classifier_file), []

    def command() -> list[str]:
        started.append(1)
        return [sys.executable, "-c", "import sys; sys.exit('no such thing')"]

    monkeypatch.setattr(local.process, "command", command)
    with pytest.raises(
        PicturewiseError, match=r"3 worker processes ended in a row .*exit code 1: no such thing"
    ):
        local.compute_locally(job, range(6), Results(lambda _: None), workers=2)
    assert 3 <= len(started) <= 4


def _job(tmp_path: Path, source: Path, classifier_file: Path) -> Job:
    predict_many(classifier_file, source, out=tmp_path / "out", part_rows=150, slice="1/6")
    return Job(read_plan(tmp_path / "out"), str(source), tmp_path / "out")


def test_what_a_worker_cannot_load_is_its_error(tmp_path: Path, source: Path, classifier_file: Path) -> None:
    job = _job(tmp_path, source, classifier_file)
    classifier(seed=5).save(job.folder / CLASSIFIER)
    with pytest.raises(RunError, match="is another classifier than that of the plan"):
        local.compute_locally(job, [1, 2], Results(lambda _: None), workers=2)


def test_an_interrupt_ends_all_processes_and_keeps_the_parts(
    tmp_path: Path,
    source: Path,
    classifier_file: Path,
    undisturbed: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pids: list[int] = []
    real = local._Worker.take

    def take(self: Any, event: dict[str, Any], *rest: Any) -> None:
        real(self, event, *rest)
        pids.append(self._process.pid)
        if "facts" in event:
            raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(local._Worker, "take", take)
    with pytest.raises(
        Interrupted, match=r"Stopped by SIGTERM\. 1 of 6 parts are in .*computes the rest"
    ) as raised:
        predict_many(classifier_file, source, out=tmp_path / "out", part_rows=150, workers=2)
    assert raised.value.exit_code == 128 + signal.SIGTERM
    for pid in set(pids):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    monkeypatch.undo()
    predict_many(classifier_file, source, out=tmp_path / "out", part_rows=150, workers=2)
    assert digests(tmp_path / "out") == undisturbed


def test_workers_end_with_a_killed_driver(tmp_path: Path, source: Path, classifier_file: Path) -> None:
    script = (
        "import sys; from picturewise.tasks.predict_many import predict_many\n"
        f"predict_many({str(classifier_file)!r}, {str(source)!r}, out={str(tmp_path / 'out')!r}, part_rows=30, "
        "workers=1)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as driver:
        while not list((tmp_path / "out").glob("part-*")):
            assert driver.poll() is None
            time.sleep(0.02)
        children = _children(driver.pid)
        driver.kill()
    assert children
    until = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < until, "the workers live on"
        time.sleep(0.05)
    found = predict_many(classifier_file, source, out=tmp_path / "out", part_rows=30, workers=1)
    assert 0 < found.parts_computed < found.parts == found.parts_written == 30
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".unfinished")]


def _children(pid: int) -> list[int]:
    """Return the processes below a process."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def test_two_slices_at_once_make_one_plan(tmp_path: Path, classifier_file: Path) -> None:
    (tmp_path / "tree").mkdir()
    for number in range(40):
        (tmp_path / "tree" / f"{number:02}.png").write_bytes(png(number))
    errors: list[BaseException] = []

    def work(slice_: str) -> None:
        try:
            predict_many(
                classifier_file, tmp_path / "tree", out=tmp_path / "out", part_rows=7, slice=slice_, workers=1
            )
        except BaseException as error:  # noqa: BLE001 (it is raised below)
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"{number}/2",)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [row["row"] for row in rows(tmp_path / "out")] == list(range(40))
    assert len(json.loads((tmp_path / "out" / "plan.json").read_text())["names"]) == 6
