"""A budget that is over before any trial is complete, in a process of its own, because that ends."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from picturewise import circumstances
from picturewise.tuning.start_limit import StartLimit

PROGRAM = """
import sys, time
from pathlib import Path
from picturewise import circumstances, logs
from picturewise.tuning.start_limit import StartLimit
if "lines" in sys.argv:
    logs.write_lines()
if "command" in sys.argv:
    circumstances.begin(["tune"], at=time.perf_counter() - 28)
limit = StartLimit(0.5 if "minutes" in sys.argv else None)
if "folder" in sys.argv:
    limit.folder = Path("searches/digits-1")
if "complete" in sys.argv:
    limit.close()
time.sleep(600 if "ends" in sys.argv else 1.5)
print("goes on")
"""
SAID = "The 0.5 minutes were over before the first trial could begin. Pass more --minutes."


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_command_ends_with_a_sentence() -> None:
    found = ended("command", "minutes", "ends")
    assert (found.returncode, found.stdout, found.stderr) == (2, "", f"picturewise: {SAID}\n")


def test_a_search_that_can_be_continued_says_how() -> None:
    found = ended("command", "minutes", "ends", "folder")
    said = (
        "picturewise: The 0.5 minutes were over before any trial was complete. Nothing is lost; continue with: "
        "picturewise tune --resume searches/digits-1 --minutes 2\n"
    )
    assert (found.returncode, found.stdout, found.stderr) == (2, "", said)


def test_among_lines_it_is_a_line() -> None:
    found = ended("command", "minutes", "ends", "lines")
    assert found.returncode == 2
    line = json.loads(found.stderr)
    assert (line["level"], line["message"], line["exit_code"]) == ("error", SAID, 2)


@pytest.mark.parametrize("arguments", [("command", "minutes", "complete"), ("command",), ("minutes",)])
def test_it_goes_on_after_a_trial_without_a_limit_and_in_python(arguments: tuple[str, ...]) -> None:
    found = ended(*arguments)
    assert (found.returncode, found.stdout, found.stderr) == (0, "goes on\n", "")


def test_the_limit_is_that_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    circumstances.begin(["tune"], at=time.perf_counter() - 10)
    try:
        limit = StartLimit(2)
        limit.close()
        assert limit._timer is not None
        assert 100 < limit._timer.interval <= 109  # and a second to end
    finally:
        circumstances.end()


@pytest.mark.slow  # starts a command
def test_the_command_says_so(tmp_path: Path) -> None:
    command = ["tune", "digits", "--minutes", "0.001", "--out", str(tmp_path / "s")]
    found = subprocess.run(
        [sys.executable, "-m", "picturewise", *command], capture_output=True, text=True, check=False
    )
    said = (
        "picturewise: The 0.001 minutes were over before the first trial could begin. Pass more --minutes.\n"
    )
    assert (found.returncode, found.stdout, found.stderr) == (2, "", said)
