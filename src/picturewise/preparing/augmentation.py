"""Augmentation as lines of text: what they mean, and which of them suit a data set.

    shift 2          move by up to 2 pixels each way; uncovered pixels are black
    crop 4           pad with 4 mirrored pixels, cut out at random (He et al., 2015)
    flip             left and right swapped, for half of the pictures
    flip alternate   each picture swapped in every other epoch, so that both versions are seen (Jordan, 2024)
    rotate 10        turn by up to 10 degrees either way
    cutout 8         blank a square of 8 pixels at a random place (DeVries and Taylor, 2017)
    mixup 0.2        blend pairs of pictures and labels, with a share from Beta(0.2, 0.2) (Zhang et al., 2018)

`flip`, and `rotate` beyond 45 degrees, turn characters into others, and left into right. They are left out if the
names of the classes suggest it, unless the line ends in `always`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from picturewise.architectures.layers import Shape, decimal
from picturewise.errors import UsageError, nearest

MOST_ROTATION_OF_CHARACTERS = 45
_SIDES = {"left", "right", "clockwise", "anticlockwise", "counterclockwise"}


@dataclass(frozen=True)
class Augmentation:
    """One line: what is done, how much (pixels, degrees or the parameter of a distribution)."""

    kind: str
    amount: float = 0
    always: bool = False
    alternate: bool = False

    @property
    def line(self) -> str:
        """The augmentation in its shortest written form."""
        amount = f" {decimal(self.amount)}" if _KINDS[self.kind].most else ""
        words = " alternate" * self.alternate + " always" * self.always
        return f"{self.kind}{amount}{words}"

    @property
    def may_change_class(self) -> bool:
        """Whether a letter may become another letter, or left become right."""
        return self.kind == "flip" or (self.kind == "rotate" and self.amount > MOST_ROTATION_OF_CHARACTERS)


def parse(text: str | Sequence[str]) -> tuple[Augmentation, ...]:
    """Return the augmentations in the lines, which are separated by new lines or semicolons; for an empty text, none.

    Raises:
        UsageError: a line cannot be read.

    >>> [(found.kind, found.amount) for found in parse("shift 2; flip")]
    [('shift', 2.0), ('flip', 0)]
    """
    return tuple(map(_parse_line, split(text)))


def split(text: str | Sequence[str]) -> list[str]:
    """Return the lines of `text` (or of several texts), which end at new lines and semicolons; empty ones are left out.

    >>> split(["shift 2; flip", ""])
    ['shift 2', ' flip']
    """
    texts = [text] if isinstance(text, str) else text
    return [line for part in texts for line in re.split(r"[;\n]", part) if line.strip()]


def _parse_line(line: str) -> Augmentation:
    kind, *words = line.lower().split()
    prefix = f"Augmentation line '{' '.join(line.split())}' cannot be read: "
    if kind not in _KINDS:
        raise UsageError(
            f"{prefix}'{kind}' is not an augmentation. Choose from {', '.join(_KINDS)}.{nearest(kind, _KINDS)}"
        )
    always, alternate = "always" in words, "alternate" in words and kind == "flip"
    numbers = [word for word in words if word != "always" and not (alternate and word == "alternate")]
    limit = _KINDS[kind]
    if not limit.most and not numbers:
        return Augmentation(kind, always=always, alternate=alternate)
    if not limit.most:
        raise UsageError(f"{prefix}'{kind}' does not accept '{numbers[0]}'. Remove it.")
    if len(numbers) != 1 or not re.fullmatch(limit.pattern, numbers[0]):
        raise UsageError(f"{prefix}it needs {limit.what}, such as '{kind} {limit.example}'.")
    amount = float(numbers[0])
    if not 0 < amount <= limit.most:
        raise UsageError(f"{prefix}it needs {limit.what} greater than 0 and at most {limit.most:g}.")
    return Augmentation(kind, amount, always)


def suitable(
    augmentations: Sequence[Augmentation], classes: Sequence[str]
) -> tuple[tuple[Augmentation, ...], tuple[str, ...]]:
    """Return the augmentations that keep a picture in its class, and a note for each one left out."""
    if not mirrors_matter(classes):
        return tuple(augmentations), ()
    kept, notes = list[Augmentation](), list[str]()
    for augmentation in augmentations:
        if augmentation.may_change_class and not augmentation.always:
            notes.append(
                f"'{augmentation.line}' was left out, because it would turn pictures of some classes into others. To "
                f"use it anyway, write '{augmentation.line} always'."
            )
        else:
            kept.append(augmentation)
    return tuple(kept), tuple(notes)


def default_augmentation(shape: Shape, classes: Sequence[str]) -> tuple[Augmentation, ...]:
    """Return gentle augmentation for pictures of `shape`: small moves; flips if mirroring does not matter.

    Pictures smaller than 12 pixels are not moved: even one pixel would be too much.
    """
    side = min(shape[0], shape[1])
    moves = side >= 12
    if mirrors_matter(classes):
        return (Augmentation("shift", round(side / 24) or 1),) if moves else ()
    return (*((Augmentation("crop", round(side / 8)),) if moves else ()), Augmentation("flip"))


def mirrors_matter(classes: Sequence[str]) -> bool:
    """Return whether a mirrored picture may belong to another class, according to the classes' names.

    This is true of letters, digits and numbers, and of names that contain left or right.
    """
    characters = all(len(name) == 1 or name.isdecimal() for name in classes)
    words = {word for name in classes for word in re.findall(r"[a-z]+", name.lower())}
    return characters or not words.isdisjoint(_SIDES)


def check_sizes(augmentations: Sequence[Augmentation], shape: Shape) -> None:
    """Check that shifts and blank squares are smaller than pictures of `shape` (H, W, C).

    Raises:
        UsageError: one of them is not.
    """
    side = min(shape[0], shape[1])
    for augmentation in augmentations:
        if augmentation.kind in {"shift", "crop", "cutout"} and augmentation.amount >= side:
            raise UsageError(
                f"Augmentation line '{augmentation.line}' is too large for pictures of {shape[0]}x{shape[1]}. "
                f"Use at most {side - 1} pixels."
            )


@dataclass(frozen=True)
class _Limit:
    """What a line's number means and how large it may be; `most` 0: the line does not accept one."""

    what: str = ""
    most: float = 0
    pattern: str = r"\d+"
    example: str = ""


_FRACTION = r"\d*\.?\d+"
_KINDS: dict[str, _Limit] = {
    "shift": _Limit("a whole number of pixels", 1024, example="2"),
    "crop": _Limit("a whole number of pixels", 1024, example="4"),
    "flip": _Limit(),
    "rotate": _Limit("a number of degrees", 180, _FRACTION, "10"),
    "cutout": _Limit("a whole number of pixels", 1024, example="8"),
    "mixup": _Limit("a parameter of the Beta distribution", 10, _FRACTION, "0.2"),
}
