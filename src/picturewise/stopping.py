"""Ctrl-C, SIGTERM and a closed terminal: a command stops tidily, and immediately at the second signal.

Only the command handles them here. In Python code, Ctrl-C raises KeyboardInterrupt as usual.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows does not have SIGHUP


class Stopped(KeyboardInterrupt):
    """One of these signals arrived; `signal_number` says which."""

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.signal_number = signal_number


def signal_of(interrupt: KeyboardInterrupt) -> int:
    """Return the number of the signal that interrupted; an interrupt raised by Python itself is a Ctrl-C."""
    return interrupt.signal_number if isinstance(interrupt, Stopped) else int(signal.SIGINT)


def shown(number: int) -> str:
    """Return the common name of a signal.

    >>> shown(2), shown(15)
    ('Ctrl-C', 'SIGTERM')
    """
    names = {"SIGINT": "Ctrl-C", "SIGHUP": "a closed terminal"}
    name = signal.Signals(number).name
    return names.get(name, name)


def stop_tidily() -> None:
    """From now on, the first of these signals raises `Stopped`, and the next one ends the process immediately."""

    def stop(number: int, _: FrameType | None) -> None:
        stop_at_once()
        raise Stopped(number)

    _listen(stop)


def stop_at_once() -> None:
    """From now on, each of these signals ends the process at any point; files on the disk are always complete."""
    _listen(_end)


def _end(number: int, _: FrameType | None) -> None:
    end_process(128 + number)


@contextlib.contextmanager
def ending_at_sigterm() -> Iterator[None]:
    """Within the block, SIGTERM ends the process even while a library's own code is waiting.

    Handlers written in Python run only after such code has returned. In threads other than the first, nothing changes.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield  # ignored, or it ends the process anyway
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def end_process(code: int) -> NoReturn:
    """End this process at any point, from any thread; files on the disk are always complete."""
    try:
        if os.isatty(2):
            os.write(2, b"\x1b[?25h\n")  # shows the cursor, which a live line hides
    except OSError:
        pass
    os._exit(code)


def _listen(handler: object) -> None:
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores a closed terminal
            signal.signal(number, handler)  # type: ignore[arg-type]
