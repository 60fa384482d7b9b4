"""Limits that a child process sets before it reads an untrusted file: memory, time, files, and time for each task."""

from __future__ import annotations

import contextlib
import math
import signal


def limit(memory: int, seconds: float | None, output: int) -> None:
    """Bound this process for good: address space, processor time, size of a written file, no core dump.

    If the system does not support such limits (Windows), only the parent's clock limits it.

    Args:
        memory: bytes of addresses.
        seconds: of processor time; none: not limited, for a child that lives on and counts time for each task.
        output: bytes of a file.
    """
    try:
        import resource  # noqa: PLC0415 (not on Windows)
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        *([(resource.RLIMIT_CPU, max(1, math.ceil(seconds)))] if seconds is not None else []),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # One second over the soft limit of time distinguishes "too long" from a kill by another program.
        above = allowed + 1 if kind == resource.RLIMIT_CPU and allowed == most else allowed
        with contextlib.suppress(ValueError, OSError):  # macOS refuses to bound the address space
            resource.setrlimit(kind, (allowed, above))


class Clock:
    """Two alarms that end this process wherever it is, even in the middle of a library's C code.

    One counts the processor time of the current task. The other counts real time, for a task that waits forever; it
    goes off long after the parent's own clock would have, and matters only if the parent has ended.
    """

    def __init__(self) -> None:
        # Windows has neither; there, only the parent's clock limits the time.
        self._alarms = hasattr(signal, "setitimer")
        if self._alarms:
            # The program that started the parent may have set these to be ignored, which children inherit.
            for number in (signal.SIGPROF, signal.SIGALRM):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF, signal.SIGALRM})

    def allow(self, seconds: float) -> None:
        """Allow this much processor time from now on; 0: there is no current task."""
        if self._alarms:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.setitimer(signal.ITIMER_REAL, 10 * seconds + 60 if seconds else 0)
