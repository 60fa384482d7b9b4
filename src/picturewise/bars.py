"""`progress_bar` and `time_left`: how far work has come, as text."""

from __future__ import annotations

WIDTH = 30


def progress_bar(done: int, total: int | None) -> str:
    """Return a bar of 30 characters; of a total that is not known yet, an empty one.

    >>> progress_bar(2, 5)
    '━━━━━━━━━━━━──────────────────'
    """
    filled = WIDTH * min(done, total) // total if total else 0
    return "━" * filled + "─" * (WIDTH - filled)


def clock(seconds: float) -> str:
    """Return a duration as a clock shows it.

    >>> clock(75.2), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
