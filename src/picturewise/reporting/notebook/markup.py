"""The building blocks of all HTML for notebooks: every text is escaped here, and every style is in its element."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from picturewise.printable import shortened

MOST_ROWS = 40
LONGEST = 300
"""Characters of a text; names from untrusted files may have millions."""

TRAIN, VALID = "#c2762f", "#2f81f7"
"""Readable on white and on black paper."""

_CELL = "padding:2px 10px 2px 0;border:0;vertical-align:middle;white-space:nowrap;"
_FAINT = "rgba(128,128,128,.35)"


def escaped(text: object, *, longest: int = LONGEST) -> str:
    """Return a text as HTML, hidden characters made visible, the middle of a long one left out."""
    return html.escape(shortened(text, longest))


def block(title: str, *parts: str) -> str:
    """Return an object's HTML: its title, a text, and parts that are HTML, one below the other."""
    head = f'<div style="font-weight:600;margin-bottom:4px">{escaped(title)}</div>'
    return f'<div style="color:inherit;font-size:13px;line-height:1.45">{head}{"".join(parts)}</div>'


def line(text: object, *, faint: bool = False) -> str:
    """Return a line of text."""
    return f'<div style="{"opacity:.7;" * faint}">{escaped(text)}</div>'


def lines(texts: Iterable[object]) -> str:
    """Return notes, faint, the first of many."""
    first = list(texts)
    more = [f"… and {len(first) - MOST_ROWS:,} more"] if len(first) > MOST_ROWS else []
    return "".join(line(text, faint=True) for text in [*first[:MOST_ROWS], *more])


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return a table of cells that are HTML; the first `left` columns are set to the left, numbers to the right.

    Of more than 40 rows, only the first are shown, and the number of the others.
    """
    aligned = ["left" if column < left else "right" for column in range(len(head))]
    titles = "".join(
        f'<th style="{_CELL}text-align:{side};border-bottom:1px solid {_FAINT}">{escaped(title)}</th>'
        for side, title in zip(aligned, head, strict=True)
    )
    body = "".join(
        "<tr style='background:transparent'>"
        + "".join(
            f'<td style="{_CELL}text-align:{side}">{cell}</td>'
            for side, cell in zip(aligned, row, strict=True)
        )
        + "</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = len(rows) - MOST_ROWS
    return (
        f'<table style="border-collapse:collapse;border:0;margin:4px 0;color:inherit;font-size:inherit">'
        f"<thead><tr style='background:transparent'>{titles}</tr></thead><tbody>{body}</tbody></table>"
        + (line(f"… and {more:,} more", faint=True) if more > 0 else "")
    )


def share_bar(share: float, *, width: int = 160) -> str:
    """Return a bar for a share in [0, 1], `width` pixels long where it is 1."""
    filled = round(width * min(max(share, 0.0), 1.0))
    return (
        f'<span style="display:inline-block;width:{width}px;height:10px;background:{_FAINT}">'
        f'<span style="display:block;width:{filled}px;height:10px;background:{VALID}"></span></span>'
    )
