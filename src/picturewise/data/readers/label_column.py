"""Which column of a table without names holds the labels: the first or the last one, told by what is in it.

A label is a whole number from 0 or 1 on, and each is there several times. That can be true of a pixel in a corner too;
but a pixel takes the values of the pixel beside it about as often as that does, and a label does not. The difference of
the two distributions is Kolmogorov's and Smirnov's: the largest distance between the shares of values up to a bound.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.labels import MAX_CLASSES

FEW_ROWS = 20
"""With so few rows, a label may be there once, and nothing is known of distributions."""
_APART = 0.3  # difference of a label and a pixel; of pixels side by side, in 400 rows, mostly below 0.1
_CLEARLY = 2  # times as far apart
_FOLLOWING = 0.8  # of the numbers up to the largest that are there


def label_places(sample: NDArray[Any]) -> list[int]:
    """Return which of the first and the last column can be labels, the likelier alone where one clearly is.

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
        return []  # a few whole numbers, but none that labels usually are
    return likely or (possible if len(possible) == 2 else [])


def is_index(column: NDArray[Any]) -> bool:
    """Return whether a column counts the rows, of which some are there."""
    return len(column) > 1 and bool((np.diff(column) > 0).all() and (column == np.floor(column)).all())


def _can_be_label(column: NDArray[Any]) -> bool:
    if not ((column >= -1) & (column < MAX_CLASSES) & (column == np.floor(column))).all():
        return False
    values = np.unique(column[column >= 0])
    if len(column) < FEW_ROWS:
        return bool(len(values) > 1 and values[-1] < 2 * FEW_ROWS)
    return bool(len(values) > 1 and 2 * len(values) <= len(column))


def _count_up(column: NDArray[Any]) -> bool:
    """Return whether values follow one another from 0 or 1, nearly all of them."""
    values = np.unique(column[column >= 0])
    return bool(values[0] <= 1 and len(values) >= _FOLLOWING * (values[-1] - values[0] + 1))


def _difference(one: NDArray[Any], other: NDArray[Any]) -> float:
    bounds = np.unique(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(values), bounds, "right") / len(values) for values in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())
