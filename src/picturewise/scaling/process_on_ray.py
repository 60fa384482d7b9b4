"""Processes that talk in lines on a Ray cluster: each belongs to an actor, which passes the lines on.

So the process is the same as on this machine. It ends with its actor, and the actor ends with the driver's job.
"""

from __future__ import annotations

import contextlib
from typing import Any

from picturewise.errors import UsageError, WorkerLostError
from picturewise.printable import printable
from picturewise.scaling.line_process import LocalProcess


class RayProcess:
    """A process on a Ray cluster, which starts as soon as a core is free.

    Args:
        ray: connected to the cluster.
        module: its program, as for `python -m`.
        gpus: how many it has to itself; it always has one core.

    Raises:
        WorkerLostError: the cluster can no longer be reached.
    """

    def __init__(self, ray: Any, module: str, gpus: int) -> None:
        self._ray, self._how, self._has_spoken = ray, "", False
        # Two calls at a time: one waits for a line while the others are made.
        actor = ray.remote(num_cpus=1, num_gpus=gpus, max_concurrency=2, max_restarts=0)(LocalProcess)
        try:
            self._there = actor.remote(module, 1)
        except Exception as error:  # of many kinds, as in `connected`
            raise WorkerLostError(f"The Ray cluster can no longer be reached ({_said(error)}).") from error

    def read_line(self) -> bytes:
        """Return a line, or nothing at the end, or when the actor is lost."""
        try:
            line: bytes = self._ray.get(self._there.read_line.remote())
            self._has_spoken = True
            if not line:
                self._how = self._ray.get(self._there.how_it_ended.remote())
        except Exception as error:  # noqa: BLE001 (RayError, and others if the connection is lost)
            self._how = _said(error)
            return b""
        return line

    def how_it_ended(self) -> str:
        """Return the signal or the exit code of the process, or what Ray says about the actor."""
        return self._how

    def send(self, line: bytes) -> None:
        """Pass on a line."""
        with contextlib.suppress(Exception):  # the same, which `read_line` finds out
            self._there.send.remote(line)

    def ask_to_stop(self, line: bytes) -> None:
        """Pass on the signal and a line; a process that has not started is killed."""
        if not self._has_spoken:  # it may still wait for a core, and has nothing to save
            self.kill()
            return
        with contextlib.suppress(Exception):  # as in `send`
            self._there.ask_to_stop.remote(line)

    def kill(self) -> None:
        """End the actor, and so the process."""
        with contextlib.suppress(Exception):  # as in `send`
            self._ray.kill(self._there)

    def close(self) -> None:
        """End the actor, which gives its core back."""
        self.kill()


def find_places(ray: Any, workers: int | None, *, may_use_gpus: bool, most: int) -> tuple[int, int]:
    """Return how many processes a cluster has room for, and how many GPUs each of them gets, which is 1 or 0.

    Args:
        ray: connected to the cluster.
        workers: how many processes are wanted; None: one for each GPU, if there are any, or for each core.
        may_use_gpus: whether GPUs are of use.
        most: how many processes, unless more are wanted.

    Raises:
        UsageError: the cluster has fewer cores than processes.
    """
    found = ray.cluster_resources()
    cores, gpus = int(found.get("CPU", 0)), int(found.get("GPU", 0)) if may_use_gpus else 0
    count = workers or max(1, min(cores, gpus or cores, most))
    check_cores(ray, count)
    return count, int(gpus >= count)


def check_cores(ray: Any, workers: int) -> None:
    """Check that a cluster has a core for each worker.

    Raises:
        UsageError: it has fewer.
    """
    cores = int(ray.cluster_resources().get("CPU", 0))
    if cores < workers:
        raise UsageError(
            f"The Ray cluster has {cores} cores, but {workers} workers need one each. Use fewer workers."
        )


def _said(error: Exception) -> str:
    return printable(str(error).strip().partition("\n")[0])[:200].rstrip(".") or type(error).__name__
