"""Which part a worker gets next: neighbours, so that it stays in one shard, until it takes from those with more."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


class Shares:
    """Parts shared out among workers: each begins with a run of neighbours, and later takes half of the longest rest.

    Args:
        numbers: of the parts, in order.
        workers: how many workers there are.
    """

    def __init__(self, numbers: Sequence[int], workers: int) -> None:
        step = -(-len(numbers) // workers)
        self._runs = [deque(numbers[start * step : (start + 1) * step]) for start in range(workers)]

    def next(self, worker: int) -> int | None:
        """Return the next part of a worker; None: none is left.

        >>> shares = Shares([3, 4, 5, 8], 2)
        >>> [shares.next(0), shares.next(0), shares.next(0), shares.next(1), shares.next(1)]
        [3, 4, 8, 5, None]
        """
        own = self._runs[worker]
        if not own:
            longest = max(self._runs, key=len)
            for _ in range((len(longest) + 1) // 2):
                own.appendleft(longest.pop())
        return own.popleft() if own else None

    def give_back(self, worker: int, number: int) -> None:
        """Take back a part that a worker has not finished."""
        self._runs[worker].appendleft(number)
