"""One child that is asked again and again; what it says is not trusted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from picturewise.errors import DataError, PicturewiseError
from picturewise.untrusted.confined.asked import AskedChild
from picturewise.untrusted.confined.pool_thread import Task

pytestmark = pytest.mark.slow  # each test starts processes

WORK = r"""
import ctypes, os, time
from picturewise.errors import DataError
count = [0]
def working():
    def work(item, allow):
        count[0] += 1
        word = item.decode()
        if word == "crash": ctypes.string_at(0)
        if word == "vanish": os._exit(7)
        if word == "killed": os.kill(os.getpid(), 9)
        if word == "wait": time.sleep(600)
        if word == "hoard": return bytearray(1 << 34)
        if word == "refuse": raise DataError("not \x1b wanted")
        if word == "count":
            allow(0.2)
            while True: pass
        if word == "large": return b"x" * 5000
        return f"{word} {os.getpid()} {count[0]}".encode()
    return work
def broken(): os._exit(3)
"""

MakeTask = Callable[..., Task]


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeTask:
    (tmp_path / "asked_work.py").write_text(WORK)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])

    def made(function: str = "working", patience: float = 60.0) -> Task:
        return Task(f"asked_work:{function}", {}, 1 << 30, 5.0, lambda _: patience)

    return made


def test_one_child_answers_one_request_after_the_other(task: MakeTask) -> None:
    child = AskedChild(task(), 4000)
    answers = [child.ask(b"hello", "x").split() for _ in range(3)]
    assert [answer[2] for answer in answers] == [b"1", b"2", b"3"]
    assert len({answer[1] for answer in answers}) == 1
    with pytest.raises(DataError, match=r"^not \\x1b wanted$"):
        child.ask(b"refuse", "x")
    assert child.ask(b"hello", "x").split()[1:] == [answers[0][1], b"5"]
    child.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(answers[0][1]), 0)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("crash", "crash .SIGSEGV"),
        ("vanish", "crash .exit code 7"),
        ("hoard", "of memory allowed"),
        ("count", "takes longer"),
        ("large", "invalid data"),
    ],
)
def test_a_request_that_ends_the_child_does_not_end_the_next_one(
    word: str, said: str, task: MakeTask
) -> None:
    child = AskedChild(task(), 4000)
    with pytest.raises(DataError, match=f"^The file .*{said}"):
        child.ask(word.encode(), "The file")
    assert child.ask(b"hello", "x").startswith(b"hello")
    child.close()


def test_a_child_that_waits_is_ended(task: MakeTask) -> None:
    child = AskedChild(task(patience=1.0), 4000)
    with pytest.raises(DataError, match="takes longer"):
        child.ask(b"wait", "x")
    child.close()


def test_a_child_that_cannot_start_is_a_sentence(task: MakeTask) -> None:
    with pytest.raises(PicturewiseError, match="cannot be started"):
        AskedChild(task("broken"), 10).ask(b"hello", "x")


def test_it_needs_nothing_that_is_not_json(task: MakeTask) -> None:
    wanted: Any = json.loads(task().first_line())
    assert wanted["work"] == "asked_work:working"


def test_a_file_is_not_blamed_for_a_child_that_was_killed(task: MakeTask) -> None:
    child = AskedChild(task(), 4000)
    with pytest.raises(DataError, match=r"process that reads x was killed \(SIGKILL\)"):
        child.ask(b"killed", "x")
    assert child.ask(b"hello", "x").startswith(b"hello")
    child.close()
