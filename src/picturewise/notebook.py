"""The door to IPython: whether a notebook runs this code, and a line in its output that is replaced in place."""

from __future__ import annotations

import sys
import time
from typing import Any

_REFRESH = 0.5
"""Seconds between two drawings; each one is a message to the browser."""


def in_notebook() -> bool:
    """Return whether a Jupyter kernel runs this code; nothing is imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class LiveLine:
    """One line of text in the output of a notebook's cell, which later texts replace.

    It stays below what was printed before it, and above what is printed after it.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._drawn = 0.0
        self._text = ""

    @property
    def is_shown(self) -> bool:
        """Whether anything was shown."""
        return self._handle is not None

    def show(self, text: str, *, now: bool = False) -> None:
        """Show a text in place of the one before; between two drawings, unless it is wanted `now`, only keep it."""
        if text == self._text or not (now or time.monotonic() - self._drawn >= _REFRESH):
            return
        from IPython.display import display  # noqa: PLC0415 (a notebook has it, nothing else needs it)

        self._text, self._drawn = text, time.monotonic()
        content = {"text/plain": text}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)
