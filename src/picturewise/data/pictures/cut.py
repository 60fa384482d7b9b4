"""`Cut`: what was cut out of pictures by their boxes, such as single digits, and where it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

CutName = Literal["symbol", "sequence"]
_MOST = 100.0  # heights


@dataclass(frozen=True)
class Spacing:
    """Where the symbols of a row are, measured in heights of the pictures that the row fills.

    Attributes:
        side: of the square around a symbol: its mean.
        edge: from the centre of the first or the last symbol to the picture's edge: mean and standard deviation.
        pitch: from the centre of a symbol to that of the next: mean and standard deviation.

    Raises:
        ValueError: a number is not positive, or not finite.
    """

    side: float
    edge: tuple[float, float]
    pitch: tuple[float, float]

    def __post_init__(self) -> None:
        pairs = all(isinstance(pair, tuple) and len(pair) == 2 for pair in (self.edge, self.pitch))
        numbers = (self.side, *self.edge, *self.pitch) if pairs else ()
        if not numbers or not all(_is_positive(number) for number in numbers):
            raise ValueError("spacing must have a positive side, and two positive numbers for edge and pitch")


@dataclass(frozen=True)
class Cut:
    """What was cut out of pictures by their boxes before a network saw them.

    Attributes:
        of: a picture for each symbol, or one for the whole sequence.
        spacing: where the symbols were; None: it was not measured.

    Raises:
        ValueError: it is neither.
    """

    of: CutName
    spacing: Spacing | None = None

    def __post_init__(self) -> None:
        if self.of not in get_args(CutName) or not (
            self.spacing is None or isinstance(self.spacing, Spacing)
        ):
            raise ValueError("cut must be of 'symbol' or 'sequence', with a spacing or none")


def _is_positive(value: object) -> bool:
    return type(value) in {int, float} and 0 < value <= _MOST  # type: ignore[operator]  # it is a number


def note_on_whole(learned: Cut | None, given: Cut | None) -> tuple[str, ...]:
    """Return a note if a classifier was trained on what was cut out of pictures, and these are used as they are.

    Args:
        learned: what was cut out of train's pictures.
        given: the same of the pictures that the classifier is used on.
    """
    if learned is None or (given is not None and given.of == learned.of):
        return ()
    was, more = _WORDS[learned.of]
    return (
        f"The classifier was trained on {was}, but these pictures were used as they are. If they show {more}.",
    )


_WORDS: dict[CutName, tuple[str, str]] = {
    "symbol": (
        "single symbols that were cut out of pictures as squares",
        "several symbols each, cut them out first",
    ),
    "sequence": (
        "pictures that were cropped to their symbols, with 15 % more on each side",
        "more than that, crop them first",
    ),
}
