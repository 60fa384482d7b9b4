"""The words for answers."""

from picturewise.targets import OneClass, Places
from picturewise.targets.words import accuracy_name, describe, nouns, unit_of


def test_sequences_of_digits_are_numbers() -> None:
    digits, letters = Places(("0", "1"), 5), Places(("0", "x"), 2)
    assert [describe(one) for one in (OneClass(("cat", "dog")), digits, letters)] == [
        "2 classes",
        "numbers of up to 5 digits",
        "sequences of up to 2 symbols of 2",
    ]
    assert [unit_of(one) for one in (OneClass(("1", "2")), digits, letters)] == [
        "pictures",
        "digits",
        "symbols",
    ]
    names = (accuracy_name(words) for words in (None, nouns("01"), nouns("ab")))
    assert list(names) == ["accuracy", "whole-number accuracy", "whole-sequence accuracy"]
