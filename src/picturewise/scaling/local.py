"""Parts on this machine's cores: worker processes that are replaced if they end."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from typing import IO, Any, cast

from picturewise.errors import PicturewiseError, SaveError
from picturewise.printable import printable
from picturewise.scaling.job import Job
from picturewise.scaling.part_facts import PartFacts
from picturewise.scaling.part_work import PartWork
from picturewise.scaling.results import DEATHS, WITHOUT_PROGRESS, Failure, Results
from picturewise.scaling.share import Shares
from picturewise.untrusted.confined import process

_MAIN = "picturewise.scaling.worker"
# One thread for each worker, whatever computes; and Arrow's own pools keep memory.
ONE_THREAD = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


def compute_here(job: Job, numbers: Sequence[int], results: Results) -> None:
    """Compute parts in this process, one after the other: for sources that no other process sees.

    Args:
        job: the job.
        numbers: of the parts.
        results: receive what is computed.
    """
    work = PartWork(job)
    try:
        for number in numbers:
            try:
                results.add(number, work.write(number, results.rows))
            except SaveError:  # the others would not be written either
                raise
            except PicturewiseError as error:
                results.failed[number] = Failure(str(error), type(error).__name__)
    finally:
        work.close()


def compute_locally(job: Job, numbers: Sequence[int], results: Results, *, workers: int) -> None:
    """Compute parts in worker processes.

    Args:
        job: the job.
        numbers: of the parts.
        results: receive what is computed.
        workers: how many processes.

    Raises:
        SaveError: a part cannot be written.
        PicturewiseError: workers end without computing anything.
    """
    count = min(workers, len(numbers))
    shares = Shares(numbers, count)
    events: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]] = queue.SimpleQueue()
    running: list[_Worker] = []
    deaths: Counter[int] = Counter()
    idle = 0  # workers in a row that ended before they reported anything
    try:
        running += (_Worker(place, job, events) for place in range(count))
        while running:
            worker, event = events.get()
            if event is not None:
                idle = 0 if "failed" not in event else idle
                worker.take(event, results, shares)
                continue
            running.remove(worker)
            how = worker.end()
            if worker.is_done:
                continue
            results.lost += 1
            results.rows(-worker.rows)
            idle = idle + 1 if not worker.reported else 0
            if idle == WITHOUT_PROGRESS or worker.refusal:
                raise worker.refusal or PicturewiseError(
                    f"{idle} worker processes ended in a row before they did anything ({how}). Check that there is "
                    "free memory; the parts that are written are kept."
                )
            if worker.part is not None:
                deaths[worker.part] += 1
                if deaths[worker.part] == DEATHS:
                    results.failed[worker.part] = Failure(
                        f"{DEATHS} processes ended while they computed it ({how})."
                    )
                else:
                    shares.give_back(worker.place, worker.part)
            running.append(_Worker(worker.place, job, events))
    finally:  # Ctrl-C, too: files are always complete
        for worker in running:
            worker.end()


class _Worker:
    """A worker process, and a thread that waits for its reports."""

    def __init__(
        self, place: int, job: Job, events: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]]
    ) -> None:
        self.place = place
        self.part: int | None = None
        self.rows = 0  # of the part, so far
        self.reported = self.is_done = False
        self.refusal: PicturewiseError | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the worker ends)
        self._process = subprocess.Popen(  # noqa: S603 (our own interpreter and our own program)
            process.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=os.environ | ONE_THREAD,
        )
        self._write(process.first_line(_MAIN, {"job": job.content()}))
        threading.Thread(target=self._listen, args=(events,), daemon=True).start()

    def take(self, event: dict[str, Any], results: Results, shares: Shares) -> None:
        """Act on a report.

        Raises:
            SaveError: a part could not be written.
        """
        if "failed" in event:
            self.refusal = _as_error(event["failed"], event["kind"])
            return
        self.reported = True
        if "rows" in event:
            self.rows += event["rows"]
            results.rows(event["rows"])
            return
        if self.part is not None:
            if event.get("kind") == SaveError.__name__:  # the others would not be written either
                raise SaveError(event["error"])
            if "error" in event:
                results.rows(-self.rows)
                results.failed[self.part] = Failure(event["error"], event["kind"])
            else:
                results.add(self.part, PartFacts(*event["facts"]))
        self.rows, self.part = 0, shares.next(self.place)
        if self.part is None:
            self.is_done = True
            with contextlib.suppress(OSError):
                cast(IO[bytes], self._process.stdin).close()
        else:
            self._write(b"%d\n" % self.part)

    def end(self) -> str:
        """End the process, if it still runs, and return how it ended."""
        self._process.kill()
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                cast(IO[bytes], pipe).close()
        with self._said:
            self._said.seek(0, os.SEEK_END)
            self._said.seek(max(0, self._said.tell() - 2000))
            last = self._said.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        how = process.how_it_ended(code)
        return f"{how}: {printable(last)[:200]}" if last else how

    def _write(self, content: bytes) -> None:
        requests = cast(IO[bytes], self._process.stdin)
        with contextlib.suppress(OSError):  # it has ended, which its thread finds out
            requests.write(content)
            requests.flush()

    def _listen(self, events: queue.SimpleQueue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        with contextlib.suppress(ValueError, OSError):  # a line that was cut off, or a pipe that was closed
            for line in cast(IO[bytes], self._process.stdout):
                events.put((self, json.loads(line)))
        events.put((self, None))


def _as_error(sentence: str, kind: str) -> PicturewiseError:
    """Return the error that a worker reported, as one of the same class."""
    from picturewise import errors  # noqa: PLC0415 (all of them, by name)

    found = getattr(errors, kind, PicturewiseError)
    known = isinstance(found, type) and issubclass(found, PicturewiseError)
    return (
        found(sentence)
        if known and found not in {errors.PictureError, errors.Interrupted}
        else PicturewiseError(sentence)
    )
