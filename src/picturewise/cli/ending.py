"""How a command ends: every error becomes a sentence and an exit code, and lost output is not a success."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
import traceback
from pathlib import Path

import click

from picturewise import logs, stopping
from picturewise.cli.output import OutputLostError, warn
from picturewise.errors import LONGEST, PicturewiseError
from picturewise.printable import printable, shortened

_NO_MEMORY = (
    "There was not enough memory{said}. Use fewer pictures (--limit), a smaller --size, or smaller batches "
    "(--batch-size 16)."
)


def prepare_streams() -> None:
    """Let a terminal without Unicode show `?`, and keep opened files from taking the place of a closed stream."""
    for descriptor in (0, 1, 2):  # in this order, because the lowest free one is taken
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def tell(error: BaseException, *, debug: bool) -> int:
    """Print what ended a command to the standard error output, and return the exit code.

    Args:
        error: what was raised.
        debug: print the traceback before the sentence.
    """
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, click.ClickException):
        if isinstance(error, click.NoSuchOption):
            from picturewise.cli.unknown_option import explained

            error = explained(error)
        said = io.StringIO()
        error.show(said)
        warn(said.getvalue().rstrip(), keep="\n")
        return error.exit_code
    if debug:
        warn("".join(traceback.format_exception(error)).rstrip(), keep="\n\t")
    sentence, code = _sentence(error)
    if sentence and logs.writes_lines():
        logs.log("failed", level="ERROR", message=sentence, error=type(error).__name__, exit_code=code)
    elif sentence:
        warn(f"picturewise: {sentence}")
    return code


def end(code: int) -> int:
    """Flush the printed output and return the command's exit code: never 0 if something could not be printed.

    Args:
        code: the exit code of what the command did.
    """
    lost = _lost_output()
    if lost is None:
        return code
    # The interpreter would try to write the rest of the buffer again when it ends, and print its own message.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code or tell(lost, debug=False)


def _lost_output() -> OutputLostError | None:
    """Flush the printed output, and return the error if that failed."""
    if sys.stdout is None:
        return OutputLostError("standard output is closed")
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        return OutputLostError.of(error)
    return None


def _sentence(error: BaseException) -> tuple[str, int]:
    """Return what to say about an error, and its exit code."""
    hints = getattr(error, "__notes__", [])[-1:]
    match error:
        case PicturewiseError():
            return " ".join([str(error), *hints]), error.exit_code
        case KeyboardInterrupt():
            number = stopping.signal_of(error)
            return " ".join([f"Stopped by {stopping.shown(number)}.", *hints]), 128 + number
        case OutputLostError():
            return "" if error.pipe else f"The output could not be written: {error}.", 1
        case BrokenPipeError():  # by click's own output
            return "", 1
        case MemoryError():
            return _NO_MEMORY.format(said=_in_brackets(error)), 1
        case OSError() if error.errno == errno.ENOMEM:
            return _NO_MEMORY.format(said=""), 1
        case OSError() if error.errno in {errno.EMFILE, errno.ENFILE}:
            return "Too many files are open. Raise the limit with: ulimit -n 1024", 1
        case OSError() if error.filename is not None:
            named = error.filename
            place = "A file" if isinstance(named, int) else printable(Path(os.fsdecode(named)))
            return f"{place} cannot be used: {error.strerror or error}.", 1
        case OSError() if error.strerror:
            return (
                f"The operating system did not allow an operation that this command needs: {error.strerror}.",
                1,
            )
        case _ if _is_torchs_lack_of_memory(error):
            return _NO_MEMORY.format(said=""), 1
        case _:
            what = shortened(f"{type(error).__name__}: {error}".rstrip(": "), 300)
            return (
                f"This is a bug in Picturewise ({what}). Run the command again with --debug and report the "
                "traceback."
            ), 1


def _in_brackets(error: BaseException) -> str:
    return f" ({shortened(error, LONGEST // 10)})" if str(error) else ""


def _is_torchs_lack_of_memory(error: BaseException) -> bool:
    """Return whether PyTorch ran out of memory; on the processor it raises a plain RuntimeError."""
    return type(error).__name__ == "OutOfMemoryError" or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )
