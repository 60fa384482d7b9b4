"""`Ctc`: a sequence of symbols, read column by column: each column of the last maps says which symbol it shows.

Source: Graves, Fernández, Gomez and Schmidhuber, "Connectionist temporal classification: labelling unsegmented sequence
data with recurrent neural networks", ICML 2006.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.targets.sequences import (
    DIGITS,
    METRICS,
    MOST_PLACES,
    NOTHING,
    check_rows,
    text_of,
)

MOST_COLUMNS, MOST_BEAM = 1024, 100
_LEAST = 1e-30
"""Probabilities are at least this before logarithms are taken."""
_UNLIKELY = 1e-4
"""Symbols that a column shows with a smaller probability are not followed by the beam."""


@dataclass(frozen=True)
class Ctc:
    """Up to L symbols of an alphabet of K, read in T columns; labels are those of `sequences`.

    The outputs are K + 1 for each of the T columns: the symbols, and last the blank, which means that no symbol begins
    or goes on. Each column has a softmax of its own. Equal symbols in columns side by side are one; blanks separate
    equal symbols and are left out. The probability of a reading is the sum over all ways to write it into the columns.

    Attributes:
        classes: the symbols.
        places: L.
        columns: T, at least L.
        beam: 1 reads the most likely symbol of each column; otherwise this many beginnings are followed at the same
            time, and the reading with the highest probability among them wins.

    Raises:
        ValueError: a number is out of range.
    """

    classes: tuple[str, ...]
    places: int
    columns: int
    beam: int = 1
    word: ClassVar[str] = "ctc"
    loss: ClassVar[str] = "ctc"
    metrics: ClassVar[str] = METRICS

    def __post_init__(self) -> None:
        if not 1 <= self.places <= min(MOST_PLACES, self.columns) or self.columns > MOST_COLUMNS:
            raise ValueError(
                f"there are {self.places} places in {self.columns} columns, but must be 1 to {MOST_PLACES}, and at "
                "least as many columns"
            )
        if not 1 <= self.beam <= MOST_BEAM:
            raise ValueError(f"the beam is {self.beam}, but must be 1 to {MOST_BEAM}")

    @property
    def name(self) -> str:
        """Its name: ctc L T B."""
        return f"{self.word} {self.places} {self.columns} {self.beam}"

    @property
    def outputs(self) -> int:
        """The width of the output layer: T · (K + 1)."""
        return self.columns * (len(self.classes) + 1)

    @property
    def output_line(self) -> str:
        """The layer line of the output layer: ctc L T, with the number of symbols if it is not ten."""
        symbols = "" if len(self.classes) == len(DIGITS) else f" of {len(self.classes)}"
        beam = "" if self.beam == 1 else f" beam {self.beam}"
        return f"{self.word} {self.places} {self.columns}{symbols}{beam}"

    def check(self, labels: NDArray[Any], pictures: int, where: str) -> None:
        """Check labels; see `sequences.check_rows`.

        Raises:
            DataError: they are not (pictures, 1 + L) int64 of that form.
        """
        check_rows(labels, pictures, self.classes, self.places, where)

    def check_fit(self, labels: NDArray[np.int64], where: str) -> None:
        """Check that every label fits into the columns, with a blank between equal symbols side by side.

        Raises:
            DataError: one does not.
        """
        symbols = labels[:, 1:]
        doubled = ((symbols[:, 1:] == symbols[:, :-1]) & (symbols[:, 1:] != NOTHING)).sum(axis=1)
        needed = (symbols != NOTHING).sum(axis=1) + doubled
        if (needed > self.columns).any():
            at = int((needed > self.columns).argmax())
            raise DataError(
                f"{where}: label {at:,} (counted from 0), '{self.text(labels[at])}', needs {needed[at]} columns, but "
                f"the last maps have {self.columns}. Use less pooling, wider pictures, or 'numbers {self.places}'."
            )

    def shares(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the labels (N, 1 + L) themselves as floats: they cannot be averaged, see `training.losses`."""
        return labels.astype(np.float32)

    def probabilities(self, logits: NDArray[Any]) -> NDArray[Any]:
        """Return (N, outputs) for logits (N, outputs): each column sums to 1."""
        table = self.of_columns(logits)
        with np.errstate(invalid="ignore"):  # infinite logits do not have probabilities
            powers = np.exp(table - table.max(axis=2, keepdims=True))
            probabilities: NDArray[Any] = powers / powers.sum(axis=2, keepdims=True)
        return probabilities.reshape(len(logits), self.outputs)

    def of_columns(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return outputs (N, outputs) as (N, T, K + 1)."""
        return outputs.reshape(len(outputs), self.columns, len(self.classes) + 1)

    def decode(self, probabilities: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
        """Return readings as labels (N, 1 + L) with 1 to L symbols, and their probabilities (N,).

        A reading without a symbol is replaced by the most likely one with a single symbol; one that is longer than L is
        cut off.
        """
        table = self.of_columns(probabilities)
        if self.beam == 1:
            readings = self._greedy(table)
        else:
            found = [self._beam(picture) for picture in table.astype(np.float64)]
            readings = np.array(found, np.int64).reshape(len(table), 1 + self.places)
        return readings, np.exp(self.log_probability(probabilities, readings))

    def log_probability(
        self, probabilities: NDArray[np.floating], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the logarithm (N,) of the probability of each label, in nats, from probabilities (N, outputs).

        The sum over all ways to write it into the columns, by the forward recursion of Graves et al.; -inf if there is
        none, or if the label is longer than L.
        """
        table = np.log(np.maximum(self.of_columns(probabilities.astype(np.float64)), _LEAST))
        count, blank = len(labels), len(self.classes)
        # The states between which columns go on: blank, first symbol, blank, second symbol, …, blank.
        states = np.full((count, 2 * self.places + 1), blank)
        states[:, 1::2] = np.where(labels[:, 1:] == NOTHING, blank, labels[:, 1:])
        skips = np.zeros(states.shape, bool)  # from a symbol to another one, without a blank
        skips[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
        rows = np.arange(count)[:, None]
        forward = np.full(states.shape, -np.inf)
        forward[:, :2] = table[rows, 0, states[:, :2]]
        with np.errstate(invalid="ignore"):
            for column in range(1, self.columns):
                before = forward
                one = np.pad(before, ((0, 0), (1, 0)), constant_values=-np.inf)[:, :-1]
                two = np.pad(before, ((0, 0), (2, 0)), constant_values=-np.inf)[:, :-2]
                total = np.logaddexp(before, one)
                forward = np.where(skips, np.logaddexp(total, two), total) + table[rows, column, states]
            last = 2 * np.minimum(labels[:, 0], self.places)
            ends = np.arange(count)
            found = np.logaddexp(forward[ends, last], forward[ends, last - 1])
        return np.where(labels[:, 0] > self.places, -np.inf, found)  # whose other symbols are not known

    def parts(self, probabilities: NDArray[np.floating]) -> list[tuple[str, float]]:
        """Return the symbols of the reading of a picture, each with its highest probability in a column."""
        table = self.of_columns(probabilities[None])[0]
        reading = self.decode(probabilities[None])[0][0]
        parts, start = [], 0
        for place, symbol in enumerate(reading[1 : 1 + int(reading[0])].tolist(), start=1):
            left = int(reading[0]) - place
            stop = max(start + 1, self.columns - left)
            at = start + int(table[start:stop, symbol].argmax())
            parts.append((f"symbol {place}: {self.classes[symbol]}", float(table[at, symbol])))
            start = at + 1
        return parts

    def alternatives(self, probabilities: NDArray[np.floating], count: int) -> list[tuple[str, float]]:
        """Return the reading of a picture, then the most likely other ones; see `SequenceTarget`.

        The others are found by a beam search that follows twice as many beginnings, so a likely one can be missed.
        """
        reading, sure = self.decode(probabilities[None])
        found = [(self.text(reading[0]), float(sure[0]))]
        if count == 1:
            return found
        table = self.of_columns(probabilities[None])[0].astype(np.float64)
        prefixes = self._prefixes(table, max(self.beam, 2 * count))
        others = np.full((len(prefixes), 1 + self.places), NOTHING, np.int64)
        for row, symbols in zip(others, prefixes, strict=True):
            row[0], row[1 : 1 + len(symbols)] = len(symbols), symbols
        others = others[(others != reading).any(axis=1)]
        chances = np.exp(self.log_probability(np.repeat(probabilities[None], len(others), axis=0), others))
        order = np.argsort(-chances, kind="stable")[: count - 1]
        return found + [(self.text(others[at]), float(chances[at])) for at in order]

    def text(self, answer: NDArray[np.int64] | np.int64) -> str:
        """Return a reading or a label as text."""
        return text_of(np.asarray(answer), self.classes)

    def _greedy(self, table: NDArray[np.floating]) -> NDArray[np.int64]:
        """Return the readings of the most likely symbol of each column, from (N, T, K + 1)."""
        blank = len(self.classes)
        best = table.argmax(axis=2)  # (N, T)
        changed = np.concatenate([np.ones((len(best), 1), bool), best[:, 1:] != best[:, :-1]], axis=1)
        begins = changed & (best != blank)
        places = begins.cumsum(axis=1)
        readings = np.full((len(table), 1 + self.places), NOTHING, np.int64)
        rows, columns = np.nonzero(begins & (places <= self.places))
        readings[rows, places[rows, columns]] = best[rows, columns]
        readings[:, 0] = np.minimum(places[:, -1], self.places)
        empty = np.flatnonzero(readings[:, 0] == 0)
        readings[empty, 0], readings[empty, 1] = 1, table[empty, :, :blank].max(axis=1).argmax(axis=1)
        return readings

    def _beam(self, table: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the reading (1 + L,) of one picture (T, K + 1), by prefix beam search."""
        readings = self._prefixes(table, self.beam)
        chosen = readings[0] if readings else (int(table[:, :-1].max(axis=0).argmax()),)
        reading = np.full(1 + self.places, NOTHING, np.int64)
        reading[0], reading[1 : 1 + len(chosen)] = len(chosen), chosen
        return reading

    def _prefixes(self, table: NDArray[np.float64], beam: int) -> list[tuple[int, ...]]:
        """Return the symbols of up to `beam` readings of one picture (T, K + 1), the most likely first.

        Every beginning of a reading has two probabilities: of all ways that end in a blank, and in its last symbol.
        Source: Hannun, Maas, Jurafsky and Ng, "First-pass large vocabulary continuous speech recognition using
        bi-directional recurrent DNNs", 2014, without a language model.
        """
        blank = len(self.classes)
        beams: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}
        for column in table:
            likely = [symbol for symbol in range(blank) if column[symbol] > _UNLIKELY]
            found: defaultdict[tuple[int, ...], list[float]] = defaultdict(lambda: [0.0, 0.0])
            for prefix, (with_blank, with_symbol) in beams.items():
                both = with_blank + with_symbol
                found[prefix][0] += both * column[blank]
                if prefix:
                    found[prefix][1] += with_symbol * column[prefix[-1]]
                if len(prefix) == self.places:
                    continue
                for symbol in likely:
                    before = with_blank if prefix and symbol == prefix[-1] else both
                    found[*prefix, symbol][1] += before * column[symbol]
            best = sorted(found.items(), key=lambda item: (-sum(item[1]), item[0]))[:beam]
            total = math.fsum(sum(pair) for _, pair in best) or 1.0  # so that long sequences do not vanish
            beams = {prefix: (pair[0] / total, pair[1] / total) for prefix, pair in best}
        return [prefix for prefix in beams if prefix]
