"""Pillow without its warnings and log lines, in any number of threads."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings


class _QuietPillow:
    """A context in which Pillow neither warns nor logs to the terminal; threads may enter and leave at will.

    `warnings.catch_warnings` swaps a list of the whole process, so threads that enter and leave it crosswise
    would leave it changed. Here the first thread in swaps, and the last one out restores.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._restore = contextlib.ExitStack()
        self._handler = logging.NullHandler()  # a logger without any handler writes to the terminal

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._restore.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"PIL\.")
                logging.getLogger("PIL").addHandler(self._handler)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                logging.getLogger("PIL").removeHandler(self._handler)
                self._restore.close()


quiet_pillow = _QuietPillow()
