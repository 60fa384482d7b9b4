"""Pictures of many requests, computed together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

MOST = 32
"""Pictures of a batch, unless one request has more."""
LONGEST = 0.005
"""Seconds that a picture waits for others, if the network is not busy anyway."""

Compute = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
_Waiting: TypeAlias = "tuple[NDArray[np.uint8], asyncio.Future[NDArray[np.float32]]]"


class Batcher:
    """Collects pictures while others are decoded or computed, and computes them as one batch.

    A batch is computed as soon as nothing else is being decoded, so a single client never waits. Otherwise it starts
    when it is full, or after `LONGEST`.

    Args:
        compute: (N, H, W, C) uint8 → (N, K); it runs in one thread, or, for few pictures, in that of the event loop.
        observe: is told the size of each batch.
        quick: how many pictures are so few; giving them to the thread would take longer than computing them.
    """

    def __init__(self, compute: Compute, observe: Callable[[int], None], *, quick: int = 0) -> None:
        self._quick = quick
        self._compute = compute
        self._observe = observe
        self._thread = ThreadPoolExecutor(1, "picturewise-compute")
        self._waiting: deque[_Waiting] = deque()
        self._coming = 0
        self._running = False
        self._clock: asyncio.TimerHandle | None = None

    def expect(self, pictures: int) -> None:
        """Say that so many pictures are being decoded."""
        self._coming += pictures

    def arrived(self, pictures: int) -> None:
        """Say that so many are decoded, or will not come."""
        self._coming -= pictures
        self._start_if_due()

    async def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (N, K) for the pictures of one request (N, H, W, C)."""
        if len(pictures) <= self._quick and not (self._running or self._waiting or self._coming):
            self._observe(len(pictures))
            return self._compute(pictures)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[NDArray[np.float32]] = loop.create_future()
        self._waiting.append((pictures, answer))
        self._start_if_due()
        if not self._running and self._clock is None:
            self._clock = loop.call_later(LONGEST, self._start)
        return await answer

    def prepare(self, pictures: NDArray[np.uint8]) -> None:
        """Compute a batch whose answer nobody needs, before all others in the thread."""
        self._thread.submit(self._compute, pictures)

    def close(self) -> None:
        """End the thread, after what it computes."""
        self._thread.shutdown(wait=False)

    def _start_if_due(self) -> None:
        if self._waiting and (self._coming == 0 or sum(len(rows) for rows, _ in self._waiting) >= MOST):
            self._start()

    def _start(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
        if self._running:
            return
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and (not batch or size + len(self._waiting[0][0]) <= MOST):
            rows, answer = self._waiting.popleft()
            if not answer.done():  # otherwise nobody waits for it any longer
                batch.append((rows, answer))
                size += len(rows)
        if not batch:
            return
        self._running = True
        self._observe(size)
        pictures = batch[0][0] if len(batch) == 1 else np.concatenate([rows for rows, _ in batch])
        if size <= self._quick:
            found: Future[NDArray[np.float32]] = Future()
            try:
                found.set_result(self._compute(pictures))
            except Exception as error:  # noqa: BLE001 (it is raised where the answer is awaited)
                found.set_exception(error)
            self._hand_out(batch, found)
            return
        done = asyncio.get_running_loop().run_in_executor(self._thread, self._compute, pictures)
        done.add_done_callback(lambda found: self._hand_out(batch, found))

    def _hand_out(
        self, batch: list[_Waiting], found: Future[NDArray[np.float32]] | asyncio.Future[NDArray[np.float32]]
    ) -> None:
        self._running = False
        self._start()  # those that waited have waited long enough
        error = found.exception()
        first = 0
        for rows, answer in batch:
            if not answer.done():
                if error is not None:
                    answer.set_exception(error)
                else:
                    answer.set_result(found.result()[first : first + len(rows)])
            first += len(rows)
