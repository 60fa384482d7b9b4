"""What each contender runs in its process: train on, and time an epoch whenever the parent says "go".

Only the standard library is used, so that it works in every interpreter.
"""

from __future__ import annotations

import json
import sys
import time


class Stopwatch:
    """Follows a training loop from its own callbacks, and talks with the parent in lines.

    The first epoch is warm-up. In each later one the loop is held after its first batch until the parent writes
    a line; from there to the last batch the clock runs. When the parent closes the pipe, the process ends.

    Args:
        batch_size: pictures in each batch.
        versions: what the table should name, such as {"keras": "3.15.1"}.
    """

    def __init__(self, batch_size: int, versions: dict[str, str]) -> None:
        self._batch_size = batch_size
        self._versions = versions
        self._epoch = 0
        self._began = (0.0, 0.0)

    def batch_done(self, batch: int, batches: int) -> None:
        """Tell that `batch` (from 1) of `batches` is done."""
        if batch == 1:
            self._epoch += 1
            if self._epoch == 2:
                _say({"versions": self._versions})
            if self._epoch >= 2 and not sys.stdin.readline():
                raise SystemExit
            self._began = (time.perf_counter(), time.process_time())
        elif batch == batches and self._epoch >= 2:
            ended = (time.perf_counter(), time.process_time())
            seconds, processor_seconds = (end - start for start, end in zip(self._began, ended, strict=True))
            images = (batches - 1) * self._batch_size
            _say({"images": images, "seconds": seconds, "processor_seconds": processor_seconds})


def _say(content: dict[str, object]) -> None:
    print(json.dumps(content), flush=True)
