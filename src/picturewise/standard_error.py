"""The standard error output, which may be missing, closed or broken: what is told there never stops the work."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import IO, Any, cast


class _StandardError:
    """A stream onto another; text that it does not take is dropped.

    `sys.stderr` is None in a service and in a program without a console, closed after `2>&-`, and a pipe whose reader
    has left refuses everything. Nothing that Picturewise computes depends on its messages, so none of this is an error.

    Args:
        stream: gives the other one at each call.
    """

    def __init__(self, stream: Callable[[], Any]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, with `?` for what the stream's encoding lacks."""
        try:
            try:
                self._stream().write(text)
            except UnicodeEncodeError:
                encoding = self._stream().encoding or "ascii"
                self._stream().write(text.encode(encoding, "replace").decode(encoding))
        except (AttributeError, OSError, ValueError):  # None; refused by the system; closed
            pass
        return len(text)

    def flush(self) -> None:
        """Write what waits, as far as anything takes it."""
        with contextlib.suppress(AttributeError, OSError, ValueError):
            self._stream().flush()

    def isatty(self) -> bool:
        """Return whether a terminal shows it."""
        try:
            return bool(self._stream().isatty())
        except (AttributeError, OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Return the descriptor, which not every stream has."""
        if self._stream() is None:
            raise OSError("There is no standard error output.")
        return int(self._stream().fileno())

    @property
    def encoding(self) -> str:
        """The stream's encoding."""
        return getattr(self._stream(), "encoding", None) or "utf-8"


STANDARD_ERROR = cast("IO[str]", _StandardError(lambda: sys.stderr))
"""Whatever `sys.stderr` is at each call."""


def standard_error_of_now() -> IO[str]:
    """Return a stream onto what `sys.stderr` is now, for a live display.

    While one is drawn it puts itself in the place of `sys.stderr`, and would write to itself without end.
    """
    stream = sys.stderr
    return cast("IO[str]", _StandardError(lambda: stream))
