"""The commands in one list, and the way that each of them runs and ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

import click

from picturewise import circumstances, logs
from picturewise.cli import ending, output

EXIT_CODES = """
Exit codes: 0 success; 1 test pictures that the run was trained on, files left out, a failed check, output that could
not be written, or a failure in training or saving; 2 incorrect usage; 3 invalid data; 129, 130 or 143 if a closed
terminal, Ctrl-C or SIGTERM stopped the command (training saves a checkpoint first).
"""

_COMMANDS = (
    "inspect",
    "summary",
    "train",
    "resume",
    "extend",
    "evaluate",
    "evaluate-many",
    "predict",
    "predict-many",
    "export",
    "serve",
    "card",
    "compare",
    "study",
    "tune",
    "demo",
    "data",
)
"""In the order of `--help`; each is in the module of its name, with _ for -."""

_DEBUG = "debug"
_COMPLETE = "_PICTUREWISE_COMPLETE"


def run(arguments: Sequence[str] | None = None, *, began: float | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: of the command line, without the program's name; None: those of this process.
        began: when the command began, by `time.perf_counter`; None: now.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    ending.prepare_streams()
    circumstances.begin(arguments, at=began)
    noted: dict[str, bool] = {}
    try:
        code = _run(list(arguments), noted)
    except BaseException as error:  # noqa: BLE001 (a signal, too, ends in one sentence)
        code = ending.tell(error, debug=noted.get(_DEBUG, False))
    finally:
        circumstances.end()
    return ending.end(code)


def _run(arguments: list[str], noted: dict[str, bool]) -> int:
    if asked := os.environ.get(_COMPLETE):  # by a shell that completes what is being typed
        from click.shell_completion import shell_complete

        return shell_complete(_top, {}, "picturewise", _COMPLETE, asked)
    from picturewise.extras import needed

    with _top.make_context("picturewise", arguments, obj=noted) as context, needed("This command"):
        _top.invoke(context)
    return 0


def _note_debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.find_root().obj[_DEBUG] = True


def _log_json(_: click.Context, __: click.Parameter, wanted: bool) -> None:
    if wanted:
        logs.write_lines()


def _log_json_option() -> click.Option:
    return _flag(
        "--log-json",
        _log_json,
        "Write what happens to the standard error output, one JSON object a line, instead of progress.",
    )


def _debug_option() -> click.Option:
    return _flag("--debug", _note_debug, "If the command fails, also print the traceback.")


def _flag(
    name: str, callback: Callable[[click.Context, click.Parameter, bool], None], text: str
) -> click.Option:
    """Return an option that takes effect before all others, and that no command gets as an argument."""
    return click.Option([name], is_flag=True, is_eager=True, expose_value=False, callback=callback, help=text)


def _with_debug(command: click.Command) -> click.Command:
    """Return a command and its subcommands with the options that all commands share."""
    if all(parameter.name != "debug" for parameter in command.params):
        command.params += [_log_json_option(), _debug_option()]
        for below in getattr(command, "commands", {}).values():
            _with_debug(below)
    return command


class _Commands(click.Group):
    """The commands, each imported only when it is used, so that a single prediction starts quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            if cmd_name[:1].isalpha():
                raise click.NoSuchCommand(cmd_name, possibilities=_COMMANDS, ctx=ctx)
            return None
        found: click.Command = import_module(f"picturewise.cli.{cmd_name.replace('-', '_')}").command
        return _with_debug(found)


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        output.say(f"picturewise {version('picturewise')}")
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


_top.params.append(_debug_option())
