from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

from picturewise.errors import DataError, SaveError
from picturewise.untrusted import scratch


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("with_help", [True, False])
def test_a_copy_is_what_the_file_was(
    tmp_path: Path, picturewise_home: Path, with_help: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(18, "another disk")

    if not with_help:
        monkeypatch.setattr(os, "copy_file_range", refuse, raising=False)
        monkeypatch.setattr(scratch, "_CHUNK", 1000)
    content = bytes(range(256)) * 50
    (tmp_path / "a").write_bytes(content)
    copy = scratch.private_copy(tmp_path / "a")
    (tmp_path / "a").write_bytes(b"cut short")  # of a map of the file itself, this would end the process
    assert bytes(copy) == content
    assert files_below(picturewise_home) == []


def test_nothing_can_be_copied_too(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert scratch.private_copy(tmp_path / "a") == b""
    assert scratch.mapped_pieces([]) == b""


def test_what_is_not_a_regular_file_is_not_copied(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(DataError, match="is not a regular file"):
            scratch.private_copy(path)


def test_pieces_are_put_together(picturewise_home: Path) -> None:
    assert bytes(scratch.mapped_pieces([b"ab", b"", b"c"])) == b"abc"
    assert files_below(picturewise_home) == []


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("PICTUREWISE_HOME", str(tmp_path / "file"))
    with pytest.raises(
        SaveError, match=r"Cannot create a temporary file .*Choose another folder with .* PICTUREWISE_HOME"
    ):
        scratch.scratch_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"a")
    monkeypatch.setattr(scratch, "scratch_file", functools.partial(open, "/dev/full", "wb+", buffering=0))
    for attempt in (lambda: scratch.private_copy(tmp_path / "a"), lambda: scratch.mapped_pieces([b"a"])):
        with pytest.raises(SaveError, match="No space left on device"):
            attempt()
