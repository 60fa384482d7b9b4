"""The displays of progress: lines that stay, and one that moves; on a terminal or a plain stream, or in a notebook."""

from __future__ import annotations

import sys
import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from picturewise.bars import clock, progress_bar
from picturewise.notebook import LiveLine
from picturewise.printable import printable


class Screen(Protocol):
    """A display of progress."""

    def say(self, text: str) -> None:
        """Show lines that stay."""

    def begin(self, total: int, done: int) -> None:
        """Begin the line that moves, after `done` of `total` steps."""

    def move(self, done: int, place: str, speed: str) -> None:
        """Move the line to where the work is now."""

    def end(self) -> None:
        """Stop the line, however far it is."""


class StreamScreen:
    """A rich console: a terminal, where the line moves and is removed at the end; or a stream, without that line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def say(self, text: str) -> None:
        """Show lines that stay."""
        self._console.print(printable(text, keep="\n"), markup=False, soft_wrap=True)

    def begin(self, total: int, done: int) -> None:
        """Begin the line that moves, on a terminal."""
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            refresh_per_second=2,  # each drawing takes the processor for some milliseconds
        )
        self._task = self._bar.add_task("", total=total, completed=done, speed="")
        self._bar.start()

    def move(self, done: int, place: str, speed: str) -> None:
        """Move the line."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, description=place, speed=speed)

    def end(self) -> None:
        """Remove the line."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class NotebookScreen:
    """The output of a notebook's cell; the standard error output would look like errors there."""

    def __init__(self) -> None:
        self._line = LiveLine()
        self._total = self._behind = self._done = 0
        self._place = self._speed = ""
        self._began = 0.0

    def say(self, text: str) -> None:
        """Show lines that stay."""
        sys.stdout.write(printable(text, keep="\n") + "\n")
        sys.stdout.flush()

    def begin(self, total: int, done: int) -> None:
        """Begin the line that moves."""
        self._total, self._behind, self._done, self._began = total, done, done, time.monotonic()
        self._line.show(progress_bar(done, total), now=True)

    def move(self, done: int, place: str, speed: str) -> None:
        """Move the line."""
        self._done, self._place, self._speed = done, place, speed
        passed = time.monotonic() - self._began
        left = passed * (self._total - done) / max(done - self._behind, 1)
        self._line.show(f"{place}  {progress_bar(done, self._total)}  {speed}  {clock(left)} left")

    def end(self) -> None:
        """Leave the line as it is, with the time that passed."""
        if self._place:
            passed = clock(time.monotonic() - self._began)
            self._line.show(
                f"{self._place}  {progress_bar(self._done, self._total)}  {self._speed}  {passed}", now=True
            )
