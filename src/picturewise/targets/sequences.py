"""Labels that are sequences of symbols, such as house numbers: what all targets of this kind share.

The label of a picture is a row of 1 + L int64: the number of symbols, then the symbols as positions in the alphabet,
and -1 for each place behind the last symbol. A sequence that is longer than L has the length L + 1, and those of its
first L symbols that are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.targets.target import Target

METRICS = "sequences"
"""The name of the metrics of these targets."""
NOTHING, MISSING = -1, -2
"""What stands in a label for each place behind the last symbol, and for a symbol that is not in the alphabet."""
DIGITS = tuple("0123456789")
MOST_PLACES = 64


def labels_of(texts: Sequence[str], alphabet: tuple[str, ...], places: int, where: str) -> NDArray[np.int64]:
    """Return the labels (N, 1 + places) of texts.

    Args:
        texts: one for each picture; each has at least one symbol.
        alphabet: the symbols, each a single character.
        places: L, the most symbols that are kept.
        where: what to call the texts in an error.

    Raises:
        DataError: a text is empty, or has a symbol that is not in the alphabet.

    >>> labels_of(["07", "123"], DIGITS, 2, "the labels").tolist()
    [[2, 0, 7], [3, 1, 2]]
    """
    positions = {symbol: position for position, symbol in enumerate(alphabet)}
    labels = np.full((len(texts), 1 + places), NOTHING, np.int64)
    for at, text in enumerate(texts):
        if not text:
            raise DataError(
                f"{where}: label {at:,} (counted from 0) is empty. Each picture needs at least one symbol."
            )
        if strange := [symbol for symbol in text if symbol not in positions]:
            raise DataError(
                f"{where}: label {at:,} (counted from 0), '{printable(text[:60])}', contains "
                f"'{printable(strange[0])}'. Use only the symbols {printable(''.join(alphabet))}."
            )
        labels[at, 0] = min(len(text), places + 1)
        seen = text[:places]
        labels[at, 1 : 1 + len(seen)] = [positions[symbol] for symbol in seen]
    return labels


def text_of(label: NDArray[np.int64], alphabet: tuple[str, ...]) -> str:
    """Return a label (1 + L,) as text; one that is longer than L ends with an ellipsis.

    >>> text_of(np.array([2, 0, 7, -1]), DIGITS), text_of(np.array([3, 1, 2]), DIGITS)
    ('07', '12…')
    """
    length, symbols = int(label[0]), label[1:]
    shown = "".join(alphabet[int(symbol)] for symbol in symbols[:length])
    return shown + "…" if length > len(symbols) else shown


def check_rows(
    labels: NDArray[Any], pictures: int, alphabet: tuple[str, ...], places: int, where: str
) -> None:
    """Check that labels (N, 1 + places) int64 are of the form that this module describes.

    Raises:
        DataError: they are not.
    """
    if (
        not isinstance(labels, np.ndarray)
        or labels.shape != (pictures, 1 + places)
        or labels.dtype != np.int64
    ):
        found = (
            f"shape {labels.shape} and dtype {labels.dtype}"
            if isinstance(labels, np.ndarray)
            else f"type {type(labels).__name__}"
        )
        raise DataError(
            f"{where}: the labels have {found}. Pass an int64 array of shape ({pictures}, {1 + places}): the number of "
            "symbols, then the symbols."
        )
    lengths, symbols = labels[:, 0], labels[:, 1:]
    there = (symbols >= 0) & (symbols < len(alphabet))
    good = (lengths >= 1) & (lengths <= places + 1) & (there | (symbols == NOTHING)).all(axis=1)
    known = there.cumprod(axis=1).sum(axis=1)  # symbols before the first place without one
    good &= (known == there.sum(axis=1)) & ((known == lengths) | (lengths == places + 1))
    if not good.all():
        at = int(np.argmin(good))
        raise DataError(
            f"{where}: label {at:,} (counted from 0) is {labels[at].tolist()}. Expected a length from 1 to "
            f"{places + 1}, that many symbols from 0 to {len(alphabet) - 1}, and {NOTHING} for each place behind them."
        )


def same(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for labels (N, 1 + L) and readings (N, 1 + L) whether they agree in length and in every symbol.

    A label that is longer than L is never read: nothing says what its last symbols are.
    """
    equal: NDArray[np.bool_] = (first == second).all(axis=1) & (first[:, 0] < first.shape[1])
    return equal


class SequenceTarget(Target, Protocol):
    """A target whose labels are of the form that this module describes."""

    @property
    def places(self) -> int:
        """L."""

    def log_probability(
        self, probabilities: NDArray[np.floating], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the logarithm (N,) of the probability of each label, from probabilities (N, outputs)."""

    def parts(self, probabilities: NDArray[np.floating]) -> list[tuple[str, float]]:
        """Return the parts of the most likely reading of a picture, as words, with the probability of each.

        Args:
            probabilities: (outputs,) of the picture.
        """

    def alternatives(self, probabilities: NDArray[np.floating], count: int) -> list[tuple[str, float]]:
        """Return readings of a picture and the probability of each: that of `decode`, then the most likely others.

        Args:
            probabilities: (outputs,) of the picture.
            count: at most so many.
        """


def is_sequences(target: Target) -> TypeGuard[SequenceTarget]:
    """Return whether labels of a target are sequences of symbols."""
    return target.metrics == METRICS


def places_of(target: Target) -> int | None:
    """Return L; None: labels are not sequences."""
    return target.places if is_sequences(target) else None


def fitted(
    labels: NDArray[np.int64], own: tuple[str, ...], alphabet: tuple[str, ...], places: int, where: str
) -> NDArray[np.int64]:
    """Return labels (N, 1 + L) for another alphabet and another number of places, (N, 1 + places).

    Labels whose last symbols are not known stay longer than they can be; so do those with more symbols than `places`.

    Args:
        labels: with symbols of `own`.
        own: their alphabet.
        alphabet: the other one.
        places: L of the result.
        where: what to call the labels in an error.

    Raises:
        DataError: a symbol that occurs is not in the other alphabet.
    """
    lengths, symbols = labels[:, 0], labels[:, 1:]
    positions = {symbol: position for position, symbol in enumerate(alphabet)}
    lookup = np.array([*(positions.get(symbol, MISSING) for symbol in own), NOTHING], np.int64)
    numbers = lookup[symbols]
    if (strange := numbers == MISSING).any():
        at, place = np.argwhere(strange)[0].tolist()
        raise DataError(
            f"{where}: label {at:,} (counted from 0), '{printable(text_of(labels[at], own))}', contains "
            f"'{printable(own[symbols[at, place]])}'. Only the symbols {printable(''.join(alphabet))} are known."
        )
    most = symbols.shape[1]
    found = np.full((len(labels), 1 + places), NOTHING, np.int64)
    found[:, 1 : 1 + min(most, places)] = numbers[:, :places]
    found[:, 0] = np.where(lengths > most, places + 1, np.minimum(lengths, places + 1))
    return found
