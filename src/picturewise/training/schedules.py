"""Learning-rate schedules: pure functions of a run's progress."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["constant", "cosine", "one-cycle"]

RISE = 0.25
START = 0.1


def factor(schedule: Schedule, step: int, steps: int) -> float:
    """Return the factor for the learning rate at `step` (counted from 0) of `steps`.

    constant: 1 throughout. cosine: half a cosine wave from 1 towards 0 (Loshchilov and Hutter, 2017).
    one-cycle: a linear increase from 0.1 to 1 over the first quarter, then a linear decrease towards 0
    (after Smith and Topin, 2018).

    >>> [round(factor("one-cycle", step, 8), 3) for step in range(8)]
    [0.1, 0.55, 1.0, 0.833, 0.667, 0.5, 0.333, 0.167]
    """
    if schedule == "constant":
        return 1.0
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * step / steps))
    peak = max(1, round(RISE * steps))
    if step < peak:
        return START + (1 - START) * step / peak
    return (steps - step) / max(1, steps - peak)
