"""One child that answers requests of any length, one after the other: for a library that takes long to load.

It is a child of `pool`, with the same limits and trusted as little: one that crashes, hangs or answers nonsense ends,
the request gets an error, and the next request gets a new child.
"""

from __future__ import annotations

import contextlib
import struct
import subprocess
import threading
from pathlib import Path
from typing import IO, cast

from picturewise.errors import DataError, PicturewiseError
from picturewise.printable import printable
from picturewise.untrusted.confined import blame, process, protocol
from picturewise.untrusted.confined.pool_thread import Task

_START = 60.0  # seconds of real time in which a child must be ready
_LENGTH = struct.Struct("<I")


class AskedChild:
    """A child that is started for the first request, and lives until `close`.

    Args:
        task: what it does with each request, and the seconds of real time for it.
        most: bytes of an answer.
    """

    def __init__(self, task: Task, most: int) -> None:
        self._task, self._most = task, most
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: bytes, shown: str) -> bytes:
        """Return the answer to a request.

        Args:
            request: what the task's work takes.
            shown: what it is about, at the beginning of errors.

        Raises:
            DataError: the one that the work raised, or one for a crash, an exceeded limit or an invalid answer.
            PicturewiseError: the child cannot be started.
        """
        child = self._process or self._start()
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            child.kill()

        timer = threading.Timer(self._task.patience(request), end)
        timer.daemon = True
        timer.start()
        try:
            protocol.write_chunk(cast(IO[bytes], child.stdin), [request], Path())  # type: ignore[arg-type]
            return self._received(cast(IO[bytes], child.stdout), shown)
        except (EOFError, OSError) as error:
            code = self._end()
            if overdue.is_set() or process.ran_out_of_time(code):
                raise DataError(
                    f"{shown} takes longer to read than its size allows. It is damaged or malicious: download it "
                    "again."
                ) from error
            if process.was_killed(code):
                raise DataError(
                    f"The process that reads {shown} was killed (SIGKILL), as systems do when memory runs out. Run "
                    "again, with fewer programs at the same time."
                ) from error
            raise DataError(
                f"{shown} made the library that reads it crash ({process.how_it_ended(code)}); nothing else was "
                "affected. The file is damaged or malicious: download it again."
            ) from error
        except DataError:
            raise
        except BaseException:  # Ctrl-C
            self._end()
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            self._end()

    def _received(self, answers: IO[bytes], shown: str) -> bytes:
        kind = answers.read(1)
        if kind == protocol.DONE:
            (length,) = _LENGTH.unpack(_exactly(answers, _LENGTH.size))
            if length <= self._most:
                return _exactly(answers, length)
        elif kind == protocol.REFUSED:
            with contextlib.suppress(ValueError):
                raise DataError(printable(protocol.read_reason(answers)))  # type: ignore[arg-type]
        elif kind == protocol.NO_MEMORY:
            self._end()
            raise DataError(
                f"{shown} needs more than the {self._task.memory >> 20:,} MB of memory allowed for reading it. It is "
                "damaged or malicious: download it again."
            )
        elif not kind:
            raise EOFError
        self._end()
        raise DataError(
            f"{shown} made the library that reads it return invalid data. It is damaged or malicious: download it "
            "again."
        )

    def _start(self) -> subprocess.Popen[bytes]:
        """Return a new child that is ready for requests."""
        try:
            self._process = child = process.start(subprocess.PIPE)
            timer = threading.Timer(_START, child.kill)
            timer.daemon = True
            timer.start()
            try:
                requests = cast(IO[bytes], child.stdin)
                requests.write(self._task.first_line())
                requests.flush()
                if cast(IO[bytes], child.stdout).read(1) == protocol.READY:
                    return child
            finally:
                timer.cancel()
            how = process.how_it_ended(self._end())
        except OSError as error:  # no more processes, no memory for one, or it ended at once
            self.close()
            how = str(error)
        raise PicturewiseError(blame.cannot_start(how))

    def _end(self) -> int:
        """End the child and return how it ended: 0, or its signal, negative, or its exit code."""
        child, self._process = self._process, None
        if child is None:
            return 0
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                cast(IO[bytes], pipe).close()
        try:
            return child.wait(0.5)  # one that has crashed is about to end
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return content
