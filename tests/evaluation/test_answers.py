"""Answers beside labels, for classes and for sequences, against loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from picturewise.evaluation.answers import PROBABILITY_FLOOR, Answers
from picturewise.targets import OneClass, Places
from picturewise.targets.sequences import labels_of


def test_classes_are_right_where_the_label_is_the_likeliest() -> None:
    table = np.array([[0.2, 0.8], [0.7, 0.3], [0.5, 0.5], [1.0, 0.0]])
    found = Answers(OneClass(("cat", "dog")), table, np.array([1, 1, 0, 1]))
    assert found.answers.tolist() == [1, 0, 0, 0]
    assert found.confidence.tolist() == [0.8, 0.7, 0.5, 1.0]
    assert found.right.tolist() == [True, False, True, False]
    assert found.losses == pytest.approx([-math.log(share) for share in (0.8, 0.3, 0.5, PROBABILITY_FLOOR)])


def test_sequences_are_right_where_every_symbol_and_the_length_are() -> None:
    target = Places(("a", "b"), 2)
    labels = labels_of(["a", "ab", "ab", "aba", "b"], target.classes, 2, "here")
    read = labels_of(["a", "ab", "bb", "ab", "ba"], target.classes, 2, "here")
    shares = target.shares(read).astype(np.float64)
    table = target.probabilities(5 * shares)
    found = Answers(target, table, labels)
    assert found.answers.tolist() == read.tolist()
    assert found.right.tolist() == [True, True, False, False, False]
    for row, label, answer, confidence, loss in zip(
        table, labels, read, found.confidence, found.losses, strict=True
    ):
        for wanted, expected in ((label, -loss), (answer, math.log(confidence))):
            logs = [math.log(row[wanted[0]])]
            logs += [
                math.log(row[4 + 2 * place + symbol])
                for place, symbol in enumerate(wanted[1:])
                if symbol >= 0
            ]
            assert sum(logs) == pytest.approx(expected)


def test_a_loss_is_never_negative_nor_infinite() -> None:
    target = Places(("a", "b"), 1)
    sure = np.array([[0, 1, 0, 1, 0], [0, 1, 0, 1, 0]], np.float32)
    found = Answers(target, sure, np.array([[1, 0], [1, 1]]))
    assert found.losses.tolist() == [0.0, pytest.approx(-2 * math.log(PROBABILITY_FLOOR), rel=1.1)]
    assert np.isfinite(found.losses).all()
