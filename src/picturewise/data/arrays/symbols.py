"""Labels that are sequences of symbols: from texts such as "07" to rows of numbers; see `targets.sequences`."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.names import natural_order
from picturewise.printable import printable
from picturewise.targets.places import Places
from picturewise.targets.sequences import DIGITS, MOST_PLACES, labels_of
from picturewise.targets.target import Target

MOST_SYMBOLS = 1000
MANY_NUMBERS = 200
"""More different strings of digits than this, of different lengths, are hardly classes."""
_DIGITS = re.compile(r"[0-9]+")
_FLOAT = re.compile(r"[0-9]+\.0*")
_MOSTLY = 0.9  # share
_FULL = 0.85  # share of random numbers of one width that keep all their digits: 0.9, with a margin for chance
_SHOWN = 60  # characters


@dataclass(frozen=True)
class Symbols:
    """What train or a classifier decides about sequences.

    Attributes:
        alphabet: the symbols, each a single character.
        places: L, the length of the longest sequence.
    """

    alphabet: tuple[str, ...] = DIGITS
    places: int = 1

    @property
    def make_target(self) -> Callable[[tuple[str, ...]], Places]:
        """Returns the meaning of labels with these symbols from an alphabet, see `ImageSet`."""
        return functools.partial(Places, places=self.places)

    def labels(
        self, texts: Sequence[str], where: str, names: Sequence[str] | None = None
    ) -> NDArray[np.int64]:
        """Return the labels (N, 1 + L) of texts; a text that is longer than L gets the length L + 1.

        Args:
            texts: one for each picture.
            where: what to call them in an error.
            names: of the pictures; None: they are counted.

        Raises:
            DataError: a text is empty, longer than any network can read, or has a symbol that is not in the alphabet.
        """
        _check(texts, where, names)
        known = set(self.alphabet)
        for at, text in enumerate(texts):
            if strange := [symbol for symbol in text if symbol not in known]:
                raise DataError(
                    f"{where}: {_called(texts, at, names)} contains '{printable(strange[0])}', which is not among the "
                    f"symbols of train or the classifier, {printable(''.join(self.alphabet[:_SHOWN]))}."
                )
        return labels_of(texts, self.alphabet, self.places, where)

    def notes(self, texts: Sequence[str], where: str) -> tuple[str, ...]:
        """Return a note if some texts are longer than L."""
        longer = sum(len(text) > self.places for text in texts)
        if not longer:
            return ()
        which = f"{longer:,} numbers have" if longer > 1 else "1 number has"
        note = f"{where}: {which} more than {self.places} symbols, the most in train, so they cannot be read correctly."
        return (note,)


def symbols_of(target: Target) -> Symbols | None:
    """Return the symbols and places of a classifier's target; None: it does not read sequences."""
    return Symbols(target.classes, target.places) if isinstance(target, Places) else None


def find_symbols(texts: Sequence[str], where: str, names: Sequence[str] | None = None) -> Symbols:
    """Return what the texts of train decide: the digits, or else their own characters in natural order; and L.

    Args:
        texts: one for each picture of train.
        where: what to call them in an error.
        names: of the pictures; None: they are counted.

    Raises:
        DataError: a text is empty or too long, a character is not a symbol, there are too many, or the texts are
            partly numbers, partly words, or numbers with a decimal point.

    >>> find_symbols(["07", "123"], "the labels").places, find_symbols(["b2", "a10"], "the labels").alphabet
    (3, ('0', '1', '2', 'a', 'b'))
    """
    _check(texts, where, names)
    if not texts:
        raise DataError(f"{where} does not contain any label. Pass one for each picture.")
    numbers = [_DIGITS.fullmatch(text) is not None for text in texts]
    if all(map(_FLOAT.fullmatch, texts)):
        raise DataError(
            f"{where}: the numbers were saved with a decimal point, such as {texts[0]}, so leading zeros are lost: "
            "save them as text."
        )
    words = [at for at, text in enumerate(texts) if len(text) > 2 and not any(map(str.isdigit, text))]
    if words and sum(numbers) + len(words) == len(texts) and sum(numbers) >= _MOSTLY * len(texts):
        raise DataError(
            f"{where} mixes numbers and classes: {_called(texts, words[0], names)} is not a number. Remove such "
            "pictures, or pass --target class."
        )
    found = set().union(*texts)
    alphabet = DIGITS if found <= set(DIGITS) else tuple(sorted(found, key=natural_order))
    if len(alphabet) > MOST_SYMBOLS:
        raise DataError(
            f"{where} contains {len(alphabet):,} different symbols, but at most {MOST_SYMBOLS:,} are allowed. Check "
            "that the labels are numbers or codes, not free text."
        )
    return Symbols(alphabet, max(map(len, texts)))


def refuse_if_ambiguous(values: Collection[str], where: str, *, options: tuple[str, str]) -> None:
    """Refuse labels that could be classes or sequences: many strings of digits of different lengths.

    Args:
        values: the different labels.
        where: what to call them in an error.
        options: how the user says that they are sequences, and how that they are classes.

    Raises:
        DataError: they are ambiguous.
    """
    if len(values) > MANY_NUMBERS and len(set(map(len, values))) > 1 and all(map(_DIGITS.fullmatch, values)):
        raise DataError(
            f"{where} contains {len(values):,} different strings of digits: pass {options[0]} to read them digit by "
            f"digit, or {options[1]} if each is a class."
        )


OPTIONS = ("--target sequence", "--target class")
KEYWORDS = ("target='sequence'", "target='class'")


def lost_zeros(texts: Sequence[str], where: str) -> tuple[str, ...]:
    """Return a note if numbers of one fixed width have probably lost their leading zeros.

    Most have the largest width, a few are shorter, and none begins with a zero, as if a program had read them as
    integers: one in ten random numbers of one width begins with a zero. House numbers and amounts mostly have several
    widths.

    >>> lost_zeros(["1234"] * 19 + ["56"], "the labels") != (), lost_zeros(["1234"] * 19 + ["0056"], "the labels")
    (True, ())
    """
    lengths = Counter(map(len, texts))
    width = max(lengths, default=0)
    shorter = len(texts) - lengths[width]
    if (
        width < 3
        or not shorter
        or lengths[width] < _FULL * len(texts)
        or not all(map(_DIGITS.fullmatch, texts))
        or any(text[0] == "0" for text in texts)
    ):
        return ()
    example = next(text for text in texts if len(text) < width)
    note = (
        f"{where}: {lengths[width]:,} of {len(texts):,} numbers have {width} digits, and none begins with 0. If all "
        f"have {width} digits, {example} has lost its zeros: save the numbers as text."
    )
    return (note,)


def _check(texts: Sequence[str], where: str, names: Sequence[str] | None) -> None:
    for at, text in enumerate(texts):
        if not text:
            raise DataError(f"{where}: {_called(texts, at, names)} is empty. Each picture needs a symbol.")
        if len(text) > MOST_PLACES:
            raise DataError(
                f"{where}: {_called(texts, at, names)} has {len(text):,} symbols, but at most {MOST_PLACES} are "
                "allowed."
            )
        if any(symbol.isspace() or not symbol.isprintable() for symbol in text):
            raise DataError(
                f"{where}: {_called(texts, at, names)} contains a space or a control character. Remove it."
            )


def _called(texts: Sequence[str], at: int, names: Sequence[str] | None) -> str:
    """Return what to call a text in an error."""
    quoted = f"'{printable(texts[at][:_SHOWN])}'"
    return (
        f"label {at:,} (counted from 0), {quoted}," if names is None else f"the label {quoted} of {names[at]}"
    )
