"""The most likely of all sequences whose symbols are independent of each other, given the length."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def likeliest(
    lengths: NDArray[np.float64], places: NDArray[np.float64]
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Yield sequences of 1 to L symbols, as numbers of symbols, and their probabilities, the most likely first.

    A best-first search: a heap holds the sequences that can be the next. In the sequence of ranks (0: the place's most
    likely symbol), each sequence follows from exactly one other that is at least as likely, with one rank less at its
    last place that is not 0. So none occurs twice, and the order is exact. Of equally likely ones, the shorter comes
    first.

    Args:
        lengths: (L,) logarithms of the probabilities of the lengths 1 to L, in nats.
        places: (L, K) logarithms of the probabilities of each place's symbols, in nats.

    >>> found = likeliest(np.log([0.5, 0.5]), np.log([[0.9, 0.1], [0.3, 0.7]]))
    >>> [(symbols, round(probability, 3)) for symbols, probability in found]
    [((0,), 0.45), ((0, 1), 0.315), ((0, 0), 0.135), ((1,), 0.05), ((1, 1), 0.035), ((1, 0), 0.015)]
    """
    order = np.argsort(-places, axis=1, kind="stable")  # (L, K): the symbols by their ranks
    ranked = np.take_along_axis(places, order, axis=1).tolist()
    best = np.cumsum([row[0] for row in ranked])

    # (-logarithm, length, ranks, the first place whose rank may grow)
    heap = [
        (-(float(length) + float(total)), number, (0,) * number, 0)
        for number, (length, total) in enumerate(zip(lengths, best, strict=True), start=1)
    ]
    heapq.heapify(heap)
    while heap:
        cost, number, ranks, first = heapq.heappop(heap)
        yield tuple(int(order[place, rank]) for place, rank in enumerate(ranks)), math.exp(-cost)
        for place in range(first, number):
            rank = ranks[place] + 1
            if rank < len(ranked[place]):
                longer = cost + ranked[place][rank - 1] - ranked[place][rank]
                heapq.heappush(heap, (longer, number, (*ranks[:place], rank, *ranks[place + 1 :]), place))
