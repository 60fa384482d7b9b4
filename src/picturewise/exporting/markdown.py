"""Markdown in which names from other people's files stay in their places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from picturewise.printable import printable

if TYPE_CHECKING:
    from picturewise.evaluation.evaluation import Interval


def with_interval(number: Interval) -> str:
    """Return a score with its interval."""
    return f"{number.value:.4f} ({number.low:.4f}–{number.high:.4f})"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; a bar in a cell does not end it."""
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def code(text: str) -> str:
    """Return a name as code in Markdown, in which nothing has a meaning."""
    shown = printable(text)
    ticks = "`" * (1 + _longest_ticks(shown))
    edge = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{edge}{shown}{edge}{ticks}"


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def plain(text: str) -> str:
    """Return a sentence of ours that may quote foreign names, so that Markdown and HTML in it are only text."""
    shown = printable(text)
    for special in "\\`*_<>[]|#&":
        shown = shown.replace(special, "\\" + special if special != "<" else "&lt;")
    return shown


def fenced(text: str, language: str) -> str:
    """Return a block of code, whatever is in it."""
    fence = "`" * max(3, 1 + _longest_ticks(text))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
