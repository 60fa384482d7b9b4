"""`work_through` without confined children, which would take most of the time of many a test to start."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from picturewise.data import picture_child
from picturewise.data.confined_thread import Task
from picturewise.data.frames import Received
from picturewise.data.quiet import quiet_pillow
from picturewise.errors import DataError


def work_through(
    task: Task, items: Sequence[Received], answers: Sequence[NDArray[np.uint8]], tick: Callable[[int], None]
) -> dict[int, str]:
    """Do in this process what the one in `confined_pool` has pictures' children do."""
    work, reasons = picture_child.reading(**task.request), {}
    quiet_pillow.__exit__()  # which a child enters for good
    for index, item in enumerate(items):
        try:
            answer = np.frombuffer(work(item, lambda _: None), np.uint8)
        except DataError as error:
            reasons[index] = str(error)
            continue
        parts = np.split(answer, np.cumsum([table.shape[1] for table in answers])[:-1])
        for table, part in zip(answers, parts, strict=True):
            table[index] = part
    tick(len(items))
    return reasons
