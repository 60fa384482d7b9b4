"""The strength of augmentation: one factor on the numbers of all lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from picturewise.architectures.layers import Shape
from picturewise.preparing.augmentation import MOST_ROTATION_OF_CHARACTERS, Augmentation
from picturewise.preparing.augmentation_kinds import FRACTION, KINDS

DIGITS = 4
"""Significant digits of the new numbers, so that the lines stay short."""


def strengthened(
    augmentations: Sequence[Augmentation], factor: float, shape: Shape
) -> tuple[Augmentation, ...]:
    """Return the augmentations with their numbers multiplied by `factor`; for a factor of 0, none.

    A number says how far pictures are changed, so of a factor or a share of the area, its distance from 1 is
    multiplied. Pixels and magnitudes are rounded, and a line whose number becomes 0 is left out. Numbers stay within
    what their line accepts, pixels below the side of the picture, and rotations below those that turn characters into
    others. `flip` does not have a number and stays.

    Args:
        augmentations: that go together and fit the pictures.
        factor: 0 or more; 1 changes nothing.
        shape: (H, W, C) of the pictures.

    >>> from picturewise.preparing.augmentation import parse
    >>> [found.line for found in strengthened(parse("crop 4; flip; zoom 0.2"), 0.5, (32, 32, 3))]
    ['crop 2', 'flip', 'zoom 0.1']
    """
    if factor == 1:
        return tuple(augmentations)
    if factor == 0:
        return ()
    found = (_strengthened(augmentation, factor, min(shape[:2]) - 1) for augmentation in augmentations)
    return tuple(augmentation for augmentation in found if augmentation is not None)


def _strengthened(augmentation: Augmentation, factor: float, most_pixels: int) -> Augmentation | None:
    kind = KINDS[augmentation.kind]
    if not kind.most:
        return augmentation
    if augmentation.least is not None:
        return _with_range(augmentation, factor)
    if kind.spread == "above":  # a share of the area, of which 1 is all
        return replace(augmentation, amount=_rounded(max(kind.floor, 1 - (1 - augmentation.amount) * factor)))
    most = kind.most
    if kind.pattern != FRACTION:
        most = min(most, most_pixels) if augmentation.kind != "rand-augment" else most
        amount = float(round(augmentation.amount * factor))
    else:
        if augmentation.kind == "rotate" and augmentation.amount <= MOST_ROTATION_OF_CHARACTERS:
            most = MOST_ROTATION_OF_CHARACTERS
        amount = _rounded(augmentation.amount * factor)
    amount = min(most, amount)
    return replace(augmentation, amount=amount) if amount > 0 else None


def _with_range(augmentation: Augmentation, factor: float) -> Augmentation | None:
    """Return a line that has a range: around 1 if its numbers are factors or shares that are kept, else from 0."""
    kind, least = KINDS[augmentation.kind], augmentation.least or 0.0
    neutral = 0.0 if kind.spread == "below" else 1.0
    low, high = (
        _rounded(min(kind.ceiling, max(kind.floor, neutral + (end - neutral) * factor)))
        for end in (least, augmentation.amount)
    )
    return replace(augmentation, least=low, amount=high) if high > 0 else None


def _rounded(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
