from __future__ import annotations

import numpy as np
import pytest

from picturewise.preparing.augment import augment
from picturewise.preparing.augmentation import check, parse
from picturewise.preparing.augmentation_kinds import KINDS
from picturewise.preparing.strength import strengthened

SHAPE = (32, 32, 3)


@pytest.mark.parametrize(
    ("lines", "factor", "expected"),
    [
        ("crop 4; flip always", 1, ["crop 4", "flip always"]),
        ("crop 4; flip", 0, []),
        ("crop 4; flip", 0.1, ["flip"]),  # no pixel is left
        ("crop 4; flip alternate", 2, ["crop 8", "flip alternate"]),
        ("shift 20", 2, ["shift 31"]),  # the pictures have 32 pixels
        ("crop random 0.25", 0.5, ["crop random 0.625"]),  # at least 62.5 % of the area instead of 25 %
        ("crop random 0.25", 2, ["crop random 0.01"]),
        ("rotate 10", 3, ["rotate 30"]),
        ("rotate 30", 3, ["rotate 45"]),  # more would turn characters into others
        ("rotate 90 always", 3, ["rotate 180 always"]),
        ("zoom 0.8..1.1", 0.5, ["zoom 0.9..1.05"]),
        ("brightness 0.3..1", 2, ["brightness 0..1"]),
        ("blur 0.5..2", 2, ["blur 1..4"]),
        ("crop random 0.5..1", 0.5, ["crop random 0.75..1"]),
        ("brightness 0.7", 2, ["brightness 1"]),
        ("rand-augment 2 9", 0.5, ["rand-augment 2 4"]),
        ("rand-augment 2 20", 2, ["rand-augment 2 30"]),
        ("mixup 0.2", 1.5, ["mixup 0.3"]),
    ],
)
def test_numbers_are_multiplied(lines: str, factor: float, expected: list[str]) -> None:
    assert [item.line for item in strengthened(parse(lines), factor, SHAPE)] == expected


@pytest.mark.parametrize("factor", [0.01, 0.3, 1.7, 10])
@pytest.mark.parametrize("kind", KINDS)
def test_every_line_is_still_valid_and_can_be_applied(kind: str, factor: float) -> None:
    known = KINDS[kind]
    examples = [
        f"{kind} {known.example}".strip(),
        *([f"{kind} {known.example_range}"] if known.example_range else []),
    ]
    for line in examples:
        found = strengthened(parse(line), factor, SHAPE)
        assert parse([item.line for item in found]) == found
        check(found, SHAPE)
        import torch

        pictures, targets = torch.zeros((4, *SHAPE), dtype=torch.uint8), torch.eye(4)
        augment(pictures, targets, found, np.random.default_rng(0))
