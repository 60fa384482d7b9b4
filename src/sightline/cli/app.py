"""The commands in one list, and what errors become: one sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from sightline.cli import compare, data, demo, evaluate, extend, inspect, predict, resume, study, train
from sightline.errors import SightlineError

EXIT_CODES = """
Exit codes: 0 fine; 1 findings, a check not met, or training or saving failed; 2 wrong usage; 3 bad data;
129, 130 and 143 stopped by a closed terminal, Ctrl-C and SIGTERM, in training after a checkpoint.
"""

app = typer.Typer(
    help="From labelled pictures to a classifier that you can trust.",
    epilog=" ".join(EXIT_CODES.split()),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("inspect")(inspect.command)
app.command("train")(train.command)
app.command("resume")(resume.command)
app.command("extend")(extend.command)
app.command("evaluate")(evaluate.command)
app.command("predict")(predict.command)
app.command("compare")(compare.command)
app.command("study")(study.command)
app.command("demo")(demo.command)
app.add_typer(data.app, name="data")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: of the command line, without the program's name; None: those of this process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode shows ? instead of failing
    try:
        app(args=arguments, prog_name="sightline", standalone_mode=True)
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


def _show_version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"sightline {version('sightline')}")
        raise typer.Exit


@app.callback()
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
