"""The scores of sequences against loops, and alignments against every alignment and a textbook's edit distance."""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.evaluation.intervals import wilson_interval
from picturewise.evaluation.metrics import METRICS
from picturewise.evaluation.sequences import align, evaluate_sequences
from picturewise.targets import Places
from picturewise.targets.sequences import labels_of, text_of

DIGITS = tuple("0123456789")


def distance(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    """The edit distance by its recursive definition."""

    @functools.cache
    def tail(i: int, j: int) -> int:
        if i == len(first) or j == len(second):
            return len(first) - i + len(second) - j
        if first[i] == second[j]:
            return tail(i + 1, j + 1)
        return 1 + min(tail(i + 1, j), tail(i, j + 1), tail(i + 1, j + 1))

    return tail(0, 0)


def test_the_distance_of_an_alignment_is_the_edit_distance() -> None:
    every = [row for length in range(4) for row in itertools.product((0, 1, 2), repeat=length)]
    for first, second in itertools.product(every, repeat=2):
        found = align(first, second)
        assert found.distance == distance(first, second)
        # The pairs are an alignment with this distance: in order, and the rest is left out or added.
        replaced = sum(one != other for one, other in found.pairs)
        rest = len(first) + len(second) - 2 * len(found.pairs)
        assert replaced + rest == found.distance
        for side, whole in enumerate((first, second)):
            left = iter(whole)
            assert all(pair[side] in left for pair in found.pairs)


@pytest.mark.parametrize(
    ("first", "second", "edits"), [("kitten", "sitting", 3), ("sunday", "saturday", 3), ("", "ab", 2)]
)
def test_known_distances(first: str, second: str, edits: int) -> None:
    assert align([*map(ord, first)], [*map(ord, second)]).distance == edits


def made(
    wanted: list[str],
    read: list[str],
    *,
    places: int = 3,
    sure: float = 0.9,
    thresholds: dict[str, float] | None = None,
) -> tuple[Evaluation, NDArray[np.float64]]:
    """An evaluation of readings, each symbol and length of which has the same probability."""
    target = Places(DIGITS, places)
    labels, readings = (labels_of(part, DIGITS, places, "here") for part in (wanted, read))
    shares = target.shares(readings).astype(np.float64)
    table = np.empty_like(shares)
    for start, width in [(0, places + 2), *((places + 2 + 10 * place, 10) for place in range(places))]:
        group = shares[:, start : start + width]
        spread = (1 - sure) / (width - 1)
        table[:, start : start + width] = np.where(
            group.any(axis=1)[:, None], spread + (sure - spread) * group, 1 / width
        )
    found = evaluate_sequences(
        table, labels, dataset="made", split="test", fingerprint="", target=target, thresholds=thresholds
    )
    return found, table


WANTED = ["1", "12", "123", "007", "70", "5", "1234", "99", "31", "8"]
READ = ["1", "13", "12", "007", "7", "6", "123", "99", "13", "88"]


def test_a_number_is_right_only_as_a_whole() -> None:
    found, _ = made(WANTED, READ)
    right = [wanted == read for wanted, read in zip(WANTED, READ, strict=True)]
    assert sum(right) == 3
    assert found.accuracy == wilson_interval(3, 10)
    assert (found.pictures, found.classes, found.dataset, found.split) == (10, DIGITS, "made", "test")
    assert (found.macro_recall, found.macro_f1) == (None, None)


def test_lengths_and_places_are_counted() -> None:
    found = made(WANTED, READ)[0].sequences
    assert found is not None
    assert found.most_symbols == 3
    lengths = {score.length: score for score in found.lengths}
    assert list(lengths) == [1, 2, 3, 4]  # 4: longer than the network reads
    for length, score in lengths.items():
        pairs = [(a, b) for a, b in zip(WANTED, READ, strict=True) if len(a) == length]
        assert (score.support, score.accuracy) == (
            len(pairs),
            wilson_interval(sum(a == b for a, b in pairs), len(pairs)),
        )
    for score in found.places:
        pairs = [(a, b) for a, b in zip(WANTED, READ, strict=True) if len(a) >= score.place]
        hits = sum(b[score.place - 1 : score.place] == a[score.place - 1] for a, b in pairs)
        assert (score.support, score.accuracy) == (len(pairs), wilson_interval(hits, len(pairs)))
    assert [score.place for score in found.places] == [1, 2, 3]


def test_the_edit_distance_is_the_mean_over_pictures() -> None:
    found = made(WANTED, READ)[0].sequences
    assert found is not None
    edits = [distance(tuple(map(int, a)), tuple(map(int, b))) for a, b in zip(WANTED, READ, strict=True)]
    assert found.edit_distance.value == pytest.approx(np.mean(edits))
    half = 2.262157 * np.std(edits, ddof=1) / math.sqrt(10)  # Student's t with 9 degrees of freedom
    assert found.edit_distance.low == pytest.approx(np.mean(edits) - half, abs=1e-5)


def test_symbols_are_counted_where_they_stand_opposite_each_other() -> None:
    # 12→13: 2 as 3. 123→12: 3 left out. 70→7: 0 left out. 5→6. 31→13: aligned with two edits. 8→88: 8 added.
    found, _ = made(WANTED, READ)
    matrix = np.array(found.confusion)
    assert (matrix[2, 3], matrix[5, 6]) == (1, 1)
    in_labels, in_readings = Counter("".join([*WANTED[:6], "123", *WANTED[7:]])), Counter("".join(READ))
    for index, score in enumerate(found.per_class):
        assert (score.name, score.support, score.predicted) == (
            str(index), in_labels[str(index)], in_readings[str(index)],
        )  # fmt: skip
        hits = int(matrix[index, index])
        assert score.recall == (wilson_interval(hits, score.support) if score.support else None)
        assert score.precision == (wilson_interval(hits, score.predicted) if score.predicted else None)
        assert score.f1 is None or score.f1.value == pytest.approx(
            2 * hits / (score.support + score.predicted)
        )
    assert found.per_class[3].support > matrix[3].sum()  # left out, and in no cell
    assert found.per_class[8].predicted > matrix[:, 8].sum()  # added


def test_the_loss_is_that_of_the_whole_label() -> None:
    found, table = made(WANTED, READ, sure=0.8)
    target = Places(DIGITS, 3)
    losses = []
    for row, wanted in zip(table, WANTED, strict=True):
        share = row[min(len(wanted), 4)]
        for place, digit in enumerate(wanted[:3]):
            share *= row[5 + 10 * place + int(digit)]
        losses.append(-math.log(share))
    assert found.loss.value == pytest.approx(np.mean(losses))
    readings, _ = target.decode(table)
    assert [text_of(reading, DIGITS) for reading in readings] == READ


def test_a_label_without_probability_does_not_make_the_loss_infinite() -> None:
    found, _ = made(["11"], ["22"], sure=1.0)
    assert 34 < found.loss.value < 34.6 * 4


def test_readings_that_are_as_sure_as_they_are_right_have_no_calibration_error() -> None:
    random = np.random.default_rng(0)
    numbers = [str(random.integers(0, 10)) for _ in range(2000)]
    sure = 0.9
    read = [
        number if random.random() < sure**2 else str((int(number) + 1) % 10) for number in numbers
    ]  # the length and the digit
    found, _ = made(numbers, read, places=1, sure=sure)
    assert found.calibration_error.low == 0
    found, _ = made(numbers, read, places=1, sure=0.99)
    assert found.calibration_error.low > 0.05


def test_thresholds_become_coverage() -> None:
    assert made(WANTED, READ)[0].sequences.coverage == ()
    found = made(WANTED, READ, thresholds={"0.98": 0.0})[0].sequences.coverage
    assert [(one.goal, one.threshold, one.coverage.value, one.accuracy) for one in found] == [
        (0.98, 0.0, 1.0, wilson_interval(3, 10)),
        (0.99, None, 0.0, None),
    ]


def test_the_metrics_of_the_target_are_these() -> None:
    assert METRICS[Places.metrics] is evaluate_sequences


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda table: table[:, :-1], r"shape \(10, 34\).*Pass \(N, 35\) numbers from 0 to 1"),
        (lambda table: table * np.nan, "must be finite"),
        (lambda table: table - 0.5, "Pass \\(N, 35\\) numbers from 0 to 1"),
        (lambda table: table * 2, "Pass \\(N, 35\\) numbers from 0 to 1"),
        (lambda table: table[:0], "no pictures"),
        (lambda table: table[:5], "Pass an int64 array"),
    ],
)
def test_broken_probabilities_are_refused(broken: object, said: str) -> None:
    _, table = made(WANTED, READ)
    labels = labels_of(WANTED, DIGITS, 3, "here")
    with pytest.raises(DataError, match=said):
        evaluate_sequences(
            broken(table), labels, dataset="made", split="test", fingerprint="", target=Places(DIGITS, 3)
        )
