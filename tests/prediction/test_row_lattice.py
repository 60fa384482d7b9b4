from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from picturewise.data.pictures.cut import Spacing
from picturewise.prediction.row_lattice import read_row

SPACING = Spacing(1.0, (0.45, 0.12), (0.55, 0.2))


def normal(value: float, mean: float, deviation: float) -> float:
    return math.exp(-(((value - mean) / deviation) ** 2) / 2) / (deviation * math.sqrt(2 * math.pi))


def by_hand(
    shares: NDArray[np.float64], width: float, spacing: Spacing, places: int
) -> dict[tuple[int, ...], float]:
    """Return the weight of each reading, summed over all columns that its symbols can be at."""
    count, symbols = shares.shape
    centres = [(column + 0.5) * width / count for column in range(count)]
    weights: dict[tuple[int, ...], float] = {}
    for length in range(1, places + 1):
        for reading in itertools.product(range(symbols), repeat=length):
            total = 0.0
            for columns in itertools.combinations(range(count), length):
                at = [centres[column] for column in columns]
                weight = normal(at[0], *spacing.edge) * normal(width - at[-1], *spacing.edge)
                for one, other in itertools.pairwise(at):
                    weight *= normal(other - one, *spacing.pitch)
                for column, symbol in zip(columns, reading, strict=True):
                    weight *= shares[column, symbol] * width / count
                total += weight
            weights[reading] = total
    whole = sum(weights.values())
    return {reading: weight / whole for reading, weight in weights.items()}


@pytest.mark.parametrize("seed", range(5))
def test_lengths_and_symbols_are_those_of_all_readings_together(seed: int) -> None:
    random = np.random.default_rng(seed)
    places, width = 3, float(random.uniform(0.8, 2.2))
    shares = random.dirichlet(np.full(4, 0.3), 7)
    lengths, symbols = read_row(np.log(shares), width, SPACING, places)
    known = by_hand(shares, width, SPACING, places)
    of_lengths = [
        sum(weight for reading, weight in known.items() if len(reading) == length) for length in (1, 2, 3)
    ]
    np.testing.assert_allclose(lengths, of_lengths, rtol=1e-9)
    likely = 1 + int(np.argmax(of_lengths))
    for place in range(places):
        length = max(place + 1, likely)
        some = {reading: weight for reading, weight in known.items() if len(reading) == length}
        wanted = [
            sum(weight for reading, weight in some.items() if reading[place] == symbol) / sum(some.values())
            for symbol in range(4)
        ]
        np.testing.assert_allclose(symbols[place], wanted, rtol=1e-9)


def test_a_finer_grid_does_not_make_rows_longer() -> None:
    """The weights are those of an integral, so they hardly depend on the grid."""
    shares = np.full((1, 10), 0.1)
    coarse, fine = (
        read_row(np.log(np.repeat(shares, columns, axis=0)), 1.5, SPACING, 4)[0] for columns in (60, 240)
    )
    np.testing.assert_allclose(coarse, fine, atol=0.002)


def test_a_row_of_one_column_has_one_symbol() -> None:
    lengths, symbols = read_row(np.log(np.array([[0.2, 0.8]])), 0.1, SPACING, 3)
    assert lengths.tolist() == [1, 0, 0]
    np.testing.assert_allclose(symbols, [[0.2, 0.8], [0.5, 0.5], [0.5, 0.5]])


def test_a_symbol_that_never_occurs_has_no_probability() -> None:
    with np.errstate(divide="ignore"):
        logs = np.log(np.tile([0.5, 0.5, 0.0], (20, 1)))
    lengths, symbols = read_row(logs, 1.2, SPACING, 3)
    assert lengths.sum() == pytest.approx(1)
    assert (symbols[:, 2] == 0).all()
    np.testing.assert_allclose(symbols[:, :2], 0.5)
