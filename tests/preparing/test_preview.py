from __future__ import annotations

import numpy as np
import torch

from picturewise.preparing.augment import augment
from picturewise.preparing.augmentation import parse
from picturewise.preparing.preview import previews
from picturewise.seeds import stream

PICTURES = np.random.default_rng(2).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def test_each_epoch_is_augmented_with_the_numbers_of_its_first_batch() -> None:
    lines = parse("rotate 20; brightness; noise; mixup 0.4")
    found = previews(PICTURES, lines, 3, seed=4)
    assert (found.shape, found.dtype) == ((5, 3, 6, 7, 3), np.uint8)
    for epoch in (1, 2, 3):
        expected, _ = augment(
            torch.from_numpy(PICTURES), torch.zeros(5, 1), lines, stream(4, "augment", epoch, 0)
        )
        np.testing.assert_array_equal(found[:, epoch - 1], expected.round().clamp(0, 255).to(torch.uint8))


def test_alternating_flips_alternate() -> None:
    found = previews(PICTURES, parse("flip alternate"), 4, seed=0)
    for before, versions in zip(PICTURES, found, strict=True):
        mirrored = [np.array_equal(version, before[:, ::-1]) for version in versions]
        assert mirrored in ([True, False] * 2, [False, True] * 2)
