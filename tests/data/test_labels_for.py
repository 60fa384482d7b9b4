from __future__ import annotations

import numpy as np
import pytest
from drawn_numbers import sequences

from picturewise.data.imageset import ImageSet
from picturewise.data.labels_for import labels_for
from picturewise.errors import DataError
from picturewise.targets.one_class import OneClass
from picturewise.targets.places import Places
from picturewise.targets.sequences import DIGITS


def test_classes_are_matched_by_name() -> None:
    part = ImageSet(np.zeros((2, 8, 8, 1), np.uint8), np.array([0, 1]), ("dog", "cat"), "pets")
    assert labels_for(part, OneClass(("cat", "dog", "cow"))).tolist() == [1, 0]
    with pytest.raises(DataError, match="has classes that the classifier was not trained on: dog"):
        labels_for(part, OneClass(("cat", "cow")))


def test_symbols_are_matched_and_places_are_those_of_the_classifier() -> None:
    part = sequences(["a", "ba", "bab"], 3, ("a", "b"))
    assert labels_for(part, part.target) is part.labels
    assert labels_for(part, Places(("b", "c", "a"), 2)).tolist() == [[1, 2, -1], [2, 0, 2], [3, 0, 2]]
    assert labels_for(part, Places(("a", "b"), 4)).tolist() == [
        [1, 0, -1, -1, -1],
        [2, 1, 0, -1, -1],
        [3, 1, 0, 1, -1],
    ]


def test_symbols_that_do_not_occur_need_not_be_known() -> None:
    part = sequences(["1", "2"], 1)
    assert labels_for(part, Places(("2", "1"), 1)).tolist() == [[1, 1], [1, 0]]
    with pytest.raises(
        DataError, match=r"has symbols that the classifier was not trained on: 2. .* the symbols 1x"
    ):
        labels_for(part, Places(("1", "x"), 1))


def test_a_sequence_that_was_cut_off_stays_longer_than_any_reading() -> None:
    part = sequences(["123"], 2)
    assert labels_for(part, Places(DIGITS, 1)).tolist() == [[2, 1]]
    assert labels_for(part, Places(DIGITS, 3)).tolist() == [[4, 1, 2, -1]]


def test_kinds_do_not_mix() -> None:
    part = sequences(["1"], 1)
    with pytest.raises(
        DataError, match="the labels are sequences, but the classifier was trained on classes"
    ):
        labels_for(part, OneClass(DIGITS))
    digits = ImageSet(np.zeros((1, 8, 8, 1), np.uint8), np.array([3]), DIGITS, "digits")
    with pytest.raises(
        DataError, match="the labels are classes, but the classifier was trained on sequences"
    ):
        labels_for(digits, Places(DIGITS, 1))
    with pytest.raises(DataError, match="does not have labels"):
        labels_for(digits.unlabelled(slice(0, 1)), OneClass(DIGITS))
