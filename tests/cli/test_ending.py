"""Whatever goes wrong in a command becomes one sentence and an exit code."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from picturewise import errors
from picturewise.cli import ending
from picturewise.cli.app import run
from picturewise.stopping import Stopped
from picturewise.tasks import imports

NO_MEMORY = (
    "There was not enough memory{}. Use fewer pictures (--limit), a smaller --size, or smaller batches "
    "(--batch-size 16)."
)
DEBUG = "Run the command again with --debug and report the traceback."
OWN = f"This is a bug in Picturewise ({{}}). {DEBUG}"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """Run a command that raises an error inside, with options; return its exit code and what it said."""

    def fail(error: BaseException, *options: str) -> tuple[int, str]:
        def raising(_: object) -> None:
            raise error

        monkeypatch.setattr(imports, "list_imports", raising)
        code = run([*options[:1], "data", "imports", *options[1:]])
        return code, capfd.readouterr().err

    return fail


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (errors.DataError("bad"), 3, "bad"),
        (errors.UsageError("wrong"), 2, "wrong"),
        (KeyboardInterrupt(), 130, "Stopped by Ctrl-C."),
        (Stopped(15), 143, "Stopped by SIGTERM."),
        (Stopped(1), 129, "Stopped by a closed terminal."),
        (MemoryError("Unable to allocate 9 TiB"), 1, NO_MEMORY.format(" (Unable to allocate 9 TiB)")),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you …"), 1, NO_MEMORY.format("")),
        (
            PermissionError(errno.EACCES, "Permission denied", "a\x1b[31m/b.toml"),
            1,
            r"a\x1b[31m/b.toml cannot be used: Permission denied.",
        ),
        (
            OSError(errno.EMFILE, "Too many open files", "x"),
            1,
            "Too many files are open. Raise the limit with: ulimit -n 1024",
        ),
        (
            OSError(errno.EIO, "Input/output error"),
            1,
            "The operating system did not allow an operation that this command needs: Input/output error.",
        ),
        (KeyError("x\x1b[31m"), 1, OWN.format(r"KeyError: 'x\x1b[31m'")),
        (RecursionError("too deep"), 1, OWN.format("RecursionError: too deep")),
        (
            ValueError("\x1b]0;title\x07\ud800 two\nlines"),
            1,
            OWN.format(r"ValueError: \x1b]0;title\x07\ud800 two\nlines"),
        ),
    ],
)  # fmt: skip
def test_an_error_is_told_in_one_sentence(failing, error: BaseException, code: int, sentence: str) -> None:
    assert failing(error) == (code, f"picturewise: {sentence}\n")


def test_an_error_of_twenty_million_characters_is_told_in_a_few(failing) -> None:
    for error in (errors.DataError("first " + "\x1b" * 20_000_000 + " last"), ValueError("x" * 20_000_000)):
        _, said = failing(error)
        assert len(said) < 2100
        assert "[…]" in said


@pytest.mark.parametrize("options", [("--debug",), ("--json", "--debug")])
def test_debug_prints_the_traceback_too_before_or_after_the_commands_name(failing, options: Any) -> None:
    before = options if len(options) == 1 else ("--debug",)
    for error in (KeyError("x\x1b[31m"), errors.DataError("bad")):
        code, said = failing(error, *before)
        assert code == getattr(error, "exit_code", 1)
        lines = said.splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert any(line.startswith('  File "') for line in lines)
        assert lines[-1].startswith("picturewise: ")
        assert "\x1b" not in said


def test_debug_may_stand_anywhere(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(imports, "list_imports", lambda _: 1 / 0)
    for arguments in (
        ["--debug", "data", "imports"],
        ["data", "--debug", "imports"],
        ["data", "imports", "--json", "--debug"],
    ):
        assert run(arguments) == 1
        assert "ZeroDivisionError: division by zero\n" in capfd.readouterr().err
    assert run(["data", "imports"]) == 1
    assert "Traceback" not in capfd.readouterr().err
    for command in (["train"], ["data", "imports"], []):
        assert run([*command, "--help"]) == 0
        assert "--debug" in capfd.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["tr\x1b[31main"], ["train", "--\x1b[31m"], ["data", "sh\x1b[31mow"], ["data", "show", "\x1b[31m"],
     ["inspect", "\x1b[31m"], ["predict", "\x1b[31m", "\x1b]0;x\x07"], ["train", "digits", "--model", "\x1b[31m"],
     ["train", "digits", "--set", "\x1b[31m=1"], ["train", "--recipe", "\x1b[31m.toml"], ["study", "\x1b[31m.toml"],
     ["train", "digits", "--track", "\x1b[31m"], ["resume", "\x1b[31m"], ["inspect", "digits", "--size", "\x1b[31m"]],
)  # fmt: skip
def test_no_argument_reaches_the_terminal_raw(
    arguments: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) in {2, 3}
    said = capfd.readouterr()
    assert "\x1b" not in said.err + said.out
    assert r"\x1b" in said.err


def test_wrong_usage_keeps_clicks_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--epoch", "3"]) == 2
    assert capfd.readouterr().err.splitlines() == [
        "Usage: picturewise train [OPTIONS] [DATA]",
        "Try 'picturewise train --help' for help.",
        "",
        "Error: No such option '--epoch'. Did you mean '--epochs'?",
    ]


class Broken:
    """A standard output that refuses to be written."""

    encoding = "utf-8"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def write(self, _: str = "") -> None:
        raise self.error

    flush = write


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (None, "picturewise: The output could not be written: standard output is closed.\n"),
        (
            Broken(OSError(errno.ENOSPC, "No space left on device")),
            "picturewise: The output could not be written: No space left on device.\n",
        ),
        (
            Broken(ValueError("I/O operation on closed file.")),
            "picturewise: The output could not be written: standard output is closed.\n",
        ),
        (Broken(BrokenPipeError(errno.EPIPE, "Broken pipe")), ""),
    ],
)
def test_lost_output_is_no_success(
    stream: Any, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", stream)
    assert run(["data", "imports"]) == 1
    assert capfd.readouterr().err == said


def test_lost_output_does_not_hide_the_code_of_an_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert run(["data", "show", "nothing"]) == 2
    assert "nothing" in capfd.readouterr().err


@pytest.mark.parametrize(
    "stream", [None, Broken(OSError(errno.ENOSPC, "full")), Broken(ValueError("closed"))]
)
def test_without_a_standard_error_output_the_exit_code_remains(
    stream: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert run(["data", "show", "nothing"]) == 2
    assert run(["data", "nothing"]) == 2
    assert capfd.readouterr().out == ""  # and nothing goes there instead


def test_an_exit_is_passed_on() -> None:
    for code, expected in ((None, 0), (0, 0), (7, 7), ("text", 1)):
        assert ending.tell(SystemExit(code), debug=False) == expected
    assert ending.tell(click.exceptions.Exit(5), debug=False) == 5
