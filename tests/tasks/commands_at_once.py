"""Runs commands at the same moment: reads JSON lines {home, folder, commands}, and answers each with what came of them.

PyTorch is loaded once, and nothing is computed here: the commands run in forked children, which begin together.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import IO, Any

import picturewise.tasks.extend
import picturewise.training.start  # noqa: F401 (so that no child has to load it)
from picturewise.cli.app import run


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        os.environ["PICTUREWISE_HOME"] = request["home"]
        sys.stdout.write(json.dumps(at_once(request["commands"], request["folder"])) + "\n")
        sys.stdout.flush()


def at_once(commands: Sequence[Sequence[str]], folder: str) -> list[Any]:
    """Return exit code, standard output and error output of each command."""
    waiting, go = os.pipe()
    with contextlib.ExitStack() as stack:
        outputs = [
            [stack.enter_context(tempfile.TemporaryFile()) for _ in ("output", "errors")] for _ in commands
        ]
        children = []
        for command, output in zip(commands, outputs, strict=True):
            child = os.fork()
            if child == 0:
                os.close(go)
                _live(command, output, folder, waiting)
            children.append(child)
        os.close(waiting)
        os.close(go)  # which lets all of them begin
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        return [(code, *map(_text, output)) for code, output in zip(codes, outputs, strict=True)]


def _live(command: Sequence[str], output: Sequence[IO[bytes]], folder: str, waiting: int) -> None:
    """Be a command, to the end."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, file in enumerate(output, 1):
            os.dup2(file.fileno(), number)
        os.chdir(folder)
        os.read(waiting, 1)
        code = run(command)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 (a traceback is what the test has to see)
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    main()
