"""How a child process for other libraries' parsers is started, and how its end is described.

The child is a fresh interpreter that neither sees the environment's Python settings nor runs the caller's main
module, so that it works from threads, notebooks and scripts without a main guard.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

# The message is read before picturewise can be imported, because it says where picturewise and its libraries are. So
# Python need not look for them itself (-S), which is a third of its start.
_START = (
    "import importlib, json, sys; message = json.loads(sys.stdin.buffer.readline()); "
    "sys.path[:] = message['path']; importlib.import_module(message['main']).main(message)"
)
# Variables that an interpreter and its libraries may need to start; the rest of the environment is not passed on.
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
_SET = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the other pools reserve gigabytes of addresses, which count as memory
    "HDF5_PLUGIN_PRELOAD": "::",  # no filter is loaded from a folder of plug-ins
    "OMP_NUM_THREADS": "1",  # threads reserve addresses too
    "OPENBLAS_NUM_THREADS": "1",
}
# The signals with which the limits of `call_child` end a child.
_OUT_OF_TIME = frozenset(
    -getattr(signal, name) for name in ("SIGXCPU", "SIGPROF", "SIGALRM") if hasattr(signal, name)
)


def start(stdout: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a child that waits for its `first_line` and answers to `stdout`; its error output is discarded."""
    return subprocess.Popen(  # noqa: S603 (our own interpreter and our own program)
        command(),
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT if name in os.environ} | _SET,
        bufsize=1 << 16,
    )


def command() -> list[str]:
    """Return the command of an interpreter that waits for its `first_line`."""
    return [sys.executable, "-I", "-S", "-c", _START]


def first_line(main: str, message: Mapping[str, Any]) -> bytes:
    """Return the first line to send to a child: the module whose `main` it calls, and the message."""
    return json.dumps({"path": _import_path(), "main": main, **message}).encode() + b"\n"


def how_it_ended(code: int) -> str:
    """Return the name of the signal that ended a child, or its exit code.

    >>> how_it_ended(-11), how_it_ended(7)
    ('SIGSEGV', 'exit code 7')
    """
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:  # a signal without a name
        return f"signal {-code}"


def ran_out_of_time(code: int) -> bool:
    """Return whether a child ended because it used more time than it was allowed."""
    return code in _OUT_OF_TIME


def was_killed(code: int) -> bool:
    """Return whether a child was ended by SIGKILL, as systems do for want of memory; no crash does."""
    return hasattr(signal, "SIGKILL") and code == -signal.SIGKILL


def _import_path() -> list[str]:
    """Return the places that this process imports from; relative ones are omitted, because they could hold anything."""
    own = str(Path(__file__).parents[3])
    return [*dict.fromkeys([*(entry for entry in sys.path if Path(entry).is_absolute()), own])]
