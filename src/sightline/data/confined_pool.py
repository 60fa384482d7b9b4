"""Many small files through foreign parsers: children that live on, one for each processor, and are never trusted.

A child answers item by item, so that when it ends early the first item without an answer is the one that ended it.
That item is given a reason, a new child goes on with the next one, and nothing else is lost. Since an earlier item
may have left a child damaged or full, an item that ends a used child is asked again of a fresh one before it is
blamed; only for running out of time there is no second try. Answers are plain bytes of a length known beforehand.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from sightline.data import child, frames
from sightline.data.frames import Item
from sightline.data.names import printable
from sightline.errors import SightlineError

Tick = Callable[[int], None]

_MAIN = "sightline.data.confined_worker"
# Items that a child takes at a time: enough to hide the hand-over, few enough for a bar that moves and for a few
# large pictures to be shared out.
_CHUNK = 16
_CHUNK_BYTES = 1 << 22  # of items that are bytes; a larger one goes alone
_MOST_CHILDREN = 16
_BEAT = 0.5  # seconds between two looks at the children
_HARM = "; it is damaged or was made to do harm"


@dataclass(frozen=True)
class Task:
    """What the children do with each item.

    Attributes:
        work: `module:function`; it is called once in each child with `request` as keywords and returns a function
            `(item, allow)` that returns the answer's bytes. A DataError from it holds a reason and refuses the item;
            `allow(seconds)` bounds the item's processor time anew.
        request: whatever it needs, as JSON can hold it.
        memory: bytes of address space of a child.
        seconds: of processor time for an item, unless the work allows more.
        patience: from an item to the seconds on the clock after which its child is ended.
    """

    work: str
    request: Mapping[str, Any]
    memory: int
    seconds: float
    patience: Callable[[Item], float]


def work_through(task: Task, items: Sequence[Item], answers: NDArray[np.uint8], tick: Tick) -> dict[int, str]:
    """Write the answers for all items, and return by index why there is none (its row is noise).

    Args:
        task: what to do with each item.
        items: N files or contents.
        answers: (N, length) uint8, the rows to be filled; their length is that of each answer.
        tick: called with the number of items done since the last call, from the calling thread.

    Raises:
        SightlineError: a child cannot be started at all.
    """
    chunks = list(_chunks(items))
    job = _Job(task, items, answers, iter(chunks))
    workers = [_Worker(job) for _ in range(min(_processors(), _MOST_CHILDREN, len(chunks)))]
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
                    # Not more than a beat or two: a process that was stopped for an hour has not waited for an hour.
                    worker.watch(min(now - looked, 2 * _BEAT))
                looked = now
            left -= done
            if done:
                tick(done)
    finally:  # Ctrl-C, or an error: what waits is not begun, what runs is ended
        job.stop(workers)
    return dict(sorted(job.reasons.items()))


class _Job:
    """What the threads of one call share."""

    def __init__(
        self, task: Task, items: Sequence[Item], answers: NDArray[np.uint8], chunks: Iterator[range]
    ) -> None:
        self.task = task
        self.items = items
        self.reasons: dict[int, str] = {}
        self.done: queue.SimpleQueue[int | BaseException] = queue.SimpleQueue()
        self.folder = _folder()
        self._chunks = chunks
        self._length = answers.shape[1]
        self._answers = answers.reshape(-1).data
        self._lock = threading.Lock()
        self._stopped = False

    def next_chunk(self) -> range | None:
        """Return the items to ask next; None: there are no more."""
        with self._lock:
            return next(self._chunks, None)

    def row(self, index: int) -> memoryview:
        """Return the room for an answer."""
        return self._answers[index * self._length : (index + 1) * self._length]

    def new_process(self) -> subprocess.Popen[bytes]:
        """Start a child."""
        with self._lock:  # so that none is started after the others were ended
            self.go_on()
            return child.start(subprocess.PIPE)

    def go_on(self) -> None:
        """Raise _StoppedError if the call is over."""
        if self._stopped:
            raise _StoppedError

    def stop(self, workers: Sequence[_Worker]) -> None:
        """End the children and wait for the threads."""
        self._stopped = True
        with self._lock:
            for worker in workers:
                worker.kill()
        for worker in workers:
            if worker.thread.ident is not None:
                worker.thread.join()


class _StoppedError(Exception):
    """The call is over; a thread that meets this just ends."""


class _Worker:
    """A thread and its children, one after the other."""

    def __init__(self, job: _Job) -> None:
        self.thread = threading.Thread(target=self._run, name="sightline-pictures", daemon=True)
        self._job = job
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = -1  # the item whose answer is waited for
        self._seen = -1  # the same when it was last looked at …
        self._waited = 0.0  # … and the seconds since it was first seen
        self._overdue = -1  # the item that its child was ended for
        self._fresh = True  # whether the child has not answered anything yet

    def kill(self) -> None:
        """End the child; the thread finds out by itself."""
        process = self._process
        if process is not None:
            process.kill()

    def watch(self, seconds: float) -> None:
        """Count the time that passed, and end a child that an item keeps for too long."""
        asked = self._asked
        if asked != self._seen:
            self._seen, self._waited = asked, 0.0
            return
        self._waited += seconds
        if asked >= 0 and self._waited > self._job.task.patience(self._job.items[asked]):
            self._overdue = asked
            self.kill()

    def _run(self) -> None:
        try:
            while (chunk := self._job.next_chunk()) is not None:
                start = chunk.start
                while start < chunk.stop:
                    start = self._ask(range(start, chunk.stop))
                self._asked = -1
                self._job.done.put(len(chunk))
        except _StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 (it is raised in the calling thread)
            self._job.done.put(error)
        finally:
            self._end()

    def _ask(self, chunk: range) -> int:
        """Send items to the child, store its answers, and return the item to go on with."""
        self._asked = chunk.start
        process = self._process or self._start()
        requests, answers = _pipes(process)
        try:
            frames.write_chunk(requests, self._job.items[chunk.start : chunk.stop], self._job.folder)
            for self._asked in chunk:
                reason = self._receive(answers)
                if reason is not None:
                    self._job.reasons[self._asked] = reason
                self._fresh = False
        except MemoryError:
            self.kill()
            return self._blame(
                f"needs more than the {self._job.task.memory >> 20:,} MB of memory that decoding a picture may take"
            )
        except ValueError:
            self.kill()
            return self._blame(f"made the decoder answer nonsense{_HARM}")
        except (EOFError, OSError):
            return self._blame(None)
        return chunk.stop

    def _receive(self, answers: io.BufferedReader) -> str | None:
        """Fill the row of the item at hand and return None, or return the reason why it was not filled."""
        kind = answers.read(1)
        if kind == frames.DONE:
            frames.read_result(answers, self._job.row(self._asked))
            return None
        if kind == frames.REFUSED:
            return printable(frames.read_reason(answers))[: frames.LONGEST_REASON]
        if kind == frames.NO_MEMORY:
            raise MemoryError
        if kind:
            raise ValueError("no kind of answer")
        raise EOFError

    def _blame(self, reason: str | None) -> int:
        """Note why the item at hand has no answer, unless it is to be asked again; return the item to go on with."""
        code = self._end()
        self._job.go_on()
        if self._overdue == self._asked or child.ran_out_of_time(code):
            reason = f"takes longer to decode than its size allows{_HARM}"
        elif not self._fresh:
            return self._asked
        if reason is None:
            reason = f"made the decoder crash ({child.how_it_ended(code)}){_HARM}"
        self._job.reasons[self._asked] = reason
        return self._asked + 1

    def _start(self) -> subprocess.Popen[bytes]:
        """Return a new child that is ready for items."""
        task = self._job.task
        message = {
            "work": task.work,
            "request": dict(task.request),
            "memory": task.memory,
            "seconds": task.seconds,
        }
        self._fresh = True
        try:
            self._process = process = self._job.new_process()
            requests, answers = _pipes(process)
            requests.write(child.first_line(_MAIN, message))
            requests.flush()
            if answers.read(1) == frames.READY:
                return process
            how = child.how_it_ended(self._end())
        except OSError as error:  # no more processes, no memory for one, or it was over at once
            self._end()
            how = str(error)
        self._job.go_on()
        raise SightlineError(
            f"The process that decodes pictures cannot be started ({how}); is there memory left, and is the "
            "installation complete?"
        )

    def _end(self) -> int:
        """End the child, if there is one, and return how: 0, or its signal, negative, or its exit code."""
        process = self._process
        if process is None:
            return 0
        for pipe in _pipes(process):
            with contextlib.suppress(OSError):  # requests that the child no longer took
                pipe.close()
        try:
            # One that nobody asks any more ends by itself, and one that has crashed is about to be gone.
            code = process.wait(_BEAT)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self._process = None
        return code


def _pipes(process: subprocess.Popen[bytes]) -> tuple[io.BufferedWriter, io.BufferedReader]:
    return cast(io.BufferedWriter, process.stdin), cast(io.BufferedReader, process.stdout)


def _folder() -> Path:
    """Return the folder that relative paths start from; where it is gone, there is nothing to be found anyway."""
    try:
        return Path.cwd()
    except OSError:
        return Path()


def _chunks(items: Sequence[Item]) -> Iterator[range]:
    """Yield consecutive ranges that hold all items."""
    start = held = 0
    for index, item in enumerate(items):
        size = len(item) if isinstance(item, bytes) else 0
        if index > start and (index - start == _CHUNK or held + size > _CHUNK_BYTES):
            yield range(start, index)
            start, held = index, 0
        held += size
    if len(items) > start:
        yield range(start, len(items))


def _processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
