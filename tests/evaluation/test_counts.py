from __future__ import annotations

import json

import numpy as np
import pytest

from picturewise.errors import DataError
from picturewise.evaluation.counts import Counts
from picturewise.evaluation.evaluation import Evaluation
from picturewise.evaluation.metrics import evaluate

CLASSES = tuple("abcdefg")
NAMES = {"dataset": "d", "split": "test", "fingerprint": "f", "classes": CLASSES}


def drawn(count: int, seed: int, *, uneven: bool = False) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, count) if not uneven else random.choice(7, count, p=[0.7, *[0.05] * 6])
    logits = random.normal(size=(count, 7)) * 3
    logits[np.arange(count), labels] += 2
    powers = np.exp(logits)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32), labels.astype(np.int64)


def assert_same(one: Evaluation, other: Evaluation) -> None:
    assert one.confusion == other.confusion
    assert one.per_class == other.per_class
    assert (one.accuracy, one.macro_f1, one.macro_recall) == (
        other.accuracy,
        other.macro_f1,
        other.macro_recall,
    )
    for name in ("loss", "calibration_error"):
        found, expected = getattr(one, name), getattr(other, name)
        assert (found.value, found.low, found.high) == pytest.approx(
            (expected.value, expected.low, expected.high), abs=1e-9
        )


@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("count", [1, 2, 1009])
def test_the_sum_of_parts_is_the_evaluation_of_all(count: int, uneven: bool) -> None:
    probabilities, labels = drawn(count, 0, uneven=uneven)
    total = Counts.none(7)
    for start in range(0, count, 97):
        total += Counts.count(probabilities[start : start + 97], labels[start : start + 97])
    assert_same(total.evaluation(**NAMES), evaluate(probabilities, labels, **NAMES))


def test_the_result_depends_neither_on_the_parts_nor_on_their_order() -> None:
    probabilities, labels = drawn(1009, 1)
    found = set()
    for seed in range(5):
        random = np.random.default_rng(seed)
        order, edges = random.permutation(1009), np.sort(random.integers(1, 1008, seed))
        total = Counts.none(7)
        for part in np.split(order, np.unique(edges)):
            total = Counts.count(probabilities[part], labels[part]) + total
        found.add(total.evaluation(**NAMES).model_dump_json())
    assert len(found) == 1


def test_a_probability_of_0_counts_as_its_floor() -> None:
    probabilities, labels = np.eye(7, dtype=np.float32), np.array([0, 1, 2, 3, 4, 5, 0])
    assert_same(
        Counts.count(probabilities, labels).evaluation(**NAMES), evaluate(probabilities, labels, **NAMES)
    )


def test_counts_come_back_from_json() -> None:
    counts = Counts.count(*drawn(50, 2))
    again = Counts.of(json.loads(json.dumps(counts.content())))
    assert again.evaluation(**NAMES) == counts.evaluation(**NAMES)
    assert again.losses == counts.losses


@pytest.mark.parametrize(
    "change",
    [
        {"confusion": [[9, 0, 1]]},
        {"confusion": [[0, 0, 1]]},
        {"confusion": [[0, 0]]},
        {"sizes": [1]},
        {"losses": None},
        {"classes": "x"},
        {"hits": "no"},
    ],
)
def test_damaged_counts_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(DataError, match="compute it again"):
        Counts.of(Counts.count(*drawn(50, 2)).content() | change)
    assert_no_pictures = Counts.none(7)
    with pytest.raises(DataError, match="no pictures"):
        assert_no_pictures.evaluation(**NAMES)
