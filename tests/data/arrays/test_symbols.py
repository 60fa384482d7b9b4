from __future__ import annotations

import pickle

import numpy as np
import pytest

from picturewise.data.arrays.symbols import (
    MANY_NUMBERS,
    OPTIONS,
    Symbols,
    find_symbols,
    lost_zeros,
    refuse_if_ambiguous,
    symbols_of,
)
from picturewise.errors import DataError
from picturewise.targets.one_class import OneClass
from picturewise.targets.places import Places
from picturewise.targets.sequences import DIGITS


def test_digits_are_the_alphabet_even_if_some_do_not_occur() -> None:
    assert find_symbols(["7", "07"], "the labels") == Symbols(DIGITS, 2)


def test_other_symbols_are_those_of_train_in_natural_order() -> None:
    assert find_symbols(["B2", "a10", "b1"], "the labels") == Symbols(("0", "1", "2", "a", "B", "b"), 3)


def test_leading_zeros_are_symbols() -> None:
    labels = Symbols(DIGITS, 3).labels(["07", "7", "007"], "the labels")
    assert labels.tolist() == [[2, 0, 7, -1], [1, 7, -1, -1], [3, 0, 0, 7]]


def test_a_number_that_is_longer_than_those_of_train_is_noted_and_never_read() -> None:
    symbols = Symbols(DIGITS, 2)
    assert symbols.labels(["123"], "test").tolist() == [[3, 1, 2]]
    assert symbols.notes(["123", "12"], "test") == (
        "test: 1 number has more than 2 symbols, the most in train, so they cannot be read correctly.",
    )
    assert symbols.notes(["12"], "test") == ()


def test_the_target_survives_pickling() -> None:
    make = pickle.loads(pickle.dumps(Symbols(DIGITS, 4).make_target))
    assert make(DIGITS) == Places(DIGITS, 4)
    assert symbols_of(make(DIGITS)) == Symbols(DIGITS, 4)
    assert symbols_of(OneClass(DIGITS)) is None


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["1", ""], r"the labels: the label '' of b.png is empty. Each picture needs a symbol."),
        (["1", "2" * 65], r"the label '2{60}' of b.png has 65 symbols, but at most 64 are allowed."),
        (["1", "2 3"], r"the label '2 3' of b.png contains a space"),
        (["1", "2\n"], r"of b.png contains a space or a control character"),
        (
            ["1.0", "27.0"],
            r"were saved with a decimal point, such as 1.0, so leading zeros are lost: save them as text",
        ),
    ],
)
def test_texts_that_are_not_sequences_are_refused(texts: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        find_symbols(texts, "the labels", ["a.png", "b.png"])


def test_numbers_among_which_a_few_are_classes_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"mixes numbers and classes: label 20 \(counted from 0\), 'unreadable', is not"
    ):
        find_symbols([str(number) for number in range(20)] + ["unreadable"], "the labels")


def test_codes_of_letters_and_digits_are_not_mixed() -> None:
    assert len(find_symbols(["AB12", "XYZ", "777", "12A"], "the labels").alphabet) == 8


def test_a_symbol_that_train_does_not_have_is_refused() -> None:
    said = r"test: the label '1x' of a.png contains 'x', which is not among the symbols of train or the classifier, 01"
    with pytest.raises(DataError, match=said):
        Symbols(DIGITS, 2).labels(["1x"], "test", ["a.png"])


def test_too_many_symbols_are_free_text() -> None:
    with pytest.raises(DataError, match="contains 1,001 different symbols, but at most 1,000"):
        find_symbols([chr(0x4E00 + number) for number in range(1001)], "the labels")


def test_many_strings_of_digits_of_different_lengths_are_ambiguous() -> None:
    numbers = [str(number) for number in range(MANY_NUMBERS + 1)]
    with pytest.raises(
        DataError, match=r"contains 201 different strings of digits: pass --target sequence .* --target class"
    ):
        refuse_if_ambiguous(numbers, "a.csv", options=OPTIONS)


@pytest.mark.parametrize(
    "values",
    [
        [str(number) for number in range(MANY_NUMBERS)],
        [f"{number:04d}" for number in range(1000)],  # classes can have such numbers
        [*(str(number) for number in range(1000)), "cat"],
    ],
)
def test_other_labels_may_be_classes(values: list[str]) -> None:
    refuse_if_ambiguous(values, "a.csv", options=OPTIONS)


def test_zeros_are_lost_if_a_fixed_width_betrays_it() -> None:
    codes = [f"{number:04d}" for number in np.random.default_rng(0).integers(0, 10_000, 500)]
    assert lost_zeros(codes, "a.csv") == ()
    (note,) = lost_zeros([str(int(code)) for code in codes], "a.csv")
    assert "have 4 digits, and none begins with 0. If all have 4 digits," in note


@pytest.mark.parametrize(
    "numbers",
    [
        [str(number) for number in range(1, 300)],
        ["1", "23", "456"],
        ["12"] * 95 + ["1"] * 5,
        ["A123"] * 95 + ["A12"] * 5,
        ["1234"] * 100,
    ],
)
def test_numbers_without_a_fixed_width_do_not_have_a_note(numbers: list[str]) -> None:
    assert lost_zeros(numbers, "a.csv") == ()
