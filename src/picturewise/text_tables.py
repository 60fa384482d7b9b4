"""`text_table`: aligned columns as lines of text, for the command, progress and `print`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from picturewise.printable import printable


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """Return a table in lines: the first `left` columns to the left, the others, numbers mostly, to the right.

    >>> print(text_table(("layer", "parameters"), [("dense 10", "650"), ("relu", "0")]))
    layer     parameters
    ────────  ──────────
    dense 10         650
    relu               0
    """
    from rich.cells import cell_len  # noqa: PLC0415 (an ideograph takes two places; only printing needs it)

    lines = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(head))]
    shown = []
    for number, line in enumerate(lines):
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)]
        cells = [
            cell + gap if column < left else gap + cell
            for column, (cell, gap) in enumerate(zip(line, gaps, strict=True))
        ]
        shown.append("  ".join(cells).rstrip())
        if number == 0:
            shown.append("  ".join("─" * width for width in widths))
    return "\n".join(shown)
