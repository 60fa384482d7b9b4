"""A Python process that talks in lines: `LineProcess`, and the one on this machine; see `process_on_ray`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol, cast

from picturewise.cores import CORES


class LineProcess(Protocol):
    """A process that reads and writes lines. It must end when its standard input does, so it ends with its owner."""

    def read_line(self) -> bytes:
        """Wait for a line and return it; empty: the process has ended."""
        ...

    def how_it_ended(self) -> str:
        """Return how it ended, in a few words, once `read_line` has returned nothing."""
        ...

    def send(self, line: bytes) -> None:
        """Send a line; nothing happens if the process has ended, which `read_line` finds out."""
        ...

    def ask_to_stop(self, line: bytes) -> None:
        """Send SIGTERM, and a line, in case the process waits for one."""
        ...

    def kill(self) -> None:
        """End the process at once."""
        ...

    def close(self) -> None:
        """Release what belongs to a process that has ended."""
        ...


class LocalProcess:
    """A process on this machine. On a Ray cluster, the same class is an actor, in whose methods nothing else runs.

    Args:
        module: its program, as for `python -m`.
        cores: how many it uses.
    """

    def __init__(self, module: str, cores: int) -> None:
        own = {CORES: str(cores), "OMP_NUM_THREADS": str(cores), "PYTHONPATH": os.pathsep.join(_paths())}
        self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and our own program)
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **own},
            start_new_session=True,  # Ctrl-C is for the driver, which tells its workers
        )

    def read_line(self) -> bytes:
        """Return a line, or nothing at the end."""
        return cast(IO[bytes], self._process.stdout).readline()

    def how_it_ended(self) -> str:
        """Return the signal or the exit code."""
        code = self._process.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def send(self, line: bytes) -> None:
        """Write a line to its standard input."""
        requests = cast(IO[bytes], self._process.stdin)
        with contextlib.suppress(OSError):
            requests.write(line)
            requests.flush()

    def ask_to_stop(self, line: bytes) -> None:
        """Send SIGTERM and a line."""
        if self._process.poll() is None:
            self._process.terminate()
            self.send(line)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()

    def close(self) -> None:
        """Close the pipes."""
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not sent to a process that has ended
                cast(IO[bytes], pipe).close()


def _paths() -> Iterator[str]:
    """Yield the places that this process imports from."""
    own = str(Path(__file__).parents[2])
    yield from dict.fromkeys([own, *(entry for entry in sys.path if Path(entry).is_absolute())])
