"""A thread of `confined_pool` with its child, which it starts, asks, blames and replaces.

Because an earlier item may have left a child damaged or full, an item that ends a used child is tried again in a
fresh one before it is blamed; only after running out of time there is no second try. Answers are bytes of a known
length, and reasons are made safe to print: nothing that a child says is trusted.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import PicturewiseError
from picturewise.printable import printable
from picturewise.untrusted.confined import blame, process, protocol
from picturewise.untrusted.confined.protocol import Item

_MAIN = "picturewise.untrusted.confined.pool_child"
_LEAVE = 0.5  # seconds in which a child can end by itself


@dataclass(frozen=True)
class Task:
    """What the children do with each item.

    Attributes:
        work: `module:function`; it is called once in each child with `request` as keywords and returns a function
            `(item, allow)` that returns the answer's bytes. A DataError from it holds a reason and refuses the item;
            `allow(seconds)` sets a new limit on the item's processor time.
        request: anything that it needs, as JSON types.
        memory: bytes of address space of a child.
        seconds: of processor time for an item, unless the work allows more.
        patience: a function from an item to the seconds of real time after which its child is ended.
    """

    work: str
    request: Mapping[str, Any]
    memory: int
    seconds: float
    patience: Callable[[Item], float]

    def first_line(self) -> bytes:
        """Return the first line for a child, after which it is ready."""
        message = {
            "work": self.work,
            "request": dict(self.request),
            "memory": self.memory,
            "seconds": self.seconds,
        }
        return process.first_line(_MAIN, message)


class Job:
    """What the threads of one call share."""

    def __init__(
        self,
        task: Task,
        items: Sequence[Item],
        answers: Sequence[NDArray[np.uint8]],
        chunks: Iterator[range],
        spare: list[subprocess.Popen[bytes]] | None = None,
    ) -> None:
        self.task = task
        self.spare = spare
        """Children of earlier calls, and where those of this one go; None: children end with the call."""
        self.items = items
        self.reasons: dict[int, str] = {}
        self.done: queue.SimpleQueue[int | BaseException] = queue.SimpleQueue()
        self.folder = _folder()
        self._chunks = chunks
        self._answers = [(table.shape[1], table.reshape(-1).data) for table in answers]
        self.lock = threading.Lock()
        self._stopped = False

    def next_chunk(self) -> range | None:
        """Return the items to ask next; None: there are no more."""
        with self.lock:
            return None if self._stopped else next(self._chunks, None)

    def rows(self, index: int) -> list[memoryview]:
        """Return the rows for an answer."""
        return [table[index * length : (index + 1) * length] for length, table in self._answers]

    def go_on(self) -> None:
        """Raise _StoppedError if the call is over."""
        if self._stopped:
            raise _StoppedError

    def finish(self, workers: Sequence[Worker]) -> None:
        """Wait for the threads after all items are done; their children are kept, if children are."""
        if self.spare is None:
            self.stop(workers)
        for worker in workers:
            worker.thread.join()

    def stop(self, workers: Sequence[Worker]) -> None:
        """End the children and wait for the threads."""
        with self.lock:
            self._stopped = True
            for worker in workers:
                worker.kill()
        for worker in workers:
            if worker.thread.ident is not None:
                worker.thread.join()


class _StoppedError(Exception):
    """The call is over; a thread that gets this just ends."""


class Worker:
    """A thread and its children, one after the other."""

    def __init__(self, job: Job) -> None:
        self.thread = threading.Thread(target=self._run, name="picturewise-pictures", daemon=True)
        self._job = job
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = -1  # the item whose answer is expected
        self._seen = -1  # the same at the last look …
        self._waited = 0.0  # … and the seconds since it was first seen
        self._overdue = -1  # the item that its child was ended for
        self._fresh = True  # whether the child has not answered anything yet

    def kill(self) -> None:
        """End the child; the thread finds out by itself."""
        process = self._process
        if process is not None:
            process.kill()

    def watch(self, seconds: float) -> None:
        """Count the time that passed, and end a child that an item keeps busy for too long."""
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
            self._keep()
        except _StoppedError:
            pass
        except BaseException as error:  # noqa: BLE001 (it is raised in the calling thread)
            self._job.done.put(error)
        finally:
            self._end()

    def _keep(self) -> None:
        """Leave the child to the next call, if children are kept."""
        if self._job.spare is not None and self._process is not None:
            self._job.spare.append(self._process)
            self._process = None

    def _ask(self, chunk: range) -> int:
        """Send items to the child, store its answers, and return the item to go on with."""
        self._asked = chunk.start
        child = self._process or self._start()
        requests, answers = _pipes(child)
        try:
            protocol.write_chunk(requests, self._job.items[chunk.start : chunk.stop], self._job.folder)
            for self._asked in chunk:
                reason = self._receive(answers)
                if reason is not None:
                    self._job.reasons[self._asked] = reason
                self._fresh = False
        except MemoryError:
            self.kill()
            return self._blame(blame.too_much_memory(self._job.task.memory))
        except ValueError:
            self.kill()
            return self._blame(blame.INVALID)
        except (EOFError, OSError):
            return self._blame(None)
        return chunk.stop

    def _receive(self, answers: io.BufferedReader) -> str | None:
        """Fill the rows of the current item and return None, or return the reason why they were not filled."""
        kind = answers.read(1)
        if kind == protocol.DONE:
            protocol.read_result(answers, self._job.rows(self._asked))
            return None
        if kind == protocol.REFUSED:
            return printable(protocol.read_reason(answers))[: protocol.LONGEST_REASON]
        if kind == protocol.NO_MEMORY:
            raise MemoryError
        if kind:
            raise ValueError("unknown kind of answer")
        raise EOFError

    def _blame(self, reason: str | None) -> int:
        """Note why the current item has no answer, unless it is tried again; return the item to go on with."""
        code = self._end()
        self._job.go_on()
        if self._overdue == self._asked or process.ran_out_of_time(code):
            reason = blame.TOO_LONG
        elif not self._fresh:
            return self._asked
        if reason is None:
            reason = blame.crashed(code)
        self._job.reasons[self._asked] = reason
        return self._asked + 1

    def _start(self) -> subprocess.Popen[bytes]:
        """Return a new child that is ready for items."""
        task = self._job.task
        if self._job.spare:
            with contextlib.suppress(IndexError):  # another thread took the last one
                self._process = self._job.spare.pop()
                self._fresh = False
                return self._process
        self._fresh = True
        try:
            with self._job.lock:  # so that no child is started after the others were ended
                self._job.go_on()
                self._process = child = process.start(subprocess.PIPE)
            requests, answers = _pipes(child)
            requests.write(task.first_line())
            requests.flush()
            if answers.read(1) == protocol.READY:
                _give_way()
                return child
            how = process.how_it_ended(self._end())
        except OSError as error:  # no more processes, no memory for one, or it ended at once
            self._end()
            how = str(error)
        self._job.go_on()
        raise PicturewiseError(blame.cannot_start(how))

    def _end(self) -> int:
        """End the child, if there is one, and return how: 0, or its signal, negative, or its exit code."""
        process = self._process
        if process is None:
            return 0
        for pipe in _pipes(process):
            with contextlib.suppress(OSError):  # requests that the child no longer read
                pipe.close()
        try:
            # A child without further requests ends by itself, and one that has crashed is about to end.
            code = process.wait(_LEAVE)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        self._process = None
        return code


def _give_way() -> None:
    """Let this thread, which each answer wakes, wait for a free core instead of taking a child's."""
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _pipes(process: subprocess.Popen[bytes]) -> tuple[io.BufferedWriter, io.BufferedReader]:
    return cast(io.BufferedWriter, process.stdin), cast(io.BufferedReader, process.stdout)


def _folder() -> Path:
    """Return the folder that relative paths start from; if it no longer exists, nothing can be found anyway."""
    try:
        return Path.cwd()
    except OSError:
        return Path()
