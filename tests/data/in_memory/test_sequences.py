"""Arrays with lists of strings that are read symbol by symbol."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import picturewise
from picturewise.data.arrays.symbols import Symbols
from picturewise.data.read import read
from picturewise.data.read_options import AsItIs
from picturewise.data.recognise import recognise
from picturewise.errors import DataError
from picturewise.targets.places import Places
from picturewise.targets.sequences import DIGITS

NUMBERS = ["07", "123", "7", "99"] * 5


def pictures(count: int = len(NUMBERS), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 16, 1), dtype=np.uint8)


def test_a_list_of_strings() -> None:
    dataset = picturewise.make_dataset((pictures(), NUMBERS), target="sequence")
    train = dataset.split("train")
    assert train.target == Places(DIGITS, 3)
    whole = {train.target.text(label) for part in dataset.splits().values() for label in part.required_labels}
    assert whole == set(NUMBERS)
    assert any("held out, length by length" in note for note in dataset.notes)


def test_an_array_of_strings_and_pairs() -> None:
    images = pictures()
    wanted = picturewise.make_dataset((images, NUMBERS), target="sequence")
    for data in ((images, np.array(NUMBERS)), list(zip(images, NUMBERS, strict=True))):
        found = picturewise.make_dataset(data, target="sequence")
        assert found.split("train").fingerprint == wanted.split("train").fingerprint


def test_each_split_has_the_symbols_and_places_of_train() -> None:
    dataset = picturewise.make_dataset(
        (pictures(), NUMBERS), test=(pictures(2, 1), ["1234", "0"]), target="sequence"
    )
    assert dataset.split("test").required_labels.tolist() == [[4, 1, 2, 3], [1, 0, -1, -1]]
    assert any("1 number has more than 3 symbols" in note for note in dataset.notes)
    with pytest.raises(DataError, match=r"The labels of pictures \(test\): label 0 .*, '1a', contains 'a'"):
        picturewise.make_dataset((pictures(), NUMBERS), test=(pictures(1), ["1a"]), target="sequence")


def test_without_a_target_they_are_classes_unless_there_are_too_many() -> None:
    assert picturewise.make_dataset((pictures(), NUMBERS)).classes == ("07", "7", "99", "123")
    many = [str(number) for number in range(220)] * 3
    with pytest.raises(
        DataError, match=r"220 different strings of digits: pass target='sequence' .* target='class'"
    ):
        picturewise.make_dataset((pictures(660), many))
    assert len(picturewise.make_dataset((pictures(660), many), target="class").classes) == 220


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ([7, 123] * 10, r"the labels are of type int64, which has no leading zeros. Pass a list of strings"),
        ([*NUMBERS[1:], ""], r"label 19 \(counted from 0\), '', is empty"),
        ([*NUMBERS[1:], "1 2"], "contains a space"),
        (NUMBERS[1:], "19 labels for 20 pictures"),
        ([*NUMBERS[1:], "illegible"], "mixes numbers and classes"),
        ([*NUMBERS[1:], 5], "neither all numbers nor all strings"),
    ],
)
def test_other_labels_are_refused(labels: list[Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        picturewise.make_dataset((pictures(), labels), target="sequence")


def test_numbers_without_a_label_can_be_left_out() -> None:
    data = {"train": (pictures(), [*NUMBERS[1:], ""])}
    source = recognise(data, sequences=True)
    part = read(source, AsItIs(skip_bad=True)).split("train")
    assert len(part) == 19


def test_sequences_and_classes_do_not_mix() -> None:
    numbers = picturewise.make_dataset((pictures(), NUMBERS), target="sequence").split("train")
    digits = picturewise.ImageSet(pictures(2), np.array([0, 1]), DIGITS, "made by a test")
    with pytest.raises(DataError, match=r"differ in kind \(sequences, numbers 3 and classes\)"):
        picturewise.make_dataset(numbers, test=digits)


def test_a_classifier_knows_that_they_are_sequences() -> None:
    source = recognise((pictures(2), ["1", "123"]), sequences=True)
    part = read(source, AsItIs(symbols=Symbols(DIGITS, 2)), ["train"]).split("train")
    assert part.required_labels.tolist() == [[1, 1, -1], [3, 1, 2]]


def test_known_symbols_may_be_passed_as_classes() -> None:
    dataset = picturewise.make_dataset((pictures(), NUMBERS), classes=[*"0123456789A"], target="sequence")
    assert dataset.classes == (*DIGITS, "A")
    with pytest.raises(DataError, match="Sequences need single characters"):
        picturewise.make_dataset((pictures(), NUMBERS), classes=["10", "2"], target="sequence")
