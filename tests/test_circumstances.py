from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import picturewise
from picturewise import circumstances as own
from picturewise.circumstances import Circumstances, circumstances
from picturewise.cli.app import run as command
from picturewise.runs.run import open_run

ROOT = Path(__file__).parents[1]


def test_the_start_and_the_duration_fit_together() -> None:
    began = time.perf_counter() - 100
    found = circumstances(began)
    assert 100 <= found.seconds < 160
    start = dt.datetime.fromisoformat(found.date)
    now = dt.datetime.now(dt.UTC)
    assert start.utcoffset() == dt.timedelta(0)
    assert 99 <= (now - start).total_seconds() < 160


def test_versions_are_those_of_what_is_loaded() -> None:
    found = circumstances().versions
    assert found["numpy"] == np.__version__
    code = "from picturewise.circumstances import circumstances; print(sorted(circumstances().versions))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"  # nothing that computes was loaded


def commit(folder: Path, head: str) -> Path:
    """Return a clone of the form that `git` makes."""
    (folder / "src" / "picturewise").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text(head + "\n")
    return folder


def test_the_revision_is_read_from_every_form_of_a_clone(tmp_path: Path) -> None:
    first, second = "1" * 40, "a" * 40
    assert own._revision(commit(tmp_path / "detached", first)) == first
    branch = commit(tmp_path / "branch", "ref: refs/heads/main")
    assert own._revision(branch) is None  # no commit yet
    (branch / ".git" / "packed-refs").write_text(
        f"# pack-refs\n{first} refs/heads/old\n{second} refs/heads/main\n"
    )
    assert own._revision(branch) == second
    (branch / ".git" / "refs" / "heads").mkdir(parents=True)
    (branch / ".git" / "refs" / "heads" / "main").write_text(first + "\n")
    assert own._revision(branch) == first
    # a worktree has its own HEAD, and shares the branches
    own_place = branch / ".git" / "worktrees" / "w"
    own_place.mkdir(parents=True)
    (own_place / "HEAD").write_text("ref: refs/heads/main\n")
    (own_place / "commondir").write_text("../..\n")
    worktree = tmp_path / "worktree"
    (worktree / "src" / "picturewise").mkdir(parents=True)
    (worktree / ".git").write_text(f"gitdir: {own_place}\n")
    assert own._revision(worktree) == first


@pytest.mark.parametrize("head", ["", "ref: refs/heads/../../secret", "zz", "ref: "])
def test_a_clone_of_another_form_has_no_revision(tmp_path: Path, head: str) -> None:
    assert own._revision(commit(tmp_path / "clone", head)) is None
    assert own._revision(tmp_path) is None


def test_a_run_and_every_answer_in_json_say_where_they_come_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    arguments = ["train", "digits", "--model", "mlp 8", "--epochs", "1", "--out", str(out), "--json"]
    assert command(arguments) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said["provenance"]) == set(Circumstances._fields)
    assert said["provenance"]["command"] == arguments
    assert said["provenance"]["seconds"] > 0
    (session,) = open_run(out).record.sessions
    assert (session.command, session.picturewise) == (tuple(arguments), picturewise.__version__)
    assert session.versions["torch"].startswith("2.")
    assert 0 < session.seconds <= said["provenance"]["seconds"]
    assert said["sessions"][0]["date"] == session.date
    assert command(["evaluate", str(out), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["provenance"]["command"] == ["evaluate", str(out), "--json"]
    assert (
        evaluated["classifier_sha256"]
        == said["classifier_sha256"]
        == open_run(out).classifier().weights_sha256
    )
    assert len(evaluated["fingerprint"]) == 64


def test_a_resumed_run_has_a_session_for_each_part(tmp_path: Path) -> None:
    class Stop(picturewise.Callback):
        def on_epoch(self, trainer: object, row: object) -> None:
            raise KeyboardInterrupt

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        picturewise.train("digits", model="mlp 8", epochs=2, out=out, callbacks=[Stop()], progress=False)
    assert len(open_run(out).record.sessions) == 1
    run = picturewise.resume(out, progress=False)
    first, second = run.record.sessions
    assert first.date <= second.date


def test_a_process_began_before_this_test_and_after_the_machine() -> None:
    began = own.process_start()
    assert 0 < time.perf_counter() - began < time.clock_gettime(time.CLOCK_BOOTTIME)
    code = (
        "import time; time.sleep(0.3); from picturewise import circumstances as c; print(c.process_start())"
    )
    before = time.perf_counter()
    slept = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # The kernel counts in hundredths of a second.
    assert before - 0.02 < float(slept.stdout) < time.perf_counter() - 0.3


def test_the_time_of_a_command_is_counted_until_it_ends() -> None:
    assert own.seconds_of_command() == 0
    own.begin(["tune", "digits"], at=time.perf_counter() - 50)
    try:
        assert 50 <= own.seconds_of_command() < 110
        assert circumstances().command == ("tune", "digits")
    finally:
        own.end()
    assert own.seconds_of_command() == 0
    assert command(["--version"]) == 0
    assert own.seconds_of_command() == 0
