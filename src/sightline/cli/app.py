"""The commands in one list, and what errors become: one sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from sightline.errors import SightlineError

EXIT_CODES = """
Exit codes: 0 fine; 1 findings, a check not met, or training or saving failed; 2 wrong usage; 3 bad data;
129, 130 and 143 stopped by a closed terminal, Ctrl-C and SIGTERM, in training after a checkpoint.
"""

_COMMANDS = (
    "inspect",
    "train",
    "resume",
    "extend",
    "evaluate",
    "predict",
    "compare",
    "study",
    "demo",
    "data",
)
"""In the order of `--help`; each stands in the module of its name."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: of the command line, without the program's name; None: those of this process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows ? instead of failing
    try:
        _application(arguments)(args=arguments, prog_name="sightline", standalone_mode=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except SightlineError as error:
        print(f"sightline: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("sightline: stopped by Ctrl-C.", file=sys.stderr)
        return 130
    except OSError as error:
        # What was printed could not be written: a full disk, or a device that has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"sightline: the output cannot be written: {error.strerror or error}.", file=sys.stderr)
        return 1
    return 0


def _application(arguments: Sequence[str]) -> typer.Typer:
    """Return the command line: with the command that the arguments begin with, or else with all of them.

    Typer takes longer to set up all commands than one picture takes to be predicted.
    """
    app = typer.Typer(
        help="From labelled pictures to a classifier that you can trust.",
        epilog=" ".join(EXIT_CODES.split()),
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_top)
    for name in arguments[:1] if arguments and arguments[0] in _COMMANDS else _COMMANDS:
        module = import_module(f"sightline.cli.{name}")
        if name == "data":  # a command of several
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(module.command)
    return app


def _show_version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"sightline {version('sightline')}")
        raise typer.Exit


def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version.",
            callback=lambda value: _show_version(wanted=value),
            is_eager=True,
        ),
    ] = False,
) -> None:
    pass
