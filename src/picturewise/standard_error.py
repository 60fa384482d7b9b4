"""The standard error output, which may be missing, closed or broken: what is told there never stops the work."""

from __future__ import annotations

import contextlib
import sys
from typing import IO, cast


class _StandardError:
    """A stream onto whatever `sys.stderr` is at each call; text that it does not take is dropped.

    It is None in a service and in a program without a console, closed after `2>&-`, and a pipe whose reader has left
    refuses everything. Nothing that Picturewise computes depends on its messages, so none of this is an error.
    """

    def write(self, text: str) -> int:
        """Write the text, with `?` for what the stream's encoding lacks."""
        try:
            try:
                sys.stderr.write(text)
            except UnicodeEncodeError:
                encoding = sys.stderr.encoding or "ascii"
                sys.stderr.write(text.encode(encoding, "replace").decode(encoding))
        except (AttributeError, OSError, ValueError):  # None; refused by the system; closed
            pass
        return len(text)

    def flush(self) -> None:
        """Write what waits, as far as anything takes it."""
        with contextlib.suppress(AttributeError, OSError, ValueError):
            sys.stderr.flush()

    def isatty(self) -> bool:
        """Return whether a terminal shows it."""
        try:
            return bool(sys.stderr.isatty())
        except (AttributeError, OSError, ValueError):
            return False

    def fileno(self) -> int:
        """Return the descriptor, which not every stream has."""
        if sys.stderr is None:
            raise OSError("There is no standard error output.")
        return sys.stderr.fileno()

    @property
    def encoding(self) -> str:
        """The stream's encoding."""
        return getattr(sys.stderr, "encoding", None) or "utf-8"


STANDARD_ERROR = cast("IO[str]", _StandardError())
