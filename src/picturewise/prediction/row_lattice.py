"""The symbols of a row, from what a classifier of single symbols says at each of its columns.

Source: Matan, Burges, Le Cun and Denker, "Multi-digit recognition using a space displacement neural network", Advances
in Neural Information Processing Systems 4, 1992. The recogniser of single symbols is replicated over the row, and a
Viterbi alignment chooses the best interpretation; the network is trained through it. Here the network was not trained
on rows, so where symbols are comes from the spacing of those in its training pictures, and the alignment is a sum over
all interpretations, which gives probabilities.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures.cut import Spacing


def read_row(
    logs: NDArray[np.float64], width: float, spacing: Spacing, places: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probabilities (L,) of 1 to L symbols in a row, and (L, K) of the symbols at each place.

    A reading s_1 … s_n at the columns c_1 < … < c_n has the weight

        N(c_1; edge) · N(c_2 - c_1; pitch) ⋯ N(c_n - c_{n-1}; pitch) · N(width - c_n; edge) · Π p(s_i | c_i) d,

    with the normal densities of `spacing`, the classifier's probabilities p, and the distance d of two columns: the
    columns are unknown, so this is the sum for an integral over them, and rows with more symbols are not preferred on a
    finer grid. All lengths are equally likely beforehand. The sums over all columns are exact (forward and backward
    recursions in logarithms).

    The symbols are those at their places given the most likely length n; at a place behind n, given that it is the
    last.

    Args:
        logs: (C, K) logarithms of the classifier's probabilities in the middle of each of C columns of equal width that
            cover the row.
        width: of the row, in its heights.
        spacing: where symbols are.
        places: L.
    """
    count, symbols = logs.shape
    distance = width / count
    centres = (np.arange(count) + 0.5) * distance
    of_columns = np.logaddexp.reduce(logs, axis=1)  # (C,): 0, unless the classifier knows other symbols, too
    steps = centres - centres[:, None]
    with np.errstate(invalid="ignore"):
        # (C, C): from a column to the next symbol's
        onwards = np.where(steps > 0, _log_normal(steps, *spacing.pitch), -np.inf)
        seen = math.log(distance) + of_columns
        first, last = (_log_normal(edge, *spacing.edge) for edge in (centres, width - centres))
        forward, backward = [first + seen], [last]
        for _ in range(1, places):
            forward.append(np.logaddexp.reduce(forward[-1][:, None] + onwards, axis=0) + seen)
            backward.append(np.logaddexp.reduce(onwards + seen + backward[-1], axis=1))
        totals = np.array([np.logaddexp.reduce(one + last) for one in forward])  # (L,)
        likely = int(totals.argmax())
        given = logs - np.where(np.isfinite(of_columns), of_columns, 0.0)[:, None]  # which symbol, not where
        table = np.full((places, symbols), 1 / symbols)
        for place in range(places):
            length = max(place, likely)
            if np.isfinite(totals[length]):
                there = forward[place] + backward[length - place] - totals[length]  # (C,)
                table[place] = np.exp(np.logaddexp.reduce(there[:, None] + given, axis=0))
    return np.exp(totals - np.logaddexp.reduce(totals)), table / table.sum(axis=1, keepdims=True)


def _log_normal(values: NDArray[np.float64], mean: float, deviation: float) -> NDArray[np.float64]:
    """Return the logarithm of the density of a normal distribution."""
    normed: NDArray[np.float64] = (values - mean) / deviation
    return -0.5 * normed**2 - math.log(deviation * math.sqrt(2 * math.pi))
