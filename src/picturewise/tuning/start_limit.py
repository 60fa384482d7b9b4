"""The end of a budget before any trial is complete. Loading libraries cannot be paused, so the process ends."""

from __future__ import annotations

import math
import threading
from pathlib import Path

from picturewise import circumstances, logs, stopping
from picturewise.errors import UsageError
from picturewise.printable import printable
from picturewise.standard_error import STANDARD_ERROR

_LAST, _SHARE = 1.0, 0.05
"""Seconds, and at most this share of the budget, in which a busy machine says so and ends the process."""


class StartLimit:
    """Ends a command, with a sentence, unless a trial is complete in time; in Python, it does nothing.

    What the trials have learned is in their checkpoints, and workers end with the process.

    Args:
        minutes: of the budget; None: no limit.

    Attributes:
        folder: of the search, once it can be continued.
    """

    def __init__(self, minutes: float | None) -> None:
        self.folder: Path | None = None
        self._minutes = minutes
        self._timer: threading.Timer | None = None
        began = circumstances.seconds_of_command()
        if minutes is not None and began:
            seconds = 60 * minutes - min(_LAST, _SHARE * 60 * minutes) - began
            self._timer = threading.Timer(max(0.0, seconds), self._end, [minutes])
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """A trial is complete, or there was an error."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self, minutes: float) -> None:
        if self.folder is None:
            sentence = (
                f"The {minutes:g} minutes were over before the first trial could begin. Pass more --minutes."
            )
        else:
            sentence = (
                f"The {minutes:g} minutes were over before any trial was complete. Nothing is lost; continue with: "
                f"picturewise tune --resume {printable(self.folder)} --minutes {math.ceil(4 * minutes)}"
            )
        code = UsageError.exit_code
        if logs.writes_lines():
            logs.log("failed", level="ERROR", message=sentence, error=UsageError.__name__, exit_code=code)
        else:
            STANDARD_ERROR.write(f"picturewise: {sentence}\n")
            STANDARD_ERROR.flush()
        stopping.end_process(code)
