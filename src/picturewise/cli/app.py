"""The commands in one list, and what errors become: one sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from picturewise.errors import PicturewiseError

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
        _top(args=list(arguments), prog_name="picturewise")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except PicturewiseError as error:
        print(f"picturewise: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("picturewise: stopped by Ctrl-C.", file=sys.stderr)
        return 130
    except OSError as error:
        # What was printed could not be written: a full disk, or a device that has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"picturewise: the output cannot be written: {error.strerror or error}.", file=sys.stderr)
        return 1
    return 0


class _Commands(click.Group):
    """The commands, each imported when it is asked for: one is enough for one picture to be predicted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            if cmd_name[:1].isalpha():
                raise click.NoSuchCommand(cmd_name, possibilities=_COMMANDS, ctx=ctx)
            return None
        found: click.Command = import_module(f"picturewise.cli.{cmd_name}").command
        return found


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"picturewise {version('picturewise')}")
        ctx.exit()


@click.group(
    cls=_Commands,
    epilog=" ".join(EXIT_CODES.split()),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version.",
)
def _top() -> None:
    """From labelled pictures to a classifier that you can trust."""
