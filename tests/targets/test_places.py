"""`Places` against every possible reading, and against loops over single pictures and symbols."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.targets import Places, is_target, make_target
from picturewise.targets.sequences import text_of

SYMBOLS = ("x", "y", "z")


def tables(target: Places, count: int, seed: int, spread: float = 2.0) -> NDArray[np.float32]:
    """Probabilities that can be anything."""
    logits = np.random.default_rng(seed).normal(0, spread, (count, target.outputs)).astype(np.float32)
    return target.probabilities(logits)


def groups(target: Places) -> list[slice]:
    starts = range(target.places + 2, target.outputs, len(target.classes))
    return [slice(0, target.places + 2), *(slice(start, start + len(target.classes)) for start in starts)]


def all_readings(target: Places) -> list[list[int]]:
    """Every reading as a label."""
    return [
        [length, *symbols, *[-1] * (target.places - length)]
        for length in range(1, target.places + 1)
        for symbols in itertools.product(range(len(target.classes)), repeat=length)
    ]


def probability(target: Places, row: NDArray[np.floating], label: list[int]) -> float:
    """The product of the probabilities of the length and of each symbol that is known."""
    found = float(row[label[0]])
    for place, symbol in enumerate(label[1:]):
        if symbol >= 0:
            found *= float(row[target.places + 2 + place * len(target.classes) + symbol])
    return found


@pytest.mark.parametrize("places", [1, 2, 4])
def test_the_widths_add_up(places: int) -> None:
    target = Places(SYMBOLS, places)
    assert (target.lengths, target.outputs) == (places + 2, places + 2 + 3 * places)
    assert (target.name, target.output_line) == (f"numbers {places}", f"numbers {places} of 3")
    assert Places(tuple("0123456789"), places).output_line == f"numbers {places}"
    assert make_target(target.name, SYMBOLS) == target


@pytest.mark.parametrize("places", [0, 65, -1])
def test_there_are_1_to_64_places(places: int) -> None:
    with pytest.raises(ValueError, match="but must be 1 to 64"):
        Places(SYMBOLS, places)
    assert not is_target(f"numbers {places}")


@pytest.mark.parametrize(
    "name",
    [
        *("numbers", "numbers 5 5", "numbers 05", "numbers  5", "numbers 5 ", "Numbers 5", "numbers five"),
        *("numbers ٥", "numbers 99999", "5", "", "one class 3", "number 5"),
    ],
)
def test_other_names_are_those_of_no_target(name: str) -> None:
    assert not is_target(name)


def test_each_group_of_outputs_has_a_softmax_of_its_own() -> None:
    target = Places(SYMBOLS, 2)
    logits = np.random.default_rng(0).normal(0, 30, (20, target.outputs))
    found = target.probabilities(logits)
    for row, shares in zip(logits.tolist(), found, strict=True):
        for group in groups(target):
            highest = max(row[group])
            powers = [math.exp(value - highest) for value in row[group]]
            assert shares[group] == pytest.approx([power / sum(powers) for power in powers])


@pytest.mark.parametrize(("places", "spread"), [(1, 1.0), (2, 2.0), (3, 0.3), (4, 5.0)])
def test_the_decoded_reading_is_the_likeliest_of_all(places: int, spread: float) -> None:
    target = Places(SYMBOLS, places)
    probabilities = tables(target, 60, places, spread)
    readings, sure = target.decode(probabilities)
    target.check(readings, 60, "the readings")
    every = all_readings(target)
    for row, reading, confidence in zip(probabilities, readings.tolist(), sure, strict=True):
        likeliest = max(every, key=lambda label: probability(target, row, label))
        assert reading == likeliest
        assert confidence == pytest.approx(probability(target, row, likeliest))
    if spread < 1:  # the likeliest reading need not have the likeliest length
        assert (readings[:, 0] != probabilities[:, 1 : places + 1].argmax(axis=1) + 1).any()


def test_the_probabilities_of_all_readings_of_a_length_add_up_to_that_of_the_length() -> None:
    target = Places(SYMBOLS, 3)
    probabilities = tables(target, 5, 0)
    every = np.array(all_readings(target))
    for row in probabilities:
        found = np.exp(target.log_probability(np.tile(row, (len(every), 1)), every))
        for length in (1, 2, 3):
            assert found[every[:, 0] == length].sum() == pytest.approx(row[length], rel=1e-5)


def test_the_log_probability_is_that_of_a_loop() -> None:
    target = Places(SYMBOLS, 3)
    labels = [*all_readings(target), [4, 0, 1, 2], [4, 2, -1, -1], [4, -1, -1, -1]]  # and longer ones
    probabilities = tables(target, len(labels), 7)
    found = target.log_probability(probabilities, np.array(labels))
    expected = [math.log(probability(target, *pair)) for pair in zip(probabilities, labels, strict=True)]
    assert found == pytest.approx(expected)


def test_a_probability_of_zero_is_very_unlikely_but_finite() -> None:
    target = Places(SYMBOLS, 1)
    sure = np.array([[0, 1, 0, 0, 1, 0]], np.float32)
    assert np.isfinite(target.log_probability(sure, np.array([[1, 0]]))).all()
    readings, confidence = target.decode(sure)
    assert (readings.tolist(), confidence.tolist()) == ([[1, 1]], [1.0])


def test_the_shares_are_one_for_the_length_and_for_each_symbol() -> None:
    target = Places(SYMBOLS, 3)
    labels = [*all_readings(target), [4, 0, 1, 2], [4, 1, -1, -1]]
    for label, shares in zip(labels, target.shares(np.array(labels)), strict=True):
        expected = [0.0] * target.outputs
        expected[label[0]] = 1
        for group, symbol in zip(groups(target)[1:], label[1:], strict=True):
            if symbol >= 0:
                expected[group.start + symbol] = 1
        assert shares.tolist() == expected
    # so the loss of exact shares is that of the label
    table = tables(target, len(labels), 1).astype(np.float64)
    from_shares = (target.shares(np.array(labels)) * np.log(table)).sum(axis=1)
    assert from_shares == pytest.approx(target.log_probability(table, np.array(labels)))


def test_labels_are_checked() -> None:
    Places(SYMBOLS, 2).check(np.array([[2, 0, 2]]), 1, "here")
    with pytest.raises(DataError, match="here: label 0"):
        Places(SYMBOLS, 2).check(np.array([[2, 0, 3]]), 1, "here")


def test_the_parts_are_those_of_the_reading() -> None:
    target = Places(SYMBOLS, 3)
    for row in tables(target, 30, 5):
        reading, confidence = (found[0] for found in target.decode(row[None]))
        (length, sure), *symbols = target.parts(row)
        assert length == f"length: {reading[0]}"
        assert [name for name, _ in symbols] == [
            f"place {place}: {symbol}" for place, symbol in enumerate(text_of(reading, SYMBOLS), start=1)
        ]
        assert sure * math.prod(share for _, share in symbols) == pytest.approx(confidence, rel=1e-5)
