"""A process that draws the figures of a run and writes its report, so that the one that trains need not.

Importing PyTorch keeps one core busy for one to two seconds. Meanwhile, this process imports matplotlib and draws the
figures of the data on another core. It waits until training has ended, then writes all figures and the report.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from picturewise.cores import available_cores
from picturewise.data.dataset import Dataset
from picturewise.reporting.data_sheets import DataSheets
from picturewise.untrusted.confined import process

_MAIN = "picturewise.reporting.drawing_child"
_SMALL = 1 << 26  # bytes of pictures; finding the mean of each class takes 0.1 s for them
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class DrawingProcess:
    """The process; if it ends early or cannot write, `write_report` says so, and nothing is lost."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(  # noqa: S603 (our own interpreter and our own program)
            process.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _ONE_THREAD,
            start_new_session=True,  # a terminal's Ctrl-C is for the parent, which decides
        )
        self._requests = cast(IO[bytes], self._child.stdin)  # pipes, as they were asked for
        self._answers = cast(IO[bytes], self._child.stdout)
        self._has_sheets = False
        self._send(process.first_line(_MAIN, {}))

    def draw(self, sheets: DataSheets) -> None:
        """Let it draw the figures of the data; nothing is written yet."""
        content = sheets.to_bytes()
        self._say({"task": "draw", "bytes": len(content)})
        self._send(content)
        self._has_sheets = True

    def get_ready(self) -> None:
        """Let it import what it needs."""
        self._say({"task": "get ready"})

    def write_report(self, run: Path, dataset: Dataset, *, seed: int, in_grey: bool) -> bool:
        """Let it write the figures of the data, unless they were drawn earlier, and the report; return whether it did.

        Args:
            run: the run's folder.
            dataset: its pictures.
            seed: as for `DataSheets.of`.
            in_grey: as for `DataSheets.of`.
        """
        if not self._has_sheets:
            self.draw(DataSheets.of(dataset, seed=seed, in_grey=in_grey))
        self._say({"task": "write", "run": os.fsdecode(run.absolute())})
        return self._answers.readline() == b"done\n"

    def end(self) -> None:
        """End the process, whatever it does."""
        self._child.kill()
        self._child.wait()
        self._answers.close()
        with contextlib.suppress(OSError):  # what was not sent is not needed
            self._requests.close()

    def _say(self, message: dict[str, Any]) -> None:
        self._send(json.dumps(message).encode() + b"\n")

    def _send(self, content: bytes) -> None:
        with contextlib.suppress(OSError):  # it has ended, so it will not answer
            self._requests.write(content)
            self._requests.flush()


@contextlib.contextmanager
def drawing_beside(dataset: Dataset, *, seed: int, in_grey: bool) -> Iterator[DrawingProcess | None]:
    """Draw in another process while this one imports PyTorch and trains; None: it would not pay.

    It does not pay if there is only one core, or if this process has already imported PyTorch or matplotlib.

    Args:
        dataset: what is trained on.
        seed: as for `DataSheets.of`.
        in_grey: as for `DataSheets.of`.
    """
    if available_cores() == 1 or not sys.modules.keys().isdisjoint({"torch", "matplotlib"}):
        yield None
        return
    drawing = DrawingProcess()
    try:
        if sum(part.images.nbytes for part in dataset.splits().values()) <= _SMALL:
            drawing.draw(DataSheets.of(dataset, seed=seed, in_grey=in_grey))
        else:  # all pictures would be read, which training does anyway
            drawing.get_ready()
        yield drawing
    finally:
        drawing.end()
