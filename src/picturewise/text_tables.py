"""`text_table` and `folded`: columns and paragraphs as lines of text, for the command, progress and `print`."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence

from picturewise.printable import printable

WIDTH = 80
"""Characters of a line, unless the terminal is wider."""
_GAP = "  "
_BRACKET = r" (?=\()"
_NARROWEST = 16
"""Characters that a column of names keeps if its words have to be broken."""


def text_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1, breaks_words: bool = True
) -> str:
    """Return a table in lines: the first `left` columns to the left, the others, numbers mostly, to the right.

    A table that is wider than 80 characters and the terminal continues its cells on further lines: first between the
    words of the columns to the left and before the brackets of the others, then within the words of the former. If that
    does not help, the last columns form another table below, with the first column again.

    Args:
        head: the headings.
        rows: the cells of each row.
        left: how many columns are set to the left.
        breaks_words: False: words stay whole, such as paths, even if the table is wider then.

    >>> print(text_table(("layer", "parameters"), [("dense 10", "650"), ("relu", "0")]))
    layer     parameters
    ────────  ──────────
    dense 10         650
    relu               0
    """
    lines = [[printable(cell) for cell in row] for row in (head, *rows)]
    count = _fitting(lines, left) if breaks_words else len(head)
    first = _aligned([line[:count] for line in lines], left, breaks_words=breaks_words)
    if count == len(head):
        return first
    below = [[line[0], *line[count:]] for line in lines]
    return f"{first}\n\n{text_table(below[0], below[1:])}"


def _fitting(lines: Sequence[Sequence[str]], left: int) -> int:
    """Return how many of the columns fit side by side; at least one more than those to the left."""
    columns = len(lines[0])
    while columns > left + 1 and _is_wide(_gently([line[:columns] for line in lines], left)[1]):
        columns -= 1
    alone = (
        columns == len(lines[0]) - 1 > left + 1
    )  # then it gets its neighbour, so that it does not stand alone
    return columns - alone


def _gently(lines: Sequence[Sequence[str]], left: int) -> tuple[list[int], list[int]]:
    """Return the width of each column as it is, and as it is if cells are broken so that the table fits."""
    columns = [*zip(*lines, strict=True)]
    natural = [_longest(cells, "$") for cells in columns]
    pieces = [
        _longest(cells, " ")
        if column < left
        else max(_longest(cells[:1], " "), _longest(cells[1:], _BRACKET))
        for column, cells in enumerate(columns)
    ]
    within = [min(width, _NARROWEST) if column < left else width for column, width in enumerate(pieces)]
    return natural, _widths(natural, [pieces, within])


def _aligned(lines: Sequence[Sequence[str]], left: int, *, breaks_words: bool) -> str:
    """Return lines of cells as columns, with a rule below the first line."""
    from rich.cells import cell_len  # noqa: PLC0415 (an ideograph takes two places; only printing needs it)

    natural, widths = _gently(lines, left)
    words = [_longest(cells, " ") for cells in zip(*lines, strict=True)]
    if not breaks_words and any(width < word for width, word in zip(widths, words, strict=True)):
        widths = natural
    broken = [[_broken(cell, width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    widths = [
        max(cell_len(part) for line in broken for part in line[column]) for column in range(len(widths))
    ]
    shown = []
    for number, line in enumerate(broken):
        for level in range(max(map(len, line))):
            parts = [cell[level] if level < len(cell) else "" for cell in line]
            gaps = [" " * (width - cell_len(part)) for part, width in zip(parts, widths, strict=True)]
            cells = [
                part + gap if column < left else gap + part
                for column, (part, gap) in enumerate(zip(parts, gaps, strict=True))
            ]
            shown.append(_GAP.join(cells).rstrip())
        if number == 0:
            shown.append(_GAP.join("─" * width for width in widths))
    return "\n".join(shown)


def folded(text: str, *, indent: int = 0) -> str:
    """Return a paragraph in lines of at most 80 characters; a longer word, or a command at the end, is not broken.

    Args:
        text: without line breaks.
        indent: spaces before the second line and those after it.

    >>> print(folded("note  " + "word " * 15 + "last", indent=6))
    note  word word word word word word word word word word word word word word word
          last
    """
    whole = re.sub(r"(?<=: )(pip|picturewise|python|hf|ulimit) .*$", lambda command: _tied(command[0]), text)
    lines = textwrap.wrap(
        whole,
        WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
    return "\n".join(lines).replace(_TIE, " ")


_TIE = "\x00"


def _tied(text: str) -> str:
    return text.replace(" ", _TIE)


def _widths(natural: list[int], least: Sequence[list[int]]) -> list[int]:
    """Return the width of each column, so that the table fits if it can.

    Args:
        natural: of the longest cell.
        least: how narrow each may become, gently first.
    """
    widths = [*natural]
    for lowest in least:
        while _is_wide(widths):
            wide = [column for column, width in enumerate(widths) if width > lowest[column]]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _is_wide(widths: list[int]) -> bool:
    """Return whether columns do not fit into a line."""
    limit = max(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    return sum(widths) + len(_GAP) * (len(widths) - 1) > limit


def _longest(cells: Sequence[str], separator: str) -> int:
    """Return the width of the longest part of cells that a pattern separates."""
    from rich.cells import cell_len  # noqa: PLC0415 (as above)

    return max((cell_len(part) for cell in cells for part in re.split(separator, cell)), default=0)


def _broken(cell: str, width: int) -> list[str]:
    """Return a cell in parts of at most `width` places."""
    from rich.cells import cell_len, chop_cells  # noqa: PLC0415 (as above)

    if cell_len(cell) <= width:
        return [cell]
    parts = [""]
    for word in re.split(_BRACKET if _longest([cell], _BRACKET) <= width else " ", cell):
        longer = f"{parts[-1]} {word}" if parts[-1] else word
        if cell_len(longer) <= width:
            parts[-1] = longer
        else:
            parts += chop_cells(word, width)
    return [part for part in parts if part]
