"""Which column of a table without names holds the labels: the first or the last one, found by its values.

Labels are integers that start at 0 or 1, and each occurs several times. That can be true of a pixel in a corner
too; but a pixel takes each value about as often as the pixel beside it, and a label does not. The difference of the two
distributions is Kolmogorov's and Smirnov's: the largest distance between the shares of values up to a bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.labels import MAX_CLASSES

FEW_ROWS = 20
"""With so few rows, a label may occur only once, and distributions are unknown."""
_APART = 0.3  # difference of a label and a pixel; for neighbouring pixels in 400 rows, mostly below 0.1
_CLEARLY = 2  # times as different
_FOLLOWING = 0.8  # share of the numbers up to the largest that occur


def label_places(sample: NDArray[Any]) -> list[int]:
    """Return which of the first and the last column can be labels; only one if it is clearly likelier.

    Args:
        sample: (rows, columns), some lines of the table.

    >>> rows = np.random.default_rng(0).integers(0, 256, (60, 16))
    >>> label_places(np.column_stack([rows, np.arange(60) % 3]))
    [16]
    """
    last = sample.shape[1] - 1
    beside = {0: 1, last: last - 1}
    possible = [place for place in beside if _can_be_label(sample[:, place])]
    if len(sample) < FEW_ROWS:
        return possible
    apart = {place: _difference(sample[:, place], sample[:, beside[place]]) for place in possible}
    likely = [place for place in possible if apart[place] >= _APART]
    counting = [place for place in likely if _count_up(sample[:, place])]
    if len(likely) == 2:
        nearer, further = sorted(likely, key=lambda place: apart[place])
        if apart[further] >= _CLEARLY * apart[nearer]:
            likely = [further]
        elif len(counting) == 1:
            likely = counting
    if len(likely) == 1 and likely[0] not in counting:
        return []  # a few integers, but not those of usual labels
    return likely or (possible if len(possible) == 2 else [])


def is_index(column: NDArray[Any]) -> bool:
    """Return whether a column counts the rows, of which only some are given."""
    return len(column) > 1 and bool((np.diff(column) > 0).all() and (column == np.floor(column)).all())


def _can_be_label(column: NDArray[Any]) -> bool:
    if not ((column >= -1) & (column < MAX_CLASSES) & (column == np.floor(column))).all():
        return False
    values = np.unique(column[column >= 0])
    if len(column) < FEW_ROWS:
        return bool(len(values) > 1 and values[-1] < 2 * FEW_ROWS)
    return bool(len(values) > 1 and 2 * len(values) <= len(column))


def _count_up(column: NDArray[Any]) -> bool:
    """Return whether nearly all values from 0 or 1 up to the largest occur."""
    values = np.unique(column[column >= 0])
    return bool(values[0] <= 1 and len(values) >= _FOLLOWING * (values[-1] - values[0] + 1))


def _difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    bounds = np.unique(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(values), bounds, "right") / len(values) for values in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())
