"""Labels of sequences, checked one symbol at a time."""

from __future__ import annotations

import numpy as np
import pytest

from picturewise.errors import DataError
from picturewise.targets import OneClass, Places
from picturewise.targets.sequences import (
    DIGITS,
    check_rows,
    fitted,
    is_sequences,
    labels_of,
    places_of,
    same,
    text_of,
)

LETTERS = ("a", "b", "c")


def texts(count: int, longest: int, alphabet: tuple[str, ...], seed: int = 0) -> list[str]:
    random = np.random.default_rng(seed)
    return ["".join(random.choice(alphabet, random.integers(1, longest + 1))) for _ in range(count)]


def one_label(text: str, alphabet: tuple[str, ...], places: int) -> list[int]:
    """What a label must be, written out."""
    symbols = [alphabet.index(symbol) for symbol in text[:places]]
    return [min(len(text), places + 1), *symbols, *[-1] * (places - len(symbols))]


@pytest.mark.parametrize("places", [1, 3, 6])
def test_labels_are_a_length_and_symbols(places: int) -> None:
    written = texts(200, 6, DIGITS)
    labels = labels_of(written, DIGITS, places, "here")
    assert labels.dtype == np.int64
    assert labels.tolist() == [one_label(text, DIGITS, places) for text in written]
    check_rows(labels, 200, DIGITS, places, "here")
    shown = [text_of(label, DIGITS) for label in labels]
    assert shown == [text if len(text) <= places else text[:places] + "…" for text in written]


def test_leading_zeros_stay() -> None:
    assert text_of(labels_of(["007"], DIGITS, 4, "here")[0], DIGITS) == "007"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "here: label 1 (counted from 0) is empty. Each picture needs at least one symbol."),
        ("4x", "here: label 1 (counted from 0), '4x', contains 'x'. Use only the symbols 0123456789."),
        ("-1", "here: label 1 (counted from 0), '-1', contains '-'. Use only the symbols 0123456789."),
        ("٣", "contains '٣'"),
        ("1\u202e", r"contains '\u202e'"),
    ],
)
def test_empty_texts_and_strange_symbols_are_refused(text: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        labels_of(["12", text], DIGITS, 3, "here")
    assert said in str(caught.value)


def test_a_long_strange_text_is_cut_in_the_message() -> None:
    with pytest.raises(DataError) as caught:
        labels_of(["x" * 1_000_000], DIGITS, 3, "here")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "row",
    [
        [0, -1, -1],  # no symbol
        [4, 0, 1],  # longer than the longest length
        [-1, 0, 1],
        [2, 0, -1],  # a symbol is missing
        [1, 0, 1],  # a symbol too many
        [1, -1, 0],  # a gap
        [2, 0, 3],  # beyond the alphabet
        [2, 0, -2],
        [2, -3, 1],
        [3, -1, 1],
    ],
)
def test_rows_that_mean_nothing_are_refused(row: list[int]) -> None:
    good = [[1, 2, -1], [2, 0, 1], [3, 0, 1], [3, 0, -1], [3, -1, -1]]  # the last three are longer than two
    check_rows(np.array(good), 5, LETTERS, 2, "here")
    with pytest.raises(
        DataError, match=r"here: label 5 \(counted from 0\) is .* Expected a length from 1 to 3"
    ):
        check_rows(np.array([*good, row]), 6, LETTERS, 2, "here")


@pytest.mark.parametrize(
    "labels", [[[1, 0, -1]], np.zeros((1, 2), np.int64), np.ones((1, 3), np.int32), np.ones((2, 3), np.int64)]
)
def test_other_forms_are_refused(labels: object) -> None:
    with pytest.raises(DataError, match=r"Pass an int64 array of shape \(1, 3\)"):
        check_rows(labels, 1, LETTERS, 2, "here")


def test_labels_equal_readings_if_length_and_all_symbols_do() -> None:
    written, read = texts(300, 3, ("a", "b"), 1), texts(300, 3, ("a", "b"), 2)
    labels, readings = (labels_of(part, LETTERS, 2, "here") for part in (written, read))
    readings[:, 0] = np.minimum(readings[:, 0], 2)  # as a target decodes
    expected = [len(text) <= 2 and text == other[:2] for text, other in zip(written, read, strict=True)]
    assert same(labels, readings).tolist() == expected
    assert 0 < sum(expected) < 300


@pytest.mark.parametrize("places", [1, 2, 4, 7])
def test_labels_fit_another_alphabet_and_other_places(places: int) -> None:
    written = texts(200, 6, LETTERS, 3)
    other = ("c", "z", "b", "a")
    labels = labels_of(written, LETTERS, 4, "here")
    found = fitted(labels, LETTERS, other, places, "here")
    for text, row in zip(written, found.tolist(), strict=True):
        known = text[:4]  # what the labels kept
        symbols = [other.index(symbol) for symbol in known[:places]]
        length = places + 1 if len(text) > min(4, places) else len(text)
        assert row == [length, *symbols, *[-1] * (places - len(symbols))]
    check_rows(found, 200, other, places, "here")


def test_symbols_that_the_other_alphabet_lacks_are_named_if_they_occur() -> None:
    labels = labels_of(["ab", "ba"], LETTERS, 3, "here")
    assert fitted(labels, LETTERS, ("b", "a"), 3, "here").tolist() == [[2, 1, 0, -1], [2, 0, 1, -1]]
    with pytest.raises(DataError) as caught:
        fitted(labels_of(["ab", "bc"], LETTERS, 3, "here"), LETTERS, ("a", "b"), 3, "here")
    assert str(caught.value) == (
        "here: label 1 (counted from 0), 'bc', contains 'c'. Only the symbols ab are known."
    )


def test_only_sequences_have_places() -> None:
    assert [is_sequences(one) for one in (OneClass(LETTERS), Places(LETTERS, 3))] == [False, True]
    assert [places_of(one) for one in (OneClass(LETTERS), Places(LETTERS, 3))] == [None, 3]
