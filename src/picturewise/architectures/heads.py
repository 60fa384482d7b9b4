"""Output layers that read sequences of symbols, as layer lines; they can only be the last line."""

from __future__ import annotations

from dataclasses import dataclass

from picturewise.architectures.layers import Dense

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


def split_head(lines: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """Return layer lines without the output layer for sequences that they may end with, and that line.

    >>> split_head(("flatten", "numbers 5"))
    (('flatten',), 'numbers 5')
    """
    if lines and lines[-1].lower().split()[:1] == ["numbers"]:
        return lines[:-1], lines[-1]
    return lines, None
