"""The most likely readings, against all that there are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from picturewise.targets import Ctc, Places


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


@pytest.mark.parametrize("target", [Places(("0", "1"), 2), Ctc(("0", "1"), 2, 4), Ctc(("0", "1"), 2, 4, 8)])
def test_no_pictures_have_no_readings(target: Places | Ctc) -> None:
    table = target.probabilities(np.zeros((0, target.outputs), np.float32))
    answers, confidence = target.decode(table)
    assert (table.shape, answers.shape, confidence.shape) == ((0, target.outputs), (0, 3), (0,))


@pytest.mark.parametrize("beam", [1, 8])
def test_columns_give_their_reading_first_and_then_others_that_are_likely(beam: int) -> None:
    target = Ctc(("a", "b", "c"), 3, 5, beam)
    random = np.random.default_rng(beam)
    found = best = 0.0
    for _ in range(20):
        row = target.probabilities(random.normal(size=(1, target.outputs)) * 2)[0]
        expected = {}
        for length in (1, 2, 3):
            for numbers in itertools.product(range(3), repeat=length):
                label = np.array([[length, *numbers, *([-1] * (3 - length))]])
                chance = np.exp(target.log_probability(row[None], label))[0]
                expected["".join("abc"[number] for number in numbers)] = float(chance)
        first, *others = target.alternatives(row, 4)
        answers, sure = target.decode(row[None])
        assert first == (target.text(answers[0]), pytest.approx(sure[0]))
        assert len(dict([first, *others])) == 4
        assert [chance for _, chance in others] == sorted((chance for _, chance in others), reverse=True)
        assert dict(others) == pytest.approx({text: expected[text] for text, _ in others})
        found += first[1] + sum(chance for _, chance in others)
        best += sum(sorted(expected.values())[-4:])
    assert found > 0.98 * best
