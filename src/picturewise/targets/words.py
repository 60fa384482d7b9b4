"""What answers are called in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from picturewise.targets.sequences import is_sequences
from picturewise.targets.target import Target


class Nouns(NamedTuple):
    """The words for sequences of an alphabet.

    Attributes:
        whole: for one of them.
        symbol: for a part of it.
    """

    whole: str
    symbol: str


def nouns(alphabet: Sequence[str]) -> Nouns:
    """Return what sequences of the symbols of an alphabet are called.

    >>> nouns(["0", "1"]), nouns(["0", "A"])
    (Nouns(whole='number', symbol='digit'), Nouns(whole='sequence', symbol='symbol'))
    """
    digits = all(symbol.isdecimal() for symbol in alphabet)
    return Nouns("number", "digit") if digits else Nouns("sequence", "symbol")


def accuracy_name(words: Nouns | None) -> str:
    """Return what the share of correct answers is called; None: they are classes.

    >>> accuracy_name(None), accuracy_name(nouns("01"))
    ('accuracy', 'whole-number accuracy')
    """
    return "accuracy" if words is None else f"whole-{words.whole} accuracy"


def unit_of(target: Target) -> str:
    """Return what `ImageSet.counts` counts: 'pictures', or 'digits' and 'symbols' of sequences."""
    return f"{nouns(target.classes).symbol}s" if is_sequences(target) else "pictures"


def describe(target: Target) -> str:
    """Return what the answers to pictures are, in a few words.

    >>> from picturewise.targets import OneClass, Places
    >>> describe(OneClass(("cat", "dog"))), describe(Places(("0", "1"), 5)), describe(Places(("0", "A"), 1))
    ('2 classes', 'numbers of up to 5 digits', 'sequences of up to 1 symbol of 2')
    """
    if not is_sequences(target):
        return f"{len(target.classes)} classes"
    return describe_sequences(target.classes, target.places)


def describe_sequences(alphabet: Sequence[str], places: int) -> str:
    """Return what sequences of up to `places` symbols of an alphabet are, in a few words."""
    words = nouns(alphabet)
    several = f" of {len(alphabet)}" if words.symbol == "symbol" else ""
    return f"{words.whole}s of up to {places} {words.symbol}{'s' * (places > 1)}{several}"
