"""Who trains the trials: this process, or several processes at a time, here or on a Ray cluster.

A worker is a fresh interpreter that reads the pictures itself and talks in lines of JSON. It ends when its driver does,
however that happens. If it is killed itself, its run goes on in another one.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from picturewise.errors import RunError, SaveError
from picturewise.scaling.line_process import LineProcess
from picturewise.tuning.crew import Crew
from picturewise.tuning.trial import TIME_IS_OVER, Outcome, Pictures, Work, train_trial

MOST_LOST = 2
"""Times that a run's worker may be killed without an epoch in between, or workers before they have started."""
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
    crew: Crew,
    meanwhile: Callable[[], None] = _nothing,
    left: Callable[[], float | None] = _nothing,
) -> None:
    """Train runs in the processes of a crew until there is no next one and all have ended.

    A run whose worker is lost goes on in the next one that is free, because a new one may have to wait for a machine.

    Args:
        take: as for `train_here`, like the two that follow.
        report: the same.
        end: the same.
        crew: the processes.
        meanwhile: called once, while they start, if there is a first run.
        left: returns the seconds until processes are ended that are still at work, because they hang; their runs are
            paused, and have their checkpoints. None: no limit.

    Raises:
        SaveError: a worker could not write something.
        RunError: a worker failed in a way that it cannot describe, or workers cannot be started.
        WorkerLostError: a Ray cluster can no longer be reached.
    """
    with _staff(crew) as staff:
        working = _Working(take, report, end, staff)
        while working.hand_out():
            meanwhile()
            meanwhile = _nothing
            try:
                worker, event = staff.events.get(timeout=left())
            except queue.Empty:
                working.break_off()
                return
            working.hear(worker, event)


class _Working:
    """Which worker is at which run, and which runs have lost theirs."""

    def __init__(self, take: Next, report: Report, end: End, staff: _Staff) -> None:
        self._take, self._report, self._end, self._staff = take, report, end, staff
        self._idle: list[_Worker] = []  # which have started
        self._busy: dict[_Worker, Work] = {}
        self._waiting: deque[Work] = deque()
        self._lost: dict[str, int] = {}
        self._not_started = 0  # in a row

    def hand_out(self) -> bool:
        """Give runs to idle workers; return whether there is anything to wait for."""
        while self._idle or not self._busy:
            if not self._waiting and (work := self._take()) is not None:
                self._waiting.append(work)
            if not (self._waiting and self._idle):
                break
            worker = self._idle.pop()
            self._busy[worker] = self._waiting.popleft()
            worker.begin(self._busy[worker])
        return bool(self._busy or self._waiting)

    def break_off(self) -> None:
        """End the workers that are still at work; their runs are paused."""
        for worker in self._busy:
            worker.kill()
        for work in (*self._busy.values(), *self._waiting):
            self._end(work, Outcome("paused", TIME_IS_OVER))

    def hear(self, worker: _Worker, event: dict[str, Any]) -> None:
        """Act on what a worker said, or on its end."""
        if "ready" in event:
            worker.ready, self._not_started = True, 0
            self._idle.append(worker)
        elif not worker.ready:
            self._not_started += 1
            if self._not_started >= MOST_LOST:
                raise RunError(f"A worker process could not be started ({event['lost']}). Use fewer workers.")
            self._staff.hire()
        elif worker in self._idle:  # it was killed while it had no work
            self._idle.remove(worker)
            self._staff.hire()
        elif "epoch" in event:
            work = self._busy[worker]
            self._lost.pop(work.key, None)
            told = event["epoch"], event["accuracy"], event["cpu_seconds"]
            worker.answer(goes_on=self._report(work, *told))
        else:
            self._hear_end(worker, self._busy.pop(worker), event)

    def _hear_end(self, worker: _Worker, work: Work, event: dict[str, Any]) -> None:
        """Act on the end of a run, or of its worker."""
        if "outcome" in event:
            self._end(work, Outcome(**event["outcome"]))
            self._idle.append(worker)
            return
        if "save_error" in event:
            raise SaveError(event["save_error"])
        if "error" in event:
            raise RunError(f"A worker failed in {work.path}: {event['error']}")
        # It was killed, as a system does that has no memory left.
        self._staff.hire()
        lost = self._lost[work.key] = self._lost.get(work.key, 0) + 1
        if lost < MOST_LOST:
            self._waiting.append(work)
            return
        reason = f"Its process was ended {MOST_LOST} times ({event['lost']}), perhaps for want of memory."
        self._end(work, Outcome("failed", reason))


class _Staff:
    """The workers that were started, and what they say."""

    def __init__(self, crew: Crew) -> None:
        self.events: _Events = queue.Queue()
        self.workers: list[_Worker] = []
        self._crew = crew

    def hire(self) -> None:
        """Start a worker."""
        self.workers.append(_Worker(self.events, self._crew.start()))


@contextlib.contextmanager
def _staff(crew: Crew) -> Iterator[_Staff]:
    """Yield a staff; at the end of the block, all workers are stopped together."""
    staff = _Staff(crew)
    try:
        for _ in range(crew.count):
            staff.hire()
        yield staff
    finally:
        for worker in staff.workers:
            worker.ask_to_stop()
        for worker in staff.workers:
            worker.wait()


class _Worker:
    """A process that trains one run at a time; `ready` says whether it has started."""

    def __init__(self, events: _Events, process: LineProcess) -> None:
        self.ready = False
        self._process = process
        self._listener = threading.Thread(target=self._listen, args=[events], daemon=True)
        self._listener.start()

    def begin(self, work: Work) -> None:
        """Send a run to a worker that is ready; if it has ended, `_listen` notices."""
        recipe = work.recipe.model_dump(mode="json")
        left = (
            None if work.until is None else work.until - time.monotonic()
        )  # another machine has another clock
        self._send(
            {
                "key": work.key,
                "path": str(work.path.absolute()),
                "recipe": recipe,
                "left": left,
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
        self._process.ask_to_stop(_line(True))  # in case it waits for an answer

    def wait(self) -> None:
        """Wait until the process has ended; one that hangs is killed."""
        self._listener.join(_PATIENCE)
        if self._listener.is_alive():
            self._process.kill()
            self._listener.join(_PATIENCE)
        self._process.close()

    def _send(self, content: object) -> None:
        self._process.send(_line(content))

    def _listen(self, events: _Events) -> None:
        while line := self._process.read_line():
            with contextlib.suppress(ValueError):  # the last line of a process that was killed
                events.put((self, json.loads(line)))
        events.put((self, {"lost": self._process.how_it_ended()}))


def _line(content: object) -> bytes:
    return json.dumps(content).encode() + b"\n"
