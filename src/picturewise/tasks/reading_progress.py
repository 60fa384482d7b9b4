"""`reading_progress` and `fetching_progress`: bars for what is read and downloaded."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from picturewise import logs
from picturewise.bars import progress_bar
from picturewise.catalogue.download import Advance
from picturewise.names import shown_bytes
from picturewise.notebook import LiveLine, in_notebook
from picturewise.standard_error import STANDARD_ERROR, standard_error_of_now

_PATIENCE = 1.0
"""Seconds before a bar appears in a notebook, where it stays: most sets are read sooner."""


@contextlib.contextmanager
def reading_progress(
    *, shown: bool, what: str = "Reading pictures"
) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that draws (done, total) as a bar, on a terminal's standard error output or in a notebook."""
    shown = shown and not logs.writes_lines()
    if shown and in_notebook():
        with _notebook_bar(what, "{:,}".format) as advance:
            yield advance
        return
    if not (shown and STANDARD_ERROR.isatty()):
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 (takes a while, and only a terminal needs it)
    from rich.progress import Progress  # noqa: PLC0415

    console = Console(file=standard_error_of_now())
    # What is printed meanwhile stays on the standard output, which may be a pipe.
    with Progress(console=console, transient=True, redirect_stdout=False) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextlib.contextmanager
def late_progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """Yield a function that draws (what, done, total) as `reading_progress` does, once a second has passed.

    Most predictions take less, and need not load what draws.
    """
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        bars: dict[str, Callable[[int, int], None] | None] = {}

        def advance(what: str, done: int, total: int | None) -> None:
            if time.monotonic() - began < _PATIENCE:
                return
            if what not in bars:
                stack.close()  # the bar before
                bars[what] = stack.enter_context(reading_progress(shown=True, what=what))
            draw = bars[what]
            if draw is not None:
                draw(done, total)  # type: ignore[arg-type]  # rich draws a moving bar for None

        yield advance


@contextlib.contextmanager
def fetching_progress(*, shown: bool) -> Iterator[Callable[[str], Advance] | None]:
    """Yield what draws a bar for each file, as `reading_progress` does."""
    shown = shown and not logs.writes_lines()
    if shown and in_notebook():
        with contextlib.ExitStack() as stack:
            yield lambda name: stack.enter_context(_notebook_bar(name, shown_bytes))
        return
    from rich import progress  # noqa: PLC0415 (not needed to import the package)
    from rich.console import Console  # noqa: PLC0415

    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield None
        return
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True) as bars:

        def begin(name: str) -> Advance:
            task = bars.add_task(name, total=None)
            return lambda done, total: bars.update(task, completed=done, total=total)

        yield begin


@contextlib.contextmanager
def _notebook_bar(what: str, text: Callable[[int], str]) -> Iterator[Callable[[int, int | None], None]]:
    """Yield a function that draws (done, total) once a second has passed; the last state stays."""
    line, began = LiveLine(), time.monotonic()
    last = ""

    def advance(done: int, total: int | None) -> None:
        nonlocal last
        of = "" if total is None else f" of {text(total)}"
        last = f"{what}  {progress_bar(done, total)}  {text(done)}{of}"
        if time.monotonic() - began >= _PATIENCE:
            line.show(last)

    yield advance
    if line.is_shown:
        line.show(last, now=True)
