"""Starting the workers of a run, here with PyTorch's elastic launcher, and starting them again if one dies."""

from __future__ import annotations

import logging
import os
import sys
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from picturewise.errors import WorkerLostError

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig

MOST_RESTARTS = 3
"""Without progress in between."""


def keep_running(
    start: Callable[[], str | None],
    *,
    reported: Callable[[], bool],
    progress: Callable[[], object],
    tell: Callable[[str], None],
) -> None:
    """Start the workers of a run until all have ended by themselves, or have reported an error.

    Args:
        start: starts them, and returns when all have ended: None, or how the first one died.
        reported: whether a worker has reported its result, so that starting again is of no use.
        progress: what has been saved; a restart after a change does not count.
        tell: called with a sentence before each restart.

    Raises:
        WorkerLostError: workers died several times without any progress in between.
    """
    restarts, before = 0, progress()
    while (how := start()) is not None and not reported():
        now = progress()
        restarts, before = (1 if now != before else restarts + 1), now
        if restarts > MOST_RESTARTS:
            raise WorkerLostError(
                f"{how}, and so did one {MOST_RESTARTS} times before, without a new checkpoint in between. Use fewer "
                "workers if memory is short, and continue with: picturewise resume"
            )
        tell(f"{how}. All start again from the newest checkpoint (try {restarts} of {MOST_RESTARTS}).")


def start_here(command: Sequence[str], workers: int) -> str | None:
    """Run a Python command in several processes of this machine, which can reach each other; see `keep_running`.

    PyTorch's launcher listens on 127.0.0.1 only. If a worker dies, it ends the others.

    Args:
        command: arguments of Python; the variables of torchrun say which worker a process is.
        workers: their number.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException  # noqa: PLC0415 (2 s)
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError  # noqa: PLC0415 (the same)
    from torch.distributed.launcher.api import elastic_launch  # noqa: PLC0415 (the same)

    # Its log repeats in many lines what is said here in a sentence.
    for name in logging.root.manager.loggerDict:
        if name.startswith("torch.distributed"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # otherwise the launcher sets it, and prints that it did
    try:
        elastic_launch(_config(workers), sys.executable)(*command)
    except SignalException:
        return None  # it has passed the signal on, and the workers have reported
    except ChildFailedError as failed:
        return _how(failed)
    return None


def _config(workers: int) -> LaunchConfig:
    from torch.distributed.launcher.api import LaunchConfig  # noqa: PLC0415 (see above)

    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=workers,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        max_restarts=0,  # they are counted here
        monitor_interval=0.1,
    )


def _how(failed: ChildFailedError) -> str:
    """Return how the first worker ended, as the beginning of a sentence."""
    rank, first = failed.get_first_failure()
    if first.exitcode < 0:
        return f"Worker {rank} was ended by signal {-first.exitcode}"
    return f"Worker {rank} ended with exit code {first.exitcode}"
