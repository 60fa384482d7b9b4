"""How a character that somebody draws becomes a picture like those that the classifier was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from picturewise.targets.sequences import is_sequences

if TYPE_CHECKING:
    from picturewise.prediction.description import Description

_WORDS = frozenset(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
_DARK, _BRIGHT = 96.0, 160.0
"""Mean grey of pictures below and above which their background is black, or white: MNIST has 33, inverted 222."""
_MUCH_INK = 0.2
"""Part of the brightness that strokes make up: 0.13 in MNIST, 0.17 in EMNIST, where there is a margin; 0.31 in
scikit-learn's digits, where there is none."""


def drawing_style(description: Description) -> dict[str, Any] | None:
    """Return the colours and proportions of drawn characters; None: the classes are not digits or letters.

    They are `paper` and `ink` (three numbers in 0..255 each), `share`, the longer side of the character, and `pen`, the
    width of a stroke, both as parts of the picture's shorter side, and `by_mass`: the centre of mass is put in the
    middle (as MNIST does), not that of the bounding box. For sequences, `share` is the height of the characters, which
    may fill the width, and there is `aspect`, the width of the drawing area divided by its height.
    """
    if not all(_is_character(name) for name in description.classes):
        return None
    style = _character_style(description)
    if not is_sequences(description.target):
        return style
    height, width, _ = description.shape
    return {**style, "by_mass": False, "aspect": max(1.0, width / height)}


def _character_style(description: Description) -> dict[str, Any]:
    mean, std = (_colour(values) for values in (description.preparation.mean, description.preparation.std))
    if description.learned is None:
        grey = sum(mean) / 3
    else:
        grey = (description.learned.mean[1] + description.learned.mean[2]) / 2
    if grey < _DARK and max(std) > grey / 2:
        paper, ink, covered = [0.0] * 3, [255.0] * 3, grey / 255
    elif grey > _BRIGHT and max(std) > (255 - grey) / 2:
        paper, ink, covered = [255.0] * 3, [0.0] * 3, 1 - grey / 255
    else:  # photographs: light characters are as frequent as dark ones
        paper = [_byte(middle - deviation) for middle, deviation in zip(mean, std, strict=True)]
        ink = [_byte(middle + 1.5 * deviation) for middle, deviation in zip(mean, std, strict=True)]
        return {"paper": paper, "ink": ink, "share": 0.8, "pen": 0.13, "by_mass": False}
    if covered < _MUCH_INK:
        return {"paper": paper, "ink": ink, "share": 20 / 28, "pen": 0.09, "by_mass": True}
    return {"paper": paper, "ink": ink, "share": 1.0, "pen": 0.17, "by_mass": False}


def _is_character(name: str) -> bool:
    return (len(name) == 1 and name.isalnum()) or name.lower() in _WORDS


def _colour(values: tuple[float, ...]) -> list[float]:
    return list(values) if len(values) == 3 else [values[0]] * 3


def _byte(number: float) -> float:
    return float(round(min(255.0, max(0.0, number))))
