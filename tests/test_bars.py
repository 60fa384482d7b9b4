from __future__ import annotations

import pytest

from picturewise.bars import WIDTH, progress_bar


@pytest.mark.parametrize(
    ("done", "total", "filled"), [(0, 7, 0), (7, 7, WIDTH), (9, 7, WIDTH), (5, None, 0), (0, 0, 0)]
)
def test_a_bar_is_as_full_as_the_work_is_done(done: int, total: int | None, filled: int) -> None:
    assert progress_bar(done, total) == "━" * filled + "─" * (WIDTH - filled)
