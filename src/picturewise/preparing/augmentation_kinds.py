"""The kinds of augmentation lines: which numbers each accepts, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FRACTION = r"\d*\.?\d+"


@dataclass(frozen=True)
class Kind:
    """What the number of a line means, and how large it may be.

    Attributes:
        what: the number in words.
        most: the largest number; 0: the line does not accept one.
        pattern: of the number.
        example: of a number.
        usual: the number if the line does not have one; None: it must have one.
        example_range: of two numbers; empty: the kind does not accept a range.
        spread: which range a single number means. "around": the factors 1 - number to 1 + number; "below": from
            `floor` to the number; "above": from the number to 1.
        floor: the smallest number of a range.
        ceiling: the largest number of a range.
    """

    what: str = ""
    most: float = 0
    pattern: str = r"\d+"
    example: str = ""
    usual: float | None = None
    example_range: str = ""
    spread: Literal["around", "below", "above"] | None = None
    floor: float = 0
    ceiling: float = 0


_PIXELS = "a whole number of pixels"
_FACTOR = "a change of the factor"
KINDS: Mapping[str, Kind] = {
    "shift": Kind(_PIXELS, 1024, example="2"),
    "crop": Kind(_PIXELS, 1024, example="4"),
    "crop random": Kind("a share of the area", 1, FRACTION, "0.25", 0.25, "0.5..1", "above", 0.01, 1),
    "flip": Kind(),
    "rotate": Kind("a number of degrees", 180, FRACTION, "10"),
    "zoom": Kind(_FACTOR, 0.9, FRACTION, "0.2", 0.2, "0.8..1", "around", 0.1, 10),
    "brightness": Kind(_FACTOR, 1, FRACTION, "0.4", 0.4, "0.3..1", "around", 0, 10),
    "contrast": Kind(_FACTOR, 1, FRACTION, "0.4", 0.4, "0.3..1", "around", 0, 10),
    "colour": Kind(_FACTOR, 1, FRACTION, "0.4", 0.4, "0..1", "around", 0, 10),
    "hue": Kind("a number of degrees", 180, FRACTION, "15", 15),
    "blur": Kind("a standard deviation in pixels", 10, FRACTION, "1", 1, "0.5..2", "below", 0, 10),
    "noise": Kind("a standard deviation", 255, FRACTION, "20", 20, "5..20", "below", 0, 255),
    "cutout": Kind(_PIXELS, 1024, example="8"),
    "erase": Kind("a share of the area", 1, FRACTION, "0.33", 0.33, "0.1..0.3", "below", 0.02, 1),
    "mixup": Kind("a parameter of the Beta distribution", 10, FRACTION, "0.2"),
    "cutmix": Kind("a parameter of the Beta distribution", 10, FRACTION, "1", 1),
    "rand-augment": Kind("a magnitude", 30, usual=9),
}
"""The first word of each line (of `crop random`, the first two) → what the line accepts."""
