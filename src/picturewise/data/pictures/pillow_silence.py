"""Pillow without its warnings and log lines, in any number of threads."""

from __future__ import annotations

import contextlib
import threading
import warnings


class _QuietPillow:
    """A context in which Pillow neither warns nor logs to the terminal; threads may enter and leave at any time.

    `warnings.catch_warnings` swaps a list of the whole process, so threads that enter and leave it in different orders
    would leave it changed. Here the first thread in swaps it, and the last one out restores it.
    The first thread imports logging, because a process whose children decode does not need it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._restore = contextlib.ExitStack()

    def __enter__(self) -> None:
        import logging  # noqa: PLC0415 (see above)

        with self._lock:
            if self._inside == 0:
                self._restore.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"PIL\.")
                handler = logging.NullHandler()  # a logger without any handler writes to the terminal
                logging.getLogger("PIL").addHandler(handler)
                self._restore.callback(logging.getLogger("PIL").removeHandler, handler)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._restore.close()


quiet_pillow = _QuietPillow()
