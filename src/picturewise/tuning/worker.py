"""The process of a worker: `python -m picturewise.tuning.worker`; see `workers.py`."""

from __future__ import annotations

import json
import os
import platform
import queue
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from picturewise.tuning.trial import Pictures

_PATIENCE = 100.0
"""Seconds to wait for another process that trains the run: one on a machine that was taken for lost may live on for a
while, and a file server keeps the locks of a machine that is gone for about 90 s."""


def main() -> None:
    """Train the runs that come on the standard input, until it ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is not an answer
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=[lines], daemon=True).start()

    # Loading PyTorch takes seconds on a busy machine, and the driver may end in the meantime.
    from picturewise.data.recognise import recognise  # noqa: PLC0415
    from picturewise.errors import Interrupted, SaveError  # noqa: PLC0415
    from picturewise.recipes.recipe import Recipe  # noqa: PLC0415
    from picturewise.tuning.trial import Pictures, Work, train_trial  # noqa: PLC0415

    _say(answers, {"ready": True})
    pictures: Pictures | None = None
    while True:
        told = json.loads(lines.get())
        left = told.pop("left")
        until = None if left is None else time.monotonic() + left
        work = Work(
            **{**told, "path": Path(told["path"]), "recipe": Recipe(**told["recipe"]), "until": until}
        )
        if not work.path.parent.is_dir():  # the driver has made it
            _say(answers, {"error": f"the folder does not exist on {platform.node()}, which must share it"})
            continue
        options = work.recipe.data
        if pictures is None:
            pictures = Pictures(recognise(str(options.source), hints=options.hints))

        def report(epoch: int, accuracy: float, cpu_seconds: float, *, watched: bool = work.watched) -> bool:
            if not watched:
                return True
            _say(answers, {"epoch": epoch, "accuracy": accuracy, "cpu_seconds": cpu_seconds})
            return bool(json.loads(lines.get()))

        try:
            _say(answers, {"outcome": asdict(train_trial(work, pictures, report, patience=_PATIENCE))})
        except Interrupted as interrupted:
            sys.exit(interrupted.exit_code)
        except SaveError as error:
            _say(answers, {"save_error": str(error)})
        except Exception as error:  # noqa: BLE001 (the driver tells the user)
            _say(answers, {"error": f"{type(error).__name__}: {error}"})


def _listen(lines: queue.Queue[str]) -> None:
    """Pass on the lines of the standard input; at its end, the driver is gone, and this process ends at once.

    Files on the disk are always complete.
    """
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def _say(answers: IO[str], content: dict[str, Any]) -> None:
    try:
        answers.write(json.dumps(content) + "\n")
        answers.flush()
    except OSError:  # the driver is gone
        os._exit(0)


if __name__ == "__main__":
    main()
