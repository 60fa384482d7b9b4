"""What each contender runs in its process: work on, and time a turn whenever the parent says "go".

Only the standard library is used, so that it works in every interpreter. The parent writes a line for each turn and
closes the pipe at the end; the contender answers with lines of JSON: first its versions, once it is warm, then the
times of each turn.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import signal
import sys
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Let Linux end this process when its parent ends, however that happens: a large network may train for hours."""
    with contextlib.suppress(OSError, AttributeError):  # elsewhere, it ends when it next waits for a line
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Stopwatch:
    """Follows a training loop from its own callbacks.

    The first epoch is warm-up. After the last batch of each epoch the loop is held until the parent writes a line, so
    that nothing is computed while others have their turn; from the end of the next epoch's first batch to its last the
    clock runs. When the parent closes the pipe, the process ends.

    Args:
        batch_size: pictures in each batch; an epoch has whole batches only, and at least two.
        versions: what the table should name, such as {"keras": "3.15.1"}.
    """

    def __init__(self, batch_size: int, versions: dict[str, str]) -> None:
        self._batch_size = batch_size
        self._versions = versions
        self._epoch = 0
        self._began = (0.0, 0.0)

    def batch_done(self, batch: int, batches: int) -> None:
        """Tell that `batch` (from 1) of `batches` is done, and that nothing of it is still being computed."""
        if batch == 1:
            self._epoch += 1
            self._began = _now()
        elif batch == batches:
            if self._epoch == 1:
                _say({"versions": self._versions})
            else:
                _say_times((batches - 1) * self._batch_size, self._began)
            if not sys.stdin.readline():
                raise SystemExit


def take_turns(work: Callable[[], object], images: int, versions: dict[str, str]) -> None:
    """Do all of `work`, which takes `images` pictures, once to warm up and once, timed, for each line of the parent."""
    work()
    _say({"versions": versions})
    while sys.stdin.readline():
        began = _now()
        work()
        _say_times(images, began)


def _now() -> tuple[float, float]:
    """Return the time in seconds on the wall and of the processor."""
    return time.perf_counter(), time.process_time()


def _say_times(images: int, began: tuple[float, float]) -> None:
    seconds, processor_seconds = (end - start for start, end in zip(began, _now(), strict=True))
    _say({"images": images, "seconds": seconds, "processor_seconds": processor_seconds})


def _say(content: dict[str, object]) -> None:
    print(json.dumps(content), flush=True)
