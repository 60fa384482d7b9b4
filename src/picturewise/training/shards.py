"""Cutting a batch into virtual shards, and adding their results in one fixed order, whoever computes them.

The rules depend on the batch and on the number of shards only, never on the number of workers: this is what makes the
weights equal, bit for bit, for 1, 2, 4 or 8 of them.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

USUAL_SHARDS, MOST_SHARDS = 8, 256
FEWEST_PICTURES = 2
"""In a shard: batch normalisation needs two for a variance."""


def shard_bounds(pictures: int, shards: int) -> list[tuple[int, int]]:
    """Return (start, stop) of each shard of a batch; they differ by at most one picture.

    If there are too few pictures for all shards, the empty ones, (0, 0), lie between others, so that the work is
    spread over the workers.

    >>> shard_bounds(9, 2), shard_bounds(5, 4)
    ([(0, 4), (4, 9)], [(0, 2), (0, 0), (2, 5), (0, 0)])
    """
    filled = max(1, min(shards, pictures // FEWEST_PICTURES))
    bounds = [(0, 0)] * shards
    for number in range(filled):
        bounds[number * shards // filled] = number * pictures // filled, (number + 1) * pictures // filled
    return bounds


def tree_sum(part: Callable[[int], Tensor | None], first: int, count: int) -> Tensor | None:
    """Return the sum of `part(first)`, …, `part(first + count - 1)`, added in pairs, the pairs in pairs, and so on.

    The sum of 2 · `count` parts is that of the first and the last `count` parts, so workers can compute parts of it.

    Args:
        part: number → its value, which may be changed afterwards; None: zeros.
        first: number of the first part.
        count: a power of two.

    Returns:
        the sum, None if all parts are zeros.
    """
    if count == 1:
        return part(first)
    half = count // 2
    return added(tree_sum(part, first, half), tree_sum(part, first + half, half))


def added(left: Tensor | None, right: Tensor | None) -> Tensor | None:
    """Return the sum of two tensors, in the memory of one of them; None stands for zeros."""
    if left is None or right is None:
        only = right if left is None else left
        # Adding zeros is not without effect: -0.0 becomes 0.0.
        return None if only is None else only.add_(0.0)
    return left.add_(right)
