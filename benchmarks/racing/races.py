"""Turns: contenders that wait in a process of their own, and whole processes from start to end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Turn:
    """What one contender took for one round.

    Attributes:
        images: pictures that went through.
        seconds: on the wall.
        processor_seconds: of all its threads, and of its children in a whole process.
    """

    images: int
    seconds: float
    processor_seconds: float

    @property
    def speed(self) -> float:
        """Pictures a second."""
        return self.images / self.seconds

    def __add__(self, other: Turn) -> Turn:
        """Both, one after the other."""
        return Turn(
            self.images + other.images,
            self.seconds + other.seconds,
            self.processor_seconds + other.processor_seconds,
        )


class Racer:
    """A process that is warm and works when it is told to; it ends when its pipe is closed.

    Args:
        title: for messages.
        command: what to start; see contenders/stopwatch.py for what it reads and writes.
        environment: its variables.
    """

    def __init__(self, title: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.title = title
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.versions: dict[str, str] = {}

    def __enter__(self) -> Racer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.__exit__(None, None, None)  # closes the pipes and waits

    def warm_up(self) -> None:
        """Wait until it is ready for its first turn."""
        self.versions = self._hear()["versions"]

    def turn(self, seconds: float) -> Turn:
        """Let it work once, and again until so many seconds have gone by in all.

        In a fraction of a second it would be measured how long the threads of the one before still spin, and how soon
        its own wake up.
        """
        done = self._work()
        while done.seconds < seconds:
            done += self._work()
        return done

    def _work(self) -> Turn:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return Turn(**self._hear())

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.title} ended before it was measured; its message stands above.")
        return dict(json.loads(line))


def whole_process(title: str, command: Sequence[str], environment: Mapping[str, str], images: int) -> Turn:
    """Run a command to its end and return what it took, from the start of the process; its output is not shown."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)  # so that nobody waits for it again
    if process.returncode != 0:
        sys.stderr.write(said.decode(errors="replace"))
        raise SystemExit(f"{title} ended with status {process.returncode}; its message stands above.")
    return Turn(images, seconds, usage.ru_utime + usage.ru_stime)


def race(
    contenders: Mapping[str, Callable[[], Turn]],
    rounds: Iterable[int],
    between: Callable[[], object] = lambda: None,
) -> dict[str, list[Turn]]:
    """Let the contenders take one turn each in every round, and return the turns of each.

    Args:
        contenders: title → how it takes a turn.
        rounds: one item for each.
        between: is called before each round and after the last.
    """
    turns: dict[str, list[Turn]] = {title: [] for title in contenders}
    between()
    for _ in rounds:
        for title, take_turn in contenders.items():
            turns[title].append(take_turn())
        between()
    return turns
