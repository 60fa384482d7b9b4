"""Many small files through other libraries' parsers: children that live on, one for each core, and are never trusted.

A child answers item by item, so if it ends early, the first item without an answer is the one that ended it. That
item gets a reason, a new child goes on with the next one, and nothing else is lost; see `confined_thread`.
"""

from __future__ import annotations

import queue
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.cores import available_cores
from picturewise.untrusted.confined.pool_thread import Job, Task, Worker
from picturewise.untrusted.confined.protocol import Item

Tick = Callable[[int], None]

# Items that a child takes at a time: enough to hide the transfer, few enough for a bar that moves and for a few
# large pictures to be shared out.
_CHUNK = 16
_CHUNK_BYTES = 1 << 22  # of items that are bytes; a larger item is sent alone
_MOST_CHILDREN = 16
_BEAT = 0.5  # seconds between two looks at the children


class KeptChildren:
    """Children that stay alive between calls of `work_through`, for many calls with few items each.

    Args:
        children: how many work at a time, from 1.
    """

    def __init__(self, children: int) -> None:
        self.children = children
        self.spare: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        """End them."""
        while self.spare:
            child = self.spare.pop()
            child.kill()
            child.communicate()


def work_through(
    task: Task,
    items: Sequence[Item],
    answers: Sequence[NDArray[np.uint8]],
    tick: Tick,
    *,
    kept: KeptChildren | None = None,
) -> dict[int, str]:
    """Write the answers for all items, and return, by index, why an item has none (its row is noise).

    Args:
        task: what to do with each item.
        items: N files or contents.
        answers: contiguous arrays (N, length) uint8; an answer fills a row of the first, then of the next, exactly.
        tick: called with the number of items finished since the last call, from the calling thread.
        kept: children that are used and left alive; all calls have the same task. None: new ones, which end.

    Raises:
        PicturewiseError: a child cannot be started at all.
    """
    chunks = list(_chunks(items))
    job = Job(task, items, answers, iter(chunks), None if kept is None else kept.spare)
    most = min(available_cores(), _MOST_CHILDREN) if kept is None else kept.children
    workers = [Worker(job) for _ in range(min(most, len(chunks)))]
    left, looked = len(items), time.monotonic()
    try:
        for worker in workers:
            worker.thread.start()
        while left:
            try:
                done = job.done.get(timeout=_BEAT)
            except queue.Empty:
                done = 0
            if isinstance(done, BaseException):
                raise done
            if (now := time.monotonic()) - looked >= _BEAT:
                for worker in workers:
                    # At most a beat or two: a process that was suspended for an hour has not waited for an hour.
                    worker.watch(min(now - looked, 2 * _BEAT))
                looked = now
            left -= done
            if done:
                tick(done)
        job.finish(workers)
    finally:  # Ctrl-C, or an error: waiting items are not begun, running ones are ended
        job.stop(workers)
    return dict(sorted(job.reasons.items()))


def _chunks(items: Sequence[Item]) -> Iterator[range]:
    """Yield consecutive ranges that hold all items."""
    start = held = 0
    for index, item in enumerate(items):
        size = 0 if isinstance(item, Path) else len(item)
        if index > start and (index - start == _CHUNK or held + size > _CHUNK_BYTES):
            yield range(start, index)
            start, held = index, 0
        held += size
    if len(items) > start:
        yield range(start, len(items))
