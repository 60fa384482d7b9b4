"""Who trains the trials: this process, or several processes at a time, each with its share of the cores.

A worker is a fresh interpreter that reads the pictures itself and talks in lines of JSON. It ends when its driver does,
however that happens. If it is killed itself, its run goes on in a new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from picturewise.cores import CORES, available_cores
from picturewise.errors import RunError, SaveError
from picturewise.tuning.trial import TIME_IS_OVER, Outcome, Pictures, Work, train_trial

MOST_LOST = 2
"""Times that a run's worker may be killed without an epoch in between."""
_PATIENCE = 30.0
"""Seconds for a worker to save a checkpoint after a signal."""

_Events: TypeAlias = "queue.Queue[tuple[_Worker, dict[str, Any]]]"

Next = Callable[[], Work | None]
"""Returns the next run, or None if there is nothing to begin now."""
Report = Callable[[Work, int, float, float], bool]
"""As `Reported`, with the run."""
End = Callable[[Work, Outcome], None]


def _nothing() -> None:
    pass


def train_here(
    take: Next, report: Report, end: End, pictures: Pictures, meanwhile: Callable[[], None] = _nothing
) -> None:
    """Train runs in this process, one after the other, until there is no next one.

    Args:
        take: returns the next run.
        report: is told about each epoch.
        end: is told how a run ended.
        pictures: of the search.
        meanwhile: called once there is a first run.

    Raises:
        Interrupted: a signal arrived; a checkpoint was written first.
        SaveError: something could not be written.
    """
    for work in iter(take, None):
        meanwhile()
        meanwhile = _nothing
        end(work, train_trial(work, pictures, lambda *told, work=work: report(work, *told)))


def train_in_workers(
    take: Next,
    report: Report,
    end: End,
    count: int,
    meanwhile: Callable[[], None] = _nothing,
    left: Callable[[], float | None] = _nothing,
) -> None:
    """Train runs in `count` processes until there is no next one and all have ended.

    Args:
        take: as for `train_here`, like the two that follow.
        report: the same.
        end: the same.
        count: how many processes.
        meanwhile: called once, while they start with the first runs.
        left: returns the seconds until processes are ended that are still at work, because they are only starting, or
            hang; their runs are paused, and have their checkpoints. None: no limit.

    Raises:
        SaveError: a worker could not write something.
        RunError: a worker failed in a way that it cannot describe.
    """
    events: _Events = queue.Queue()
    lost: dict[str, int] = {}
    with _staff(events, count) as hire:
        idle = [hire() for _ in range(count)]
        busy: dict[_Worker, Work] = {}
        while True:
            while idle and (work := take()) is not None:
                busy[idle[-1]] = work
                idle.pop().begin(work)
            if not busy:
                return
            meanwhile()
            meanwhile = _nothing
            try:
                worker, event = events.get(timeout=left())
            except queue.Empty:
                for late, work in busy.items():
                    late.kill()
                    end(work, Outcome("paused", TIME_IS_OVER))
                return
            if "ready" in event:
                worker.ready = True
                continue
            if "lost" in event and not worker.ready:
                raise RunError(f"A worker process could not be started ({event['lost']}). Use one worker.")
            if worker not in busy:  # it was killed while it had no work
                idle.remove(worker)
                idle.append(hire())
                continue
            work = busy[worker]
            if "epoch" in event:
                lost.pop(work.key, None)
                worker.answer(goes_on=report(work, event["epoch"], event["accuracy"], event["cpu_seconds"]))
                continue
            del busy[worker]
            if "outcome" in event:
                end(work, Outcome(**event["outcome"]))
                idle.append(worker)
                continue
            _check(event, work)
            # It was killed, as a system does that has no memory left.
            lost[work.key] = lost.get(work.key, 0) + 1
            if lost[work.key] >= MOST_LOST:
                reason = (
                    f"Its process was ended {MOST_LOST} times ({event['lost']}), perhaps for want of memory."
                )
                end(work, Outcome("failed", reason))
                idle.append(hire())
                continue
            again = hire()
            busy[again] = work
            again.begin(work)


def _check(event: dict[str, Any], work: Work) -> None:
    """Raise the error that a worker reported."""
    if "save_error" in event:
        raise SaveError(event["save_error"])
    if "error" in event:
        raise RunError(f"A worker failed in {work.path}: {event['error']}")


@contextlib.contextmanager
def _staff(events: _Events, count: int) -> Iterator[Callable[[], _Worker]]:
    """Yield what starts a worker; at the end of the block, all of them are stopped together."""
    workers: list[_Worker] = []

    def hire() -> _Worker:
        workers.append(_Worker(events, count))
        return workers[-1]

    try:
        yield hire
    finally:
        for worker in workers:
            worker.ask_to_stop()
        for worker in workers:
            worker.wait()


class _Worker:
    """A process that trains one run at a time; `ready` says whether it has started."""

    def __init__(self, events: _Events, count: int) -> None:
        self.ready = False
        cores = str(max(1, available_cores() // count))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "picturewise.tuning.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                CORES: cores,
                "OMP_NUM_THREADS": cores,
                "PYTHONPATH": os.pathsep.join(_paths()),
            },
            start_new_session=True,  # Ctrl-C is for the driver, which tells its workers
        )
        self._listener = threading.Thread(target=self._listen, args=[events], daemon=True)
        self._listener.start()

    def begin(self, work: Work) -> None:
        """Send a run; if the worker has ended, `_listen` notices."""
        recipe = work.recipe.model_dump(mode="json")
        self._send(
            {
                "key": work.key,
                "path": str(work.path.absolute()),
                "recipe": recipe,
                "until": work.until,
                "watched": work.watched,
            }
        )

    def answer(self, *, goes_on: bool) -> None:
        """Say whether a run goes on."""
        self._send(goes_on)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def ask_to_stop(self) -> None:
        """Let the process save its run and end."""
        if self._process.poll() is None:
            self._process.terminate()
            self._send(True)  # in case it waits for an answer

    def wait(self) -> None:
        """Wait until the process has ended; one that hangs is killed."""
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not sent to a process that has ended
                    pipe.close()

    def _send(self, content: object) -> None:
        assert self._process.stdin is not None  # noqa: S101 (a pipe)
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(content).encode() + b"\n")
            self._process.stdin.flush()

    def _listen(self, events: _Events) -> None:
        assert self._process.stdout is not None  # noqa: S101 (a pipe)
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):  # the last line of a process that was killed
                events.put((self, json.loads(line)))
        code = self._process.wait()
        events.put((self, {"lost": signal.Signals(-code).name if code < 0 else f"exit code {code}"}))


def _paths() -> Iterator[str]:
    """Yield the places that this process imports from."""
    own = str(Path(__file__).parents[2])
    yield from dict.fromkeys([own, *(entry for entry in sys.path if Path(entry).is_absolute())])
