"""What Ctrl-C, SIGTERM and a closed terminal do to a command: it stops tidily, and at once if it is asked again.

Only the command listens to them here. In Python code, Ctrl-C raises KeyboardInterrupt as it does anywhere.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP


class Stopped(KeyboardInterrupt):
    """One of these signals came; `signal_number` says which."""

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.signal_number = signal_number


def signal_of(interrupt: KeyboardInterrupt) -> int:
    """Return the number of the signal that interrupted; one that Python raised itself is a Ctrl-C."""
    return interrupt.signal_number if isinstance(interrupt, Stopped) else int(signal.SIGINT)


def shown(number: int) -> str:
    """Return what people call a signal.

    >>> shown(2), shown(15)
    ('Ctrl-C', 'SIGTERM')
    """
    names = {"SIGINT": "Ctrl-C", "SIGHUP": "a closed terminal"}
    name = signal.Signals(number).name
    return names.get(name, name)


def stop_tidily() -> None:
    """From now on, the first of these signals raises `Stopped`, and the next one ends the process at once."""

    def stop(number: int, _: FrameType | None) -> None:
        stop_at_once()
        raise Stopped(number)

    _listen(stop)


def stop_at_once() -> None:
    """From now on, each of these signals ends the process, whatever it does; files on the disk are whole always."""
    _listen(_end)


def _end(number: int, _: FrameType | None) -> None:
    try:
        if os.isatty(2):
            os.write(2, b"\x1b[?25h\n")  # the cursor, which a live line hides
    except OSError:
        pass
    os._exit(128 + number)


def _listen(handler: object) -> None:
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it for a closed terminal
            signal.signal(number, handler)  # type: ignore[arg-type]
