from __future__ import annotations

import threading
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from picturewise.workshop import locked_workshop


def test_the_folder_is_new_and_empty_and_goes_with_what_is_left_in_it(tmp_path: Path) -> None:
    (tmp_path / "work/old").mkdir(parents=True)
    with locked_workshop(tmp_path / "work", FileLock(tmp_path / "locks/lock")) as folder:
        assert folder == tmp_path / "work"
        assert not list(folder.iterdir())
        (folder / "half").write_bytes(b"1")
    assert not folder.exists()


def test_it_goes_when_the_work_fails_and_the_next_may_begin(tmp_path: Path) -> None:
    for _ in range(2):
        with (
            pytest.raises(ValueError, match="broken"),
            locked_workshop(tmp_path / "work", FileLock(tmp_path / "lock")),
        ):
            raise ValueError("broken")
        assert not (tmp_path / "work").exists()


def test_another_waits_until_it_is_left(tmp_path: Path) -> None:
    seen = []

    def enter() -> None:
        with locked_workshop(tmp_path / "work", FileLock(tmp_path / "lock")):
            seen.append("second")

    with locked_workshop(tmp_path / "work", FileLock(tmp_path / "lock")) as folder:
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(0.3)
        with pytest.raises(Timeout):
            FileLock(tmp_path / "lock", blocking=False).acquire()
        seen.append("first")
        assert folder.exists()
    thread.join()
    assert seen == ["first", "second"]


def test_where_it_cannot_be_made_the_system_says_why_and_the_lock_is_free(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(OSError, match="file"),
        locked_workshop(tmp_path / "file/work", FileLock(tmp_path / "lock")),
    ):
        pass
    with FileLock(tmp_path / "lock", blocking=False):
        pass
