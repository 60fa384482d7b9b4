from __future__ import annotations

import pytest

from picturewise.tasks import many_progress
from picturewise.tasks.many_progress import Advance


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(many_progress.time, "monotonic", lambda: now[0])
    return now


def test_rows_of_all_parts_are_told_with_the_rate_and_the_time_left(clock: list[float]) -> None:
    shown: list[str] = []
    advance = Advance(shown.append)
    advance.begin(250_000, 1_000_000, 25, 100)
    clock[0] += 10
    advance.rows(120_000)
    assert shown == ["37%  370,000 of 1,000,000 rows  12,000 pictures/s  0:52 left  part 25 of 100"]
    assert len(shown[0]) <= 80
    advance.part(37)
    clock[0] += 10
    advance.rows(-120_000)  # they were lost with their worker
    assert shown[-1] == "25%  250,000 of 1,000,000 rows  0 pictures/s  part 37 of 100"


def test_of_tars_only_the_parts_are_known(clock: list[float]) -> None:
    advance = Advance(lambda _: None)
    advance.begin(0, None, 1, 4)
    clock[0] += 2
    advance.rows(1000)
    assert advance.line() == "25%  1,000 rows  500 pictures/s  part 1 of 4"


def test_the_rate_is_that_of_the_last_half_minute(clock: list[float]) -> None:
    advance = Advance(lambda _: None)
    advance.begin(0, 100_000, 0, 10)
    for count in (10, *[100] * 100):
        clock[0] += 1
        advance.rows(count)
    assert "100 pictures/s" in advance.line()
