"""Output layers that read sequences of symbols, as layer lines; they can only be the last line."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from picturewise.architectures.layers import Count, Dense, Shape, ShapeError

USUAL_SYMBOLS = 10


@dataclass(frozen=True)
class Numbers(Dense):
    """A dense layer for sequences of up to `places` symbols; see `targets.places` for what its outputs mean.

    Attributes:
        units: places + 2 for the length, and `symbols` for each place.
        activation: none.
        places: the most symbols.
        symbols: of the alphabet.
    """

    places: int = 1
    symbols: int = USUAL_SYMBOLS

    @classmethod
    def of(cls, places: int, symbols: int) -> Numbers:
        """Return the layer for sequences of up to `places` symbols.

        >>> Numbers.of(5, 10).units
        57
        """
        return cls(places + 2 + places * symbols, None, places, symbols)

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        return f"numbers {self.places}" + (f" of {self.symbols}" if self.symbols != USUAL_SYMBOLS else "")


@dataclass(frozen=True)
class Columns:
    """A dense layer that is the same for every column of maps, for sequences; see `targets.ctc` for its outputs.

    Attributes:
        places: the most symbols of a sequence; None: not known yet.
        columns: of the maps that come in; None: not known yet.
        symbols: of the alphabet; the blank comes in addition.
        beam: as for `targets.ctc.Ctc`.
    """

    places: int | None = None
    columns: int | None = None
    symbols: int = USUAL_SYMBOLS
    beam: int = 1

    @property
    def line(self) -> str:
        """The layer in its shortest written form."""
        known = "".join(f" {number}" for number in (self.places, self.columns) if number is not None)
        symbols = "" if self.symbols == USUAL_SYMBOLS else f" of {self.symbols}"
        return f"ctc{known}{symbols}" + ("" if self.beam == 1 else f" beam {self.beam}")

    @property
    def outputs_of_column(self) -> int:
        """The symbols and the blank."""
        return self.symbols + 1

    def output(self, shape: Shape) -> Shape:
        """Return (columns · (symbols + 1),); only maps fit."""
        if len(shape) != 3:
            raise ShapeError(
                "ctc reads the columns of maps; remove 'flatten', 'avgpool global' and dense layers before it"
            )
        if self.columns not in {None, shape[1]}:
            raise ShapeError(f"it was made for {self.columns} columns")
        return (shape[1] * self.outputs_of_column,)

    def count(self, shape: Shape) -> Count:
        """Return weights for each value of a column, and one bias, for each output of a column."""
        return Count(trainable=(shape[0] * shape[2] + 1) * self.outputs_of_column)


HEADS = (Numbers, Columns)
_WORDS = ("numbers", "ctc")


def split_head(lines: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """Return layer lines without the output layer for sequences that they may end with, and that line.

    >>> split_head(("flatten", "numbers 5"))
    (('flatten',), 'numbers 5')
    """
    if lines and lines[-1].lower().split()[0] in _WORDS:
        return lines[:-1], lines[-1]
    return lines, None


def target_name(head: str) -> str:
    """Return the name of the target of a complete output layer, see `targets.named`.

    >>> target_name("numbers 5 of 36"), target_name("ctc 5 16"), target_name("ctc 5 16 of 36 beam 8")
    ('numbers 5', 'ctc 5 16 1', 'ctc 5 16 8')
    """
    word, *rest = head.lower().split()
    before = [*takewhile(str.isdecimal, rest)]
    beam = rest[rest.index("beam") + 1] if "beam" in rest else "1"
    return " ".join([word, *before, *([beam] if word == "ctc" else [])])
