from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picturewise.training.schedules import factor


@given(st.integers(1, 10_000), st.data())
def test_factors_follow_their_formulas(steps: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(0, steps - 1))
    assert factor("constant", step, steps) == 1
    assert factor("cosine", step, steps) == pytest.approx((1 + math.cos(math.pi * step / steps)) / 2)
    peak = max(1, round(steps / 4))
    rise = 0.1 + 0.9 * step / peak
    fall = 1 - (step - peak) / max(1, steps - peak)
    assert factor("one-cycle", step, steps) == pytest.approx(rise if step < peak else fall)


@given(st.integers(2, 10_000))
def test_every_factor_is_above_0_and_at_most_1(steps: int) -> None:
    for step in {0, 1, steps // 4, steps // 2, steps - 1}:
        for schedule in ("constant", "cosine", "one-cycle"):
            assert 0 < factor(schedule, step, steps) <= 1  # type: ignore[arg-type]


def test_cosine_falls_from_1_towards_0() -> None:
    assert factor("cosine", 0, 100) == 1
    assert factor("cosine", 50, 100) == pytest.approx(0.5)
    assert 0 < factor("cosine", 99, 100) < 0.001


def test_one_cycle_rises_from_a_tenth_to_1_and_falls_to_the_last_step() -> None:
    factors = [factor("one-cycle", step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors.index(1.0) == 25
    assert factors[:26] == sorted(factors[:26])
    assert factors[25:] == sorted(factors[25:], reverse=True)
    assert factors[99] == pytest.approx(1 / 75)
