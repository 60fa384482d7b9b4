from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from picturewise import files
from picturewise.errors import RunError, SaveError


def fail_at(call: int, number: int) -> Callable[[int], None]:
    """Return a stand-in for os.fsync whose call number `call` (from 1) fails."""
    calls = 0

    def fsync(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(number, os.strerror(number))

    return fsync


def everything_in(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_a_file_is_made_with_its_folders_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    files.write_bytes(path, b"old and long")
    files.write_bytes(path, b"new")
    assert everything_in(tmp_path / "a" / "b") == {"file.bin": b"new"}


def test_text_is_utf8_with_its_line_ends_as_they_are(tmp_path: Path) -> None:
    files.write_text(tmp_path / "text", "ü\r\n–\n")
    assert (tmp_path / "text").read_bytes() == b"\xc3\xbc\r\n\xe2\x80\x93\n"


def test_json_comes_back_and_never_holds_what_json_does_not_know(tmp_path: Path) -> None:
    files.write_json(tmp_path / "a.json", {"x": [1, 0.1, None], "y": "ü"})
    assert files.read_json(tmp_path / "a.json") == {"x": [1, 0.1, None], "y": "ü"}
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "a.json", math.nan)
    assert files.read_json(tmp_path / "a.json") == {"x": [1, 0.1, None], "y": "ü"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_without_space_the_old_file_stays_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "file.bin"
    files.write_bytes(path, b"old")
    monkeypatch.setattr(os, "fsync", fail_at(1, number))
    with pytest.raises(SaveError, match=r"No space left while saving .*file\.bin \(1,234 bytes\)"):
        files.write_bytes(path, bytes(1234))
    assert everything_in(tmp_path) == {"file.bin": b"old"}


@pytest.mark.parametrize("call", [1, 2, 3])  # each of the two files, and the folder itself
def test_a_folder_is_not_half_made_when_the_disk_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    files.write_folder(tmp_path / "folder", {"a": b"old"})
    monkeypatch.setattr(os, "fsync", fail_at(call, errno.EIO))
    with pytest.raises(SaveError, match=r"folder cannot be written: Input/output error\."):
        files.write_folder(tmp_path / "folder", {"a": b"new", "b": b"more"})
    assert everything_in(tmp_path) == {"folder": None, "folder/a": b"old"}


def test_a_folder_replaces_an_older_one_of_the_same_files(tmp_path: Path) -> None:
    files.write_folder(tmp_path / "x" / "folder", {"a": b"old", "b": b"old"})
    files.write_folder(tmp_path / "x" / "folder", {"a": b"new", "b": b"new", "c": b"new"})
    assert everything_in(tmp_path / "x" / "folder") == {"a": b"new", "b": b"new", "c": b"new"}


def test_a_folder_with_other_things_in_it_is_not_replaced(tmp_path: Path) -> None:
    files.write_folder(tmp_path / "folder", {"a": b"old", "mine": b"old"})
    with pytest.raises(SaveError, match=r"folder cannot be written: it contains other files, such as mine"):
        files.write_folder(tmp_path / "folder", {"a": b"new"})
    assert everything_in(tmp_path) == {"folder": None, "folder/a": b"old", "folder/mine": b"old"}


def test_a_folder_does_not_replace_a_link_nor_what_it_leads_to(tmp_path: Path) -> None:
    files.write_folder(tmp_path / "elsewhere", {"a": b"old"})
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SaveError, match="link cannot be written: it is a symbolic link"):
        files.write_folder(tmp_path / "link", {"a": b"new"})
    assert (tmp_path / "elsewhere" / "a").read_bytes() == b"old"
    assert (tmp_path / "link").is_symlink()


def test_a_file_is_put_in_the_place_of_a_link_and_not_of_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"theirs")
    for write in (files.write_bytes, files.write_fleeting):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
        write(tmp_path / "link", b"1" if write is files.write_bytes else 1)
        assert not (tmp_path / "link").is_symlink()
        assert (tmp_path / "link").read_bytes() == b"1"
    assert (tmp_path / "elsewhere").read_bytes() == b"theirs"


def test_everything_is_flushed_before_and_after_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    flush, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        flush(descriptor)
        events.append("flush a folder" if os.path.isdir(f"/dev/fd/{descriptor}") else "flush a file")  # noqa: PTH112

    def rename(path: Path, target: Path) -> Path:
        events.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", rename)
    files.write_bytes(tmp_path / "file", b"x")
    assert events == ["flush a file", "rename", "flush a folder"]
    events.clear()
    files.write_folder(tmp_path / "folder", {"a": b"x", "b": b"y"})
    assert events == ["flush a file", "flush a file", "flush a folder", "rename", "flush a folder"]


def test_a_wrong_kind_of_place_is_reported_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    for place in [tmp_path / "file" / "below", tmp_path / "folder"]:
        with pytest.raises(SaveError, match="cannot be written: "):
            files.write_bytes(place, b"y")
    with pytest.raises(SaveError, match="cannot be written: "):
        files.write_folder(tmp_path / "file", {})
    assert everything_in(tmp_path) == {"file": b"x", "folder": None}


def test_new_folders_are_numbered_and_never_returned_twice(tmp_path: Path) -> None:
    found: list[Path] = []

    def take() -> None:
        found.extend(files.new_folder(tmp_path / "runs", "digits-cnn") for _ in range(10))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(tmp_path / "runs" / f"digits-cnn-{number}" for number in range(1, 41))
    assert all(path.is_dir() for path in found)


def test_a_sweep_takes_files_of_our_exact_name_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-0123abcd-run.json").write_bytes(b"half")
    others = [
        ".lock",
        "unfinished-symphony",
        ".unfinished-1-a",
        ".unfinished-0123abcd",
        ".unfinished-0123ABCD-a",
    ]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / ".unfinished-0123abcd-folder").mkdir()
    (tmp_path / ".unfinished-0123abcd-link").symlink_to(tmp_path / ".lock")
    files.sweep(tmp_path)
    files.sweep(tmp_path / "not there")
    kept = {*others, ".unfinished-0123abcd-folder", ".unfinished-0123abcd-link"}
    assert everything_in(tmp_path).keys() == kept


def test_a_sweep_beside_others_takes_only_what_is_old(tmp_path: Path) -> None:
    for name, seconds in (("old", 4000), ("new", 1000)):
        path = tmp_path / f".unfinished-0123abcd-{name}"
        path.touch()
        os.utime(path, (time.time() - seconds,) * 2)
    files.sweep(tmp_path, older_than=3600)
    assert everything_in(tmp_path).keys() == {".unfinished-0123abcd-new"}


def test_the_hash_of_a_file_is_that_of_its_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 100_000)
    assert files.sha256(tmp_path / "file") == hashlib.sha256(b"abc" * 100_000).hexdigest()


@pytest.mark.parametrize("content", [b"", b"{", b"{'a': 1}", b"\xff\xfe", b"[" * 100_000, b'{"a": 1} x'])
def test_what_is_not_json_is_reported_with_its_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(RunError, match=r"a\.json is damaged: it is not valid JSON"):
        files.read_json(tmp_path / "a.json")


def test_json_that_is_not_there_is_reported_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"a\.json cannot be read: No such file"):
        files.read_json(tmp_path / "a.json")
    assert json.loads("null") is None  # a file with `null` is JSON all the same
    (tmp_path / "a.json").write_text("null")
    assert files.read_json(tmp_path / "a.json") is None


def test_a_finished_file_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "place").write_bytes(b"old")
    files.adopt(tmp_path / "new", tmp_path / "place")
    assert (tmp_path / "place").read_bytes() == b"new"
    assert not (tmp_path / "new").exists()
    (tmp_path / "other").write_bytes(b"other")
    with pytest.raises(SaveError, match="cannot be written"):
        files.adopt(tmp_path / "other", tmp_path / "nowhere" / "place")
    assert (tmp_path / "other").read_bytes() == b"other"


def test_a_growing_file_shows_that_it_is_unfinished_until_it_is_finished(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")
    growing = files.GrowingFile(tmp_path / "a.csv")
    growing.write("one\n")
    growing.write("zwö\n")
    assert everything_in(tmp_path) == {"a.csv": b"old", "a.unfinished.csv": "one\nzwö\n".encode()}
    growing.finish()
    assert everything_in(tmp_path) == {"a.csv": "one\nzwö\n".encode()}


def test_a_growing_file_that_is_given_up_is_kept_if_it_is_worth_it(tmp_path: Path) -> None:
    for keep in (True, False):
        growing = files.GrowingFile(tmp_path / "deep" / "a")  # the folder is made, and an older file replaced
        growing.write("one\n")
        growing.abandon(keep=keep)
        assert [*everything_in(tmp_path / "deep")] == ["a.unfinished"] * keep


def test_a_growing_file_on_a_full_disk_ends_with_a_whole_line(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys; from pathlib import Path; from picturewise import errors, files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "growing = files.GrowingFile(Path(sys.argv[1]))\n"
        "try:\n"
        "    while True: growing.write('x' * 299 + '\\n')\n"
        "except errors.SaveError as error: print(error)\n"
        "growing.abandon(keep=True)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.csv")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.startswith(
        f"No space left while saving {tmp_path / 'a.csv'}; files saved earlier are unchanged."
    )
    assert (tmp_path / "a.unfinished.csv").read_bytes() == (b"x" * 299 + b"\n") * 33


def test_two_that_grow_the_same_file_do_not_mix(tmp_path: Path) -> None:
    first, second = (files.GrowingFile(tmp_path / "a.csv") for _ in range(2))
    first.write("first\n")
    second.write("second\n")
    with pytest.raises(SaveError, match=r"a\.csv is also being written by another process"):
        first.finish()
    second.finish()
    assert everything_in(tmp_path) == {"a.csv": b"second\n"}


def test_a_growing_file_cannot_be_a_folder_or_nameless(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match=r" is a folder\. Pass the path of a file\."):
        files.GrowingFile(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match=r"file.a\.csv cannot be written: "):
        files.GrowingFile(tmp_path / "file" / "a.csv")


def test_a_copy_is_whole_keeps_the_time_and_replaces_nothing(tmp_path: Path) -> None:
    files.write_copy(tmp_path / "copy", [b"a", b"b"], modified_ns=1_600_000_000_123_456_789)
    assert (tmp_path / "copy").read_bytes() == b"ab"
    assert (tmp_path / "copy").stat().st_mtime_ns == 1_600_000_000_123_456_789

    def broken():
        yield b"a"
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(SaveError, match="No space left"):
        files.write_copy(tmp_path / "other", broken(), modified_ns=0)
    assert [*everything_in(tmp_path)] == ["copy"]
