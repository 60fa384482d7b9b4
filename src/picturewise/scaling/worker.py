"""A worker process: it loads the classifier once, computes the parts that the driver names, and reports.

Requests arrive on the standard input and reports leave on the original standard output, a JSON object a line. If the
driver ends, for whatever reason, so does the worker: its standard input is closed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from queue import SimpleQueue
from typing import Any, NoReturn

from picturewise.errors import PicturewiseError
from picturewise.scaling.job import Job
from picturewise.scaling.part_work import PartWork


def main(message: Mapping[str, Any]) -> NoReturn:
    """Compute parts until the driver closes the standard input, or has ended.

    Args:
        message: with the job.
    """
    reports = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # output of a library must not get among the reports
    # A terminal sends these to all its processes. The driver decides.
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGTSTP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)

    def report(**values: Any) -> None:
        try:
            reports.write(json.dumps(values) + "\n")
        except OSError:  # nobody listens any longer
            os._exit(0)

    parts: SimpleQueue[int | None] = SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_listen, args=(parts, busy), daemon=True).start()
    try:
        work = PartWork(Job.of(message["job"]))
    except (PicturewiseError, MemoryError) as error:
        report(failed=_sentence(error), kind=type(error).__name__)
        os._exit(1)
    report(ready=True)
    while (number := parts.get()) is not None:
        busy.set()
        try:
            facts = work.write(number, lambda rows: report(rows=rows))
        except (PicturewiseError, MemoryError) as error:
            busy.clear()
            report(part=number, error=_sentence(error), kind=type(error).__name__)
        else:
            busy.clear()
            report(part=number, facts=list(facts))
    work.close()
    os._exit(0)  # as a child does, without the libraries' own cleanup


def _listen(parts: SimpleQueue[int | None], busy: threading.Event) -> None:
    """Pass on the numbers of the parts; if the driver has ended, end at once: files are always complete."""
    for line in sys.stdin.buffer:
        parts.put(int(line))
    if busy.is_set():
        os._exit(0)
    parts.put(None)


def _sentence(error: PicturewiseError | MemoryError) -> str:
    return "There was not enough memory for a part." if isinstance(error, MemoryError) else str(error)
