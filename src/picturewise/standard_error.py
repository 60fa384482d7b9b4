"""The standard error output, which may be missing, closed or broken: messages to it never stop the work."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import IO, Any, cast


class _StandardError:
    """A stream that writes to another; text that the other refuses is dropped.

    `sys.stderr` is None in a service and in a program without a console, closed after `2>&-`, and a pipe whose reader
    has ended refuses everything. No result of Picturewise depends on its messages, so none of this is an error.

    Args:
        stream: returns the other stream at each call.
    """

    def __init__(self, stream: Callable[[], Any]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text, with `?` for characters that the stream's encoding does not have."""
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
        """Write buffered text, if the stream accepts it."""
        with contextlib.suppress(AttributeError, OSError, ValueError):
            self._stream().flush()

    def isatty(self) -> bool:
        """Return whether a terminal shows it."""
        try:
            return bool(self._stream().isatty())
        except (AttributeError, OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Return the file descriptor, which not every stream has."""
        if self._stream() is None:
            raise OSError("Standard error is not available.")
        return int(self._stream().fileno())

    @property
    def encoding(self) -> str:
        """The stream's encoding."""
        return getattr(self._stream(), "encoding", None) or "utf-8"


STANDARD_ERROR = cast("IO[str]", _StandardError(lambda: sys.stderr))
"""The current `sys.stderr` at each call."""


def standard_error_of_now() -> IO[str]:
    """Return a stream that writes to the present `sys.stderr`, for a live display.

    A live display replaces `sys.stderr` while it is drawn, and would otherwise write to itself without end.
    """
    stream = sys.stderr
    return cast("IO[str]", _StandardError(lambda: stream))
