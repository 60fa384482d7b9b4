"""The end of a budget before the first trial. What happens until then cannot be paused, so the process ends."""

from __future__ import annotations

import threading

from picturewise import circumstances, logs, stopping
from picturewise.errors import UsageError
from picturewise.standard_error import STANDARD_ERROR


class StartLimit:
    """Ends a command, with a sentence, unless the first trial begins in time; in Python, it does nothing.

    Args:
        minutes: of the budget; None: no limit.
    """

    def __init__(self, minutes: float | None) -> None:
        self._minutes, self._timer = minutes, None
        began = circumstances.seconds_of_command()
        if minutes is not None and began:
            self._timer = threading.Timer(max(0.0, 60 * minutes - began), self._end)
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """The first trial begins, or there was an error."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        sentence = f"The {self._minutes:g} minutes were over before the first trial could begin. Pass more --minutes."
        if logs.writes_lines():
            logs.log(
                "failed", level="ERROR", message=sentence, error="UsageError", exit_code=UsageError.exit_code
            )
        else:
            STANDARD_ERROR.write(f"picturewise: {sentence}\n")
            STANDARD_ERROR.flush()
        stopping.end_process(UsageError.exit_code)
