"""`Crew`: the processes that train trials at the same time, on this machine or on a Ray cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from picturewise.cores import available_cores
from picturewise.errors import UsageError
from picturewise.scaling.line_process import LineProcess, LocalProcess
from picturewise.scaling.on_ray import connected
from picturewise.scaling.process_on_ray import RayProcess, find_places

MOST_WORKERS = 256
MOST_HERE = 8
"""By default: each takes a few hundred megabytes."""
_PROGRAM = "picturewise.tuning.worker"


@dataclass(frozen=True)
class Crew:
    """Processes that train.

    Attributes:
        count: how many at the same time.
        start: starts one of them, which may have to wait for a free core.
    """

    count: int
    start: Callable[[], LineProcess]


@contextlib.contextmanager
def crew_for(workers: int | None, on: str | None, *, in_memory: bool, device: str) -> Iterator[Crew | None]:
    """Yield the processes for a search; None: this process trains, one trial after the other.

    Args:
        workers: how many are wanted; None: as many as there is room for, but only one for pictures in memory.
        on: the address of a Ray cluster; None: on this machine.
        in_memory: no other process can read the pictures.
        device: that the trials ask for, as in a recipe.

    Raises:
        UsageError: other processes cannot read the pictures; or Ray is not installed, or its cluster cannot be reached
            or has too few cores.
    """
    if on is None:
        count = _number_here(workers, in_memory=in_memory, device=device)
        cores = max(1, available_cores() // count)
        yield None if count == 1 else Crew(count, lambda: LocalProcess(_PROGRAM, cores))
        return
    if in_memory:
        raise UsageError("Pictures in memory cannot be passed to a Ray cluster. Pass a path to the data.")
    with connected(on) as ray:
        count, gpus = find_places(ray, workers, may_use_gpus=device != "cpu", most=MOST_WORKERS)
        yield Crew(count, lambda: RayProcess(ray, _PROGRAM, gpus))


def _number_here(workers: int | None, *, in_memory: bool, device: str) -> int:
    if workers is not None:
        if workers > 1 and in_memory:
            raise UsageError(
                "Pictures in memory can be used only by one worker. Pass workers=1, or a path to the data."
            )
        return workers
    if in_memory or device == "cuda":
        return 1
    import torch  # noqa: PLC0415 (a search loads it anyway)

    on_gpu = device == "auto" and torch.cuda.is_available()
    return 1 if on_gpu else min(available_cores(), MOST_HERE)
