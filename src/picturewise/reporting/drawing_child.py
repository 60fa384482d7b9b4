"""The child's side of `drawing_process`: draw what arrives on the standard input, and write it when told to."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from picturewise.reporting.data_sheets import DataSheets

Drawn = dict[str, tuple[bytes, bytes]]
"""Name → the light and the dark variant of a figure."""


def main(_: Mapping[str, Any]) -> None:
    """Do the tasks until the parent closes the standard input, or has ended."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # A service manager sends these to all processes. The parent decides.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    drawn: Drawn = {}
    for line in sys.stdin.buffer:
        match json.loads(line):
            case {"task": "draw", "bytes": length}:
                content = sys.stdin.buffer.read(length)  # before the imports, because the parent waits
                drawn = _drawn(_unpacked(content))
            case {"task": "write", "run": run}:
                _write(Path(run), drawn)
                answers.write(b"done\n")
                answers.flush()
            case _:
                _drawing()


def _drawing() -> Any:
    """Import matplotlib and all that draws."""
    from picturewise.reporting import album, run_report  # noqa: PLC0415 (see above)

    return album, run_report


def _unpacked(content: bytes) -> DataSheets:
    from picturewise.reporting.data_sheets import DataSheets  # noqa: PLC0415 (NumPy)

    return DataSheets.from_bytes(content)


def _drawn(sheets: DataSheets) -> Drawn:
    album, _ = _drawing()
    return {name: album.figures.to_both_papers(figure) for name, figure in album.data_figures(sheets)}


def _write(path: Path, drawn: Drawn) -> None:
    """Write the figures, unless they already exist, and the report."""
    album, run_report = _drawing()
    from picturewise.runs.run import Run  # noqa: PLC0415 (as above)

    run = Run(path)
    figures = album.Album(run.figures)
    if not figures.path("counts").exists():  # the last one that is drawn
        for name, (light, dark) in drawn.items():
            figures.write(name, light, dark)
    run_report.write_run_report(run)
