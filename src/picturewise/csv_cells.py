"""Cells of CSV files with untrusted texts, written so that no spreadsheet reads one as a formula and runs it."""

from __future__ import annotations

import re

# These make a spreadsheet compute, and so do their full-width forms, and a tab or a return before any of them.
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def as_cell(text: object) -> str:
    """Return what to write for a text: an apostrophe before a text that begins like a formula; numbers stay numbers.

    >>> as_cell("=1+1"), as_cell("-0.5"), as_cell("rose")
    ("'=1+1", '-0.5', 'rose')
    """
    plain = str(text)
    return f"'{plain}" if _needs_mark(plain) else plain


def from_cell(cell: str) -> str:
    """Return the text of a cell made by `as_cell`.

    >>> from_cell("'=1+1"), from_cell("'tis"), from_cell(as_cell("'=1+1"))
    ('=1+1', "'tis", "'=1+1")
    """
    return cell[1:] if cell.startswith("'") and _needs_mark(cell[1:], number=True) else cell


def _needs_mark(text: str, *, number: bool = False) -> bool:
    """Return whether a text begins like a formula, even after apostrophes, so that reading removes only one."""
    bare = text.lstrip("'")
    if not bare.startswith(_BEGINS_FORMULA):
        return False
    return number or bare != text or _NUMBER.fullmatch(text) is None
