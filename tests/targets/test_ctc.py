"""`Ctc` against every way to write a reading into the columns, and against PyTorch's loss."""

from __future__ import annotations

import itertools
from collections import defaultdict
from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError
from picturewise.targets import Ctc, is_target, make_target
from picturewise.targets.sequences import labels_of
from picturewise.training.losses import LOSSES, CtcLoss

SYMBOLS = ("x", "y", "z")
COLUMNS, PLACES = 5, 3


def tables(target: Ctc, count: int, seed: int, spread: float = 1.5) -> NDArray[np.float64]:
    return target.probabilities(np.random.default_rng(seed).normal(0, spread, (count, target.outputs)))


def chances(target: Ctc, row: NDArray[np.float64]) -> dict[tuple[int, ...], float]:
    """The probability of each reading: the sum over all ways to write it."""
    table, blank = target.of_columns(row[None])[0], len(target.classes)
    found: defaultdict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(blank + 1), repeat=target.columns):
        reading = tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != blank)
        found[reading] += float(np.prod([table[column, symbol] for column, symbol in enumerate(path)]))
    return found


def label_of(reading: tuple[int, ...]) -> list[int]:
    return [len(reading), *reading, *[-1] * (PLACES - len(reading))]


def random_labels(count: int, seed: int) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    texts = ["".join(random.choice(SYMBOLS, random.integers(1, PLACES + 1))) for _ in range(count)]
    return labels_of(texts, SYMBOLS, PLACES, "made by a test")


def test_it_has_a_name_and_a_line() -> None:
    target = Ctc(SYMBOLS, 3, 5)
    assert (target.name, target.output_line, target.outputs) == ("ctc 3 5 1", "ctc 3 5 of 3", 20)
    assert Ctc(tuple("0123456789"), 5, 16, 8).output_line == "ctc 5 16 beam 8"
    assert make_target("ctc 3 5 1", SYMBOLS) == target
    assert not any(map(is_target, ("ctc", "ctc 3", "ctc 6 5 1", "ctc 3 5 0", "ctc 3 2000 1", "ctc 3 5 101")))


def test_probabilities_are_those_of_all_ways_to_write_a_reading() -> None:
    target = Ctc(SYMBOLS, PLACES, COLUMNS)
    for row in tables(target, 8, 0):
        for reading, expected in chances(target, row).items():
            if 1 <= len(reading) <= PLACES:
                found = target.log_probability(row[None], np.array([label_of(reading)]))
                assert np.exp(found[0]) == pytest.approx(expected, rel=1e-9)


def test_a_label_that_is_longer_than_it_can_be_has_no_probability() -> None:
    target = Ctc(SYMBOLS, 2, COLUMNS)
    row = tables(target, 1, 1)
    assert target.log_probability(row, np.array([[3, 0, 1]])).tolist() == [-np.inf]


def test_a_wide_beam_finds_the_most_likely_reading() -> None:
    target = Ctc(SYMBOLS, PLACES, COLUMNS, 40)
    rows = tables(target, 30, 2)
    readings, sure = target.decode(rows)
    target.check(readings, 30, "the readings")
    for row, reading, confidence in zip(rows, readings.tolist(), sure, strict=True):
        known = {key: value for key, value in chances(target, row).items() if 1 <= len(key) <= PLACES}
        best = max(known, key=known.__getitem__)
        assert reading == label_of(best)
        assert confidence == pytest.approx(known[best], rel=1e-9)


def test_without_a_beam_the_most_likely_symbol_of_each_column_is_read() -> None:
    target = Ctc(SYMBOLS, PLACES, COLUMNS)
    for seed in range(40):
        row = tables(target, 1, seed)
        path = target.of_columns(row)[0].argmax(axis=1).tolist()
        expected = [symbol for symbol, _ in itertools.groupby(path) if symbol != 3][:PLACES]
        (reading,), _ = target.decode(row)
        if expected:
            assert reading.tolist() == label_of(tuple(expected))
        else:
            assert reading[0] == 1
    assert target.decode(np.empty((0, target.outputs)))[0].shape == (0, 4)


@pytest.mark.parametrize("beam", [1, 4])
def test_an_empty_reading_becomes_the_most_likely_symbol(beam: int) -> None:
    target = Ctc(SYMBOLS, 2, 3, beam)
    table = np.full((1, 3, 4), [1e-6, 3e-6, 2e-6, 1 - 6e-6])
    (reading,), (sure,) = target.decode(table.reshape(1, -1))
    assert reading.tolist() == [1, 1, -1]
    assert sure == pytest.approx(9e-6, rel=1e-3)


def test_equal_symbols_need_a_column_between_them() -> None:
    target = Ctc(SYMBOLS, 3, 4)
    target.check_fit(labels_of(["xyz", "xxy"], SYMBOLS, 3, "here"), "here")
    with pytest.raises(DataError, match=r"^here: label 1 .*, 'xxx', needs 5 columns, .* maps have 4\."):
        target.check_fit(labels_of(["x", "xxx"], SYMBOLS, 3, "here"), "here")


def test_the_loss_is_that_of_pytorch_and_of_the_probabilities() -> None:
    target = Ctc(SYMBOLS, PLACES, COLUMNS)
    loss = LOSSES[target.loss](target, 0.0, None)
    assert isinstance(loss, CtcLoss)
    labels = random_labels(50, 3)
    labels = labels[(labels[:, 1:-1] != labels[:, 2:]).all(axis=1) | (labels[:, 0] == 1)]
    logits = np.random.default_rng(4).normal(0, 2, (len(labels), target.outputs)).astype(np.float32)
    scores, shares = torch.from_numpy(logits), torch.from_numpy(target.shares(labels))
    expected = -target.log_probability(target.probabilities(logits.astype(np.float64)), labels)
    found = loss(scores, shares)
    assert float(found) == pytest.approx(expected.mean(), rel=1e-5)
    assert float(loss.plain(scores, shares, found)) == pytest.approx(expected.sum(), rel=1e-5)
    mean, accuracy = loss.validate(logits, labels)
    assert mean == pytest.approx(expected.mean(), rel=1e-9)
    readings, _ = target.decode(target.probabilities(logits))
    assert accuracy == (readings == labels).all(axis=1).mean()


def test_what_a_step_counts_as_correct_is_what_is_read() -> None:
    target = Ctc(SYMBOLS, PLACES, COLUMNS)
    loss = LOSSES[target.loss](target, 0.0, None)
    logits = np.random.default_rng(5).normal(0, 3, (400, target.outputs)).astype(np.float32)
    readings, _ = target.decode(target.probabilities(logits))
    begins = target.of_columns(logits).argmax(axis=2)
    whole = np.array(
        [0 < len([s for s, _ in itertools.groupby(row) if s != 3]) <= PLACES for row in begins.tolist()]
    )
    shares = torch.from_numpy(target.shares(readings))
    assert int(loss.right(torch.from_numpy(logits), shares)) == int(whole.sum())
    wrong = random_labels(400, 6)
    equal = (wrong == readings).all(axis=1) & whole
    assert int(loss.right(torch.from_numpy(logits), torch.from_numpy(target.shares(wrong)))) == int(
        equal.sum()
    )


def test_each_symbol_has_a_part() -> None:
    target = Ctc(SYMBOLS, 3, 4)
    columns = np.array(
        [[0.7, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7], [0.6, 0.2, 0.1, 0.1], [0.1, 0.8, 0.05, 0.05]]
    )
    assert target.parts(columns.reshape(-1)) == [
        ("symbol 1: x", pytest.approx(0.7)),
        ("symbol 2: x", pytest.approx(0.6)),
        ("symbol 3: y", pytest.approx(0.8)),
    ]


def test_pictures_keep_their_labels() -> None:
    labels = random_labels(6, 7)
    images = np.zeros((6, 4, 8, 1), np.uint8)
    make = partial(make_target, "ctc 3 5 1")
    part = ImageSet(images, labels, SYMBOLS, "made by a test", make_target=make)
    other = part.with_target("ctc 3 7 2")
    assert (other.target.name, other.required_labels.tolist()) == ("ctc 3 7 2", labels.tolist())
