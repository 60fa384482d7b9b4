"""Augmentation as lines of text: what they mean, and which of them suit a data set.

    shift 2             move by up to 2 pixels each way; uncovered pixels are black
    crop 4              pad with 4 mirrored pixels, cut out at random (He et al., 2015)
    crop random 0.25    cut out 25 to 100 % of the area, resize it to the whole (Szegedy et al., 2015)
    flip                left and right swapped, for half of the pictures
    flip alternate      each picture swapped in every other epoch, so that both versions are seen (Jordan, 2024)
    rotate 10           turn by up to 10 degrees either way
    zoom 0.2            enlarge or shrink about the centre by a factor from 0.8 to 1.2; uncovered pixels are black
    brightness 0.4      multiply the pixels by a factor from 0.6 to 1.4
    contrast 0.4        multiply the distances of the pixels from the picture's mean grey by a factor from 0.6 to 1.4
    colour 0.4          multiply the distances of the channels from each pixel's grey (the saturation) by such a factor
    hue 15              turn the hue by up to 15 degrees either way
    blur 1              Gaussian blur with a standard deviation of up to 1 pixel
    noise 20            Gaussian noise with a standard deviation of up to 20, for pixels in 0..255
    cutout 8            blank a square of 8 pixels at a random place (DeVries and Taylor, 2017)
    erase 0.33          fill 2 to 33 % of the area of half of the pictures with noise (Zhong et al., 2020)
    mixup 0.2           blend pairs of pictures and labels, with a share from Beta(0.2, 0.2) (Zhang et al., 2018)
    cutmix 1            paste a rectangle of another picture, blend the labels by area (Yun et al., 2019)
    rand-augment 2 9    2 random operations of magnitude 9 of 30 for each picture (Cubuk et al., 2020)

Factors, shares and standard deviations can also be given as a range, such as `brightness 0.3..1`; all values in a range
are equally likely.

`flip`, and `rotate` beyond 45 degrees, turn characters into others, and left into right. They are left out if that
matters for the pictures (see `training.mirrors`), unless the line ends in `always`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from picturewise.architectures.layers import Shape, decimal
from picturewise.errors import UsageError, nearest
from picturewise.preparing.augmentation_kinds import KINDS

MOST_ROTATION_OF_CHARACTERS = 45
USUAL_OPERATIONS, MOST_OPERATIONS = 2, 10
LIGHTS = "brightness 0.5; contrast 0.7"
"""Of those that keep MNIST readable at half and at a third of its brightness, the lines with the best validation."""


@dataclass(frozen=True)
class Augmentation:
    """One line: what is done, and how much.

    Attributes:
        kind: a key of `KINDS`.
        amount: pixels, degrees, a factor, a share or the parameter of a distribution; the upper end of a range.
        always: even if the names of the classes suggest that it changes the class.
        alternate: in every other epoch.
        least: the lower end of a range, if the line has one.
        operations: how many, for `rand-augment`.
    """

    kind: str
    amount: float = 0
    always: bool = False
    alternate: bool = False
    least: float | None = None
    operations: int = 0

    @property
    def line(self) -> str:
        """The augmentation in its shortest written form."""
        numbers = f" {self.operations}" if self.operations else ""
        if KINDS[self.kind].most:
            least = "" if self.least is None else f"{decimal(self.least)}.."
            numbers += f" {least}{decimal(self.amount)}"
        words = " alternate" * self.alternate + " always" * self.always
        return f"{self.kind}{numbers}{words}"

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest value that is drawn, of a kind that accepts a range."""
        kind = KINDS[self.kind]
        if self.least is not None:
            return self.least, self.amount
        if kind.spread == "around":
            return 1 - self.amount, 1 + self.amount
        if kind.spread == "above":
            return self.amount, 1
        return min(kind.floor, self.amount), self.amount

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
    if kind not in KINDS:
        names = [name for name in KINDS if " " not in name]
        raise UsageError(
            f"{prefix}'{kind}' is not an augmentation. Choose from {', '.join(names)}.{nearest(kind, names)}"
        )
    if kind == "crop" and "random" in words:
        kind = "crop random"
        words.remove("random")
    always, alternate = "always" in words, "alternate" in words and kind == "flip"
    numbers = [word for word in words if word != "always" and not (alternate and word == "alternate")]
    if not KINDS[kind].most and not numbers:
        return Augmentation(kind, always=always, alternate=alternate)
    if not KINDS[kind].most:
        raise UsageError(f"{prefix}'{kind}' does not accept '{numbers[0]}'. Remove it.")
    if kind == "rand-augment":
        operations, magnitude = _operations(numbers, prefix)
        return Augmentation(kind, magnitude, always, operations=operations)
    least, amount = _numbers(kind, numbers, prefix)
    return Augmentation(kind, amount, always, least=least)


def _numbers(kind: str, words: Sequence[str], prefix: str) -> tuple[float | None, float]:
    """Return the lower end of a range, if there is one, and the number or the upper end."""
    known = KINDS[kind]
    if not words and known.usual is not None:
        return None, known.usual
    ends = words[0].split("..") if known.spread and len(words) == 1 else words
    if len(words) != 1 or len(ends) > 2 or not all(re.fullmatch(known.pattern, end) for end in ends):
        also = f", or a range such as '{kind} {known.example_range}'" if known.spread else ""
        raise UsageError(f"{prefix}it needs {known.what}, such as '{kind} {known.example}'{also}.")
    amount = float(ends[-1])
    if len(ends) == 2:
        least = float(ends[0])
        if not known.floor <= least <= amount <= known.ceiling or not amount:
            raise UsageError(
                f"{prefix}its range must be within {known.floor:g}..{known.ceiling:g}, with the smaller number first."
            )
        return least, amount
    above = known.floor if known.spread == "above" else 0
    if not 0 < amount <= known.most or amount < above:
        raise UsageError(
            f"{prefix}it needs {known.what} {f'of at least {above:g}' if above else 'greater than 0'} and at most "
            f"{known.most:g}."
        )
    return None, amount


def _operations(words: Sequence[str], prefix: str) -> tuple[int, float]:
    """Return the number of operations of `rand-augment` and their magnitude."""
    most = KINDS["rand-augment"].most
    if not words:
        return USUAL_OPERATIONS, KINDS["rand-augment"].usual or 0
    if len(words) != 2 or not all(re.fullmatch(r"\d{1,3}", word) for word in words):
        raise UsageError(
            f"{prefix}it needs the number of operations and their magnitude, such as 'rand-augment 2 9'."
        )
    operations, magnitude = map(int, words)
    if not 1 <= operations <= MOST_OPERATIONS or not 1 <= magnitude <= most:
        raise UsageError(
            f"{prefix}it needs 1 to {MOST_OPERATIONS} operations and a magnitude from 1 to {most:g}."
        )
    return operations, float(magnitude)


def suitable(
    augmentations: Sequence[Augmentation], *, mirrors_matter: bool
) -> tuple[tuple[Augmentation, ...], tuple[str, ...]]:
    """Return the augmentations that keep a picture in its class, and a note for each one left out.

    Args:
        augmentations: as the user wrote them.
        mirrors_matter: whether a mirrored picture may belong to another class.
    """
    if not mirrors_matter:
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


def default_augmentation(shape: Shape, *, mirrors_matter: bool) -> tuple[Augmentation, ...]:
    """Return gentle augmentation for pictures of `shape` (H, W, C): small moves; flips if mirroring does not matter.

    Grey pictures also become darker, lighter and paler: otherwise, a network with batch normalisation may be lost on
    pictures of another brightness. Pictures smaller than 12 pixels are only flipped: even one pixel would be too much.
    """
    side = min(shape[0], shape[1])
    moves, lights = side >= 12, parse(LIGHTS) if shape[2] == 1 and side >= 12 else ()
    if mirrors_matter:
        return (*((Augmentation("shift", round(side / 24) or 1),) if moves else ()), *lights)
    return (*((Augmentation("crop", round(side / 8)),) if moves else ()), Augmentation("flip"), *lights)


def check(augmentations: Sequence[Augmentation], shape: Shape) -> None:
    """Check that the lines fit together, and pictures of `shape` (H, W, C), grey ones with a C of 1.

    Raises:
        UsageError: they do not.
    """
    kinds = dict[str, Augmentation]()
    for augmentation in augmentations:
        if augmentation.kind in kinds:
            raise UsageError(
                f"Augmentation line '{augmentation.kind}' occurs twice: '{kinds[augmentation.kind].line}' and "
                f"'{augmentation.line}'. Remove one of them."
            )
        kinds[augmentation.kind] = augmentation
    for first, second, what in _ALTERNATIVES:
        if first in kinds and second in kinds:
            raise UsageError(
                f"Augmentation lines '{kinds[first].line}' and '{kinds[second].line}' cannot be combined, because both "
                f"{what}. Remove one of them."
            )
    side = min(shape[0], shape[1])
    for augmentation in augmentations:
        if augmentation.kind in {"shift", "crop", "cutout"} and augmentation.amount >= side:
            raise UsageError(
                f"Augmentation line '{augmentation.line}' is too large for pictures of {shape[0]}x{shape[1]}. "
                f"Use at most {side - 1} pixels."
            )
        if augmentation.kind in {"colour", "hue"} and shape[2] == 1:
            raise UsageError(
                f"Augmentation line '{augmentation.line}' is for colour pictures, but these are grey. "
                "Remove it."
            )


_ALTERNATIVES = [
    ("crop", "crop random", "crop"),
    ("mixup", "cutmix", "combine pairs of pictures"),
]
