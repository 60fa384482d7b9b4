"""`Places`: a sequence of symbols, read by one output for its length and one for each place.

Source: Goodfellow, Bulatov, Ibarz, Arnoud and Shet, "Multi-digit number recognition from street view imagery using deep
convolutional neural networks", ICLR 2014.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from picturewise.targets.likeliest import likeliest
from picturewise.targets.sequences import DIGITS, METRICS, MOST_PLACES, NOTHING, check_rows, text_of

_LEAST = 1e-30
"""Probabilities are at least this before logarithms are taken."""


@dataclass(frozen=True)
class Places:
    """Up to L symbols of an alphabet of K; labels are those of `sequences`.

    The outputs are L + 2 for the length (0, 1, …, L, more), then K for each of the L places. Each of these groups has a
    softmax of its own. The probability of a reading is the product of that of its length and of those of its symbols;
    places behind the last symbol do not matter.

    Attributes:
        classes: the symbols.
        places: L.

    Raises:
        ValueError: L is not in 1..64.
    """

    classes: tuple[str, ...]
    places: int
    word: ClassVar[str] = "numbers"
    loss: ClassVar[str] = "places"
    metrics: ClassVar[str] = METRICS

    def __post_init__(self) -> None:
        if not 1 <= self.places <= MOST_PLACES:
            raise ValueError(f"there are {self.places} places, but must be 1 to {MOST_PLACES}")

    @property
    def name(self) -> str:
        """Its layer line without the number of symbols: numbers L."""
        return f"{self.word} {self.places}"

    @property
    def lengths(self) -> int:
        """The number of outputs for the length: L + 2."""
        return self.places + 2

    @property
    def outputs(self) -> int:
        """The width of the output layer: L + 2 + L · K."""
        return self.lengths + self.places * len(self.classes)

    @property
    def output_line(self) -> str:
        """The layer line of the output layer: numbers L, with the number of symbols if it is not ten."""
        return self.name if len(self.classes) == len(DIGITS) else f"{self.name} of {len(self.classes)}"

    def check(self, labels: NDArray[Any], pictures: int, where: str) -> None:
        """Check labels; see `sequences.check_rows`.

        Raises:
            DataError: they are not (pictures, 1 + L) int64 of that form.
        """
        check_rows(labels, pictures, self.classes, self.places, where)

    def shares(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the labels (N, 1 + L) one-hot (N, outputs), group by group; places behind the last symbol have 0.

        >>> Places(("a", "b"), 2).shares(np.array([[1, 1, -1]])).tolist()
        [[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]]
        """
        shares = np.zeros((len(labels), self.outputs), np.float32)
        shares[np.arange(len(labels)), labels[:, 0]] = 1
        for place in range(self.places):
            there = np.flatnonzero(labels[:, 1 + place] != NOTHING)
            shares[there, self.lengths + place * len(self.classes) + labels[there, 1 + place]] = 1
        return shares

    def probabilities(self, logits: NDArray[Any]) -> NDArray[Any]:
        """Return (N, outputs) for logits (N, outputs): each group sums to 1."""
        lengths, symbols = _softmax(logits[:, : self.lengths]), _softmax(self.of_places(logits))
        return np.concatenate([lengths, symbols.reshape(len(logits), self.outputs - self.lengths)], axis=1)

    def of_places(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the part (N, L, K) of outputs (N, outputs) that is about symbols."""
        return outputs[:, self.lengths :].reshape(len(outputs), self.places, len(self.classes))

    def decode(self, probabilities: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
        """Return the most likely readings as labels (N, 1 + L) with 1 to L symbols, and their probabilities (N,)."""
        of_places, most = self.of_places(probabilities), self.places
        # Of all readings with n symbols, the most likely one has the most likely symbol in each of its n places.
        best = np.concatenate(
            [probabilities[:, 1 : most + 1], of_places.max(axis=2)], axis=1, dtype=np.float64
        )
        logs = np.log(np.maximum(best, _LEAST))
        scores = logs[:, :most] + logs[:, most:].cumsum(axis=1)  # (N, L)
        lengths = 1 + scores.argmax(axis=1)
        readings = np.empty((len(probabilities), 1 + most), np.int64)
        readings[:, 0] = lengths
        readings[:, 1:] = np.where(np.arange(most) < lengths[:, None], of_places.argmax(axis=2), NOTHING)
        return readings, np.exp(scores.max(axis=1))

    def log_probability(
        self, probabilities: NDArray[np.floating], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the logarithm (N,) of the probability of each label, in nats, from probabilities (N, outputs)."""
        symbols = labels[:, 1:]
        of_symbols = self._logs_of(probabilities, np.maximum(symbols, 0))
        found: NDArray[np.float64] = np.where(symbols != NOTHING, of_symbols, 0.0).sum(axis=1)
        return _logs(probabilities[np.arange(len(labels)), labels[:, 0]]) + found

    def _logs_of(
        self, probabilities: NDArray[np.floating], symbols: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the logarithm (N, L) of the probability of a symbol (N, L) in each place."""
        return _logs(np.take_along_axis(self.of_places(probabilities), symbols[:, :, None], axis=2)[:, :, 0])

    def parts(self, probabilities: NDArray[np.floating]) -> list[tuple[str, float]]:
        """Return the parts of the most likely reading, see `SequenceTarget`.

        >>> Places(("a", "b"), 1).parts(np.array([0.1, 0.8, 0.1, 0.3, 0.7]))
        [('length: 1', 0.8), ('place 1: b', 0.7)]
        """
        table = probabilities[None]
        length, *symbols = self.decode(table)[0][0].tolist()
        of_places = self.of_places(table)[0]
        return [
            (f"length: {length}", float(probabilities[length])),
            *(
                (
                    f"place {place + 1}: {self.classes[symbols[place]]}",
                    float(of_places[place, symbols[place]]),
                )
                for place in range(length)
            ),
        ]

    def alternatives(self, probabilities: NDArray[np.floating], count: int) -> list[tuple[str, float]]:
        """Return the `count` most likely readings of a picture and their probabilities; see `SequenceTarget`.

        >>> Places(("a", "b"), 1).alternatives(np.array([0, 1, 0, 0.25, 0.75]), 5)
        [('b', 0.75), ('a', 0.25)]
        """
        logs = np.log(np.maximum(probabilities[None].astype(np.float64), _LEAST))
        found = likeliest(logs[0, 1 : self.places + 1], self.of_places(logs)[0])
        return [
            ("".join(self.classes[symbol] for symbol in symbols), probability)
            for symbols, probability in islice(found, count)
        ]

    def text(self, answer: NDArray[np.int64] | np.int64) -> str:
        """Return a reading or a label as text."""
        return text_of(np.asarray(answer), self.classes)


def _logs(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.log(np.maximum(probabilities.astype(np.float64), _LEAST))
    return found


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(invalid="ignore"):  # infinite logits do not have probabilities
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        probabilities: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
