"""`work_through` without confined children, which would take most of the time of many a test to start."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures import decode_child
from picturewise.data.pictures.pillow_silence import quiet_pillow
from picturewise.errors import DataError
from picturewise.untrusted.confined.pool_thread import Task
from picturewise.untrusted.confined.protocol import Received


def work_through(
    task: Task, items: Sequence[Received], answers: Sequence[NDArray[np.uint8]], tick: Callable[[int], None]
) -> dict[int, str]:
    """Do in this process what the one in `confined_pool` has pictures' children do."""
    work, reasons = decode_child.reading(**task.request), {}
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
