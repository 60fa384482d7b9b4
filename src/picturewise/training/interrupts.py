"""Ctrl-C, SIGTERM and a closed terminal as a flag that the trainer checks between batches."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from picturewise.stopping import SIGNALS


@dataclass
class StopRequest:
    """A request to stop after the batch, with a checkpoint.

    Attributes:
        signal_number: the signal that requested it, or None.
        reason: why the program itself requested it, as the end of a sentence; empty: it did not.
    """

    signal_number: int | None = None
    reason: str = ""


@contextlib.contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Within the block, the first SIGINT, SIGTERM or SIGHUP is noted; a second one acts as it would outside.

    Signals reach only the main thread; in other threads, nothing is changed.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    # Signals that the caller ignores, as nohup does with a closed terminal, stay ignored.
    before = {number: handler for number, handler in handlers.items() if handler is not signal.SIG_IGN}

    def note(number: int, _: FrameType | None) -> None:
        request.signal_number = number
        for noted, handler in before.items():
            signal.signal(noted, handler)

    for number in before:
        signal.signal(number, note)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
