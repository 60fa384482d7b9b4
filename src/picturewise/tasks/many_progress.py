"""How far the work on millions of pictures is: rows of all parts, pictures a second, and the time that is left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from picturewise import logs
from picturewise.bars import clock, progress_bar
from picturewise.notebook import LiveLine, in_notebook
from picturewise.standard_error import STANDARD_ERROR, standard_error_of_now

_BEAT = 0.2  # seconds between two states that are drawn
_RECENT = 30.0  # seconds over which the pictures a second are counted


class Advance:
    """Counts what is done, and shows it as a line.

    Args:
        show: shows a state, a text.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._last = 0.0
        self._done = 0
        self._total: int | None = None
        self._parts, self._of = 0, 0
        self._seen: list[tuple[float, int]] = []
        self._computed = 0

    def planned(self, files: int) -> None:
        """Show how many files are planned."""
        self._draw(f"Reading the names of the files  {files:,}")

    def looked_at(self, parts: int) -> Callable[[], None]:
        """Return the function to call after each part that was looked at."""
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            self._draw(f"Looking at the parts  {progress_bar(done, parts)}  {done:,} of {parts:,}")

        return tick

    def begin(self, done: int, total: int | None, parts: int, of: int) -> None:
        """Begin with rows and parts that are done, of so many; total None: it is not known."""
        self._done, self._total, self._parts, self._of = done, total, parts, of
        self._seen = [(time.monotonic(), 0)]

    def rows(self, count: int) -> None:
        """Count rows that are finished; a negative number, if they are lost."""
        self._done += count
        self._computed += count
        now = time.monotonic()
        self._seen.append((now, self._computed))
        while len(self._seen) > 2 and now - self._seen[1][0] > _RECENT:
            del self._seen[0]
        self._draw(self.line())

    def part(self, done: int) -> None:
        """Note how many parts are written."""
        self._parts = done
        self._draw(self.line())

    def line(self) -> str:
        """Return the state as a line."""
        (began, first), (now, last) = self._seen[0], self._seen[-1]
        rate = (last - first) / (now - began) if now > began else 0.0
        if self._total:
            share, of = max(0, self._done) / self._total, f" of {self._total:,}"
            left = [f"{clock((self._total - self._done) / rate)} left"] if rate > 0 else []
        else:  # of tars, only the number is known
            share, of, left = self._parts / max(1, self._of), "", []
        told = [f"{share:.0%}", f"{self._done:,}{of} rows", f"{rate:,.0f} pictures/s", *left]
        # What a narrow terminal cuts off comes last.
        return "  ".join([*told, f"part {self._parts:,} of {self._of:,}"])

    def _draw(self, text: str) -> None:
        now = time.monotonic()
        if now - self._last >= _BEAT:
            self._last = now
            self._show(text)


@contextlib.contextmanager
def many_progress(*, shown: bool) -> Iterator[Advance]:
    """Yield what shows how far the work is, on a terminal's standard error output or in a notebook."""
    if not shown or logs.writes_lines():
        yield Advance(lambda _: None)
    elif in_notebook():
        yield Advance(LiveLine().show)
    elif STANDARD_ERROR.isatty():
        with _terminal_line() as show:
            yield Advance(show)
    else:
        yield Advance(lambda _: None)


@contextlib.contextmanager
def _terminal_line() -> Iterator[Callable[[str], None]]:
    """Yield what shows a text as one line that is replaced, and removed in the end."""
    from rich.console import Console  # noqa: PLC0415 (takes a while, and only a terminal needs it)
    from rich.live import Live  # noqa: PLC0415 (the same)
    from rich.text import Text  # noqa: PLC0415 (the same)

    def as_text(line: str) -> Any:
        return Text(line, no_wrap=True, overflow="ellipsis")

    console = Console(file=standard_error_of_now())
    with Live(
        as_text(""), console=console, transient=True, auto_refresh=False, redirect_stdout=False
    ) as live:
        yield lambda line: live.update(as_text(line), refresh=True)
