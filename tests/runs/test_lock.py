from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from picturewise.errors import RunError, SaveError, UsageError
from picturewise.runs.lock import FolderLock, is_busy
from picturewise.runs.run import Run

HOLD = """
import sys
from pathlib import Path
from picturewise.runs.lock import FolderLock
with FolderLock(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def test_two_processes_do_not_train_in_one_folder_and_the_second_hears_which_one_does(run: Run) -> None:
    leftover = run.path / ".unfinished-0123abcd-run.json"
    with other_process(run.path) as other:
        leftover.touch()
        with pytest.raises(UsageError) as caught, run.locked():
            pass
        since = json.loads((run.path / ".holder.json").read_text())["since"]
        assert str(caught.value) == (
            f"Another process (PID {other.pid}, since {since}) is training in {run.path}. Wait until it has finished, "
            "or stop it."
        )
        assert is_busy(run.path)
        assert leftover.exists()
    assert not is_busy(run.path)  # though it was killed
    with run.locked():
        assert not leftover.exists()
    assert not (run.path / ".holder.json").exists()


def test_a_process_that_is_gone_is_not_named(run: Run) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = FolderLock(run.path)
    for holder in (
        {"pid": gone.pid, "host": platform.node(), "since": "now"},
        {"pid": "1", "host": platform.node(), "since": "now"},
        {"pid": 0, "host": platform.node(), "since": "now"},
        {"pid": 1},
        [],
    ):
        with lock.held():
            (run.path / ".holder.json").write_text(json.dumps(holder))
            with pytest.raises(
                UsageError,
                match=r"^Another process is training in .*run\. Wait until it has finished, or stop it",
            ):
                FolderLock(run.path, patience=0)._take()


def test_a_process_on_another_machine_is_named_with_it(run: Run) -> None:
    with FolderLock(run.path).held():
        (run.path / ".holder.json").write_text(json.dumps({"pid": 7, "host": "far\x1b[31m", "since": "9:00"}))
        with pytest.raises(
            UsageError, match=r"Another process \(PID 7 on far\\x1b\[31m, since 9:00\) is training in"
        ):
            FolderLock(run.path, patience=0)._take()


def test_two_trainers_of_one_process_do_not_share_a_folder_either(run: Run, tiny: ModuleType) -> None:
    with run.locked(), pytest.raises(UsageError, match=r"This process is already training in .*run"):
        tiny.resume(run.path).fit()
    tiny.resume(run.path).fit()


def test_who_has_the_lock_may_take_it_again_but_no_other_thread(run: Run) -> None:
    caught: list[Exception] = []

    def other() -> None:
        try:
            with run.locked():
                pass
        except UsageError as error:
            caught.append(error)

    with run.locked():
        with run.locked():
            pass
        assert is_busy(run.path)
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(caught) == 1
    assert not is_busy(run.path)


def test_leftovers_in_all_folders_are_swept_at_start(run: Run) -> None:
    (run.path / "figures").mkdir()
    leftovers = [folder / ".unfinished-0123abcd-x" for folder in (run.path, run.path / "figures")]
    for leftover in leftovers:
        leftover.touch()
    half = run.checkpoints / ".unfinished-0123abcd-000009-00000000"
    half.mkdir()
    (half / "state.json").touch()
    with run.locked():
        assert not any(leftover.exists() for leftover in (*leftovers, half))


def test_a_lock_that_is_not_our_file_is_refused_and_left_as_it_is(run: Run, tmp_path: Path) -> None:
    lock, theirs = run.path / ".lock", tmp_path / "theirs"
    theirs.write_bytes(b"theirs")
    lock.unlink()
    for make in (lambda: lock.symlink_to(theirs), lambda: lock.hardlink_to(theirs), lock.mkdir):
        make()
        with (
            pytest.raises(RunError, match=r"\.lock is (a symbolic link|not a file that Picturewise created)"),
            run.locked(),
        ):
            pass
        assert theirs.read_bytes() == b"theirs"
        lock.rmdir() if lock.is_dir() and not lock.is_symlink() else lock.unlink()
    with run.locked():
        pass


def test_the_name_of_the_holder_is_not_written_through_a_link(run: Run, tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (run.path / ".holder.json").symlink_to(tmp_path / "theirs")
    with run.locked():
        pass
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_a_save_error(run: Run) -> None:
    (run.path / ".lock").unlink()
    run.path.chmod(0o500)
    try:
        with pytest.raises(SaveError, match=r"Cannot write to .*run: Permission denied"), run.locked():
            pass
    finally:
        run.path.chmod(0o700)


def test_a_folder_that_is_not_there_is_a_save_error(tmp_path: Path) -> None:
    with (
        pytest.raises(SaveError, match=r"Cannot write to .*nowhere: No such file"),
        FolderLock(tmp_path / "nowhere").held(),
    ):
        pass
