"""The most likely readings, against all that there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from picturewise.targets import Places


@pytest.mark.parametrize(("symbols", "places"), [("abc", 4), ("a", 3), ("0123456789", 2)])
@pytest.mark.parametrize("spread", [0.3, 4.0])
def test_all_readings_come_in_the_order_of_their_probabilities(
    symbols: str, places: int, spread: float
) -> None:
    target = Places(tuple(symbols), places)
    random = np.random.default_rng(places)
    for _ in range(5):
        row = target.probabilities(random.normal(size=(1, target.outputs)) * spread)[0]
        expected = {}
        for length in range(1, places + 1):
            for numbers in itertools.product(range(len(symbols)), repeat=length):
                label = np.array([[length, *numbers, *([-1] * (places - length))]])
                chance = np.exp(target.log_probability(row[None], label))[0]
                expected["".join(symbols[number] for number in numbers)] = chance
        found = target.alternatives(row, 10_000)
        assert len(found) == len(expected)
        assert dict(found) == pytest.approx(expected)
        chances = [chance for _, chance in found]
        assert chances == pytest.approx(sorted(expected.values(), reverse=True))
        assert sum(chances) < 1


def test_the_first_is_what_decode_returns() -> None:
    target = Places(tuple("0123456789"), 5)
    table = target.probabilities(np.random.default_rng(1).normal(size=(50, target.outputs)) * 3)
    answers, confidence = target.decode(table)
    for row, answer, sure in zip(table, answers, confidence, strict=True):
        ((text, chance),) = target.alternatives(row, 1)
        assert (text, chance) == (target.text(answer), pytest.approx(sure, rel=1e-12))


def test_no_pictures_have_no_readings() -> None:
    target = Places(tuple("01"), 2)
    table = target.probabilities(np.zeros((0, target.outputs), np.float32))
    answers, confidence = target.decode(table)
    assert (table.shape, answers.shape, confidence.shape) == ((0, target.outputs), (0, 3), (0,))
