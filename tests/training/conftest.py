from __future__ import annotations

import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from picturewise.training.group import Alone, Group

collect_ignore = ["killing.py"]  # a script for child processes


@pytest.fixture(scope="session")
def whole(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of a tiny run that nothing disturbed."""
    path = tmp_path_factory.mktemp("whole") / "run"
    tiny.start(path).fit()
    found: dict[str, Any] = tiny.outcome(path)
    return found


class InThread(Alone):
    """One of several workers in threads of this process."""

    def __init__(self, rank: int, size: int, passed: list[Tensor | None], barrier: threading.Barrier) -> None:
        self.rank, self.size, self._passed, self._barrier = rank, size, passed, barrier

    def stacked(self, vector: Tensor) -> Tensor:
        self._passed[self.rank] = vector.clone()
        self._barrier.wait()
        found = torch.stack([one for one in self._passed if one is not None])
        self._barrier.wait()
        return found

    def quick_sum(self, vector: Tensor) -> Tensor:
        return self.stacked(vector).sum(dim=0)

    def begin_sum(self, vector: Tensor) -> Callable[[], None]:
        total = self.stacked(vector).sum(dim=0)
        vector.fill_(torch.nan)  # nobody may read it before the end

        def wait() -> None:
            vector.copy_(total)

        return wait


@pytest.fixture(scope="session")
def in_threads() -> Callable[[int, Callable[[Group], Any]], list[Any]]:
    """A function that calls another one in several workers at once, and returns what each of them returns."""
    return _in_threads


def _in_threads(size: int, work: Callable[[Group], Any]) -> list[Any]:
    barrier, passed = threading.Barrier(size, timeout=60), list[Tensor | None]([None] * size)
    found, errors = [None] * size, list[BaseException]()

    def run(rank: int) -> None:
        try:
            found[rank] = work(InThread(rank, size, passed, barrier))
        except BaseException as error:  # noqa: BLE001 (raised below)
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in sorted(errors, key=lambda error: isinstance(error, threading.BrokenBarrierError)):
        raise error
    return found
