"""`previews`: pictures as training sees them, to look at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from picturewise.preparing.augment import augment, turns
from picturewise.preparing.augmentation import Augmentation
from picturewise.seeds import stream


def previews(
    pictures: NDArray[np.uint8], augmentations: Sequence[Augmentation], times: int, *, seed: int
) -> NDArray[np.uint8]:
    """Return each picture augmented as in the first epochs of a run.

    Args:
        pictures: (N, H, W, C), treated as one batch, so that `mixup` and `cutmix` combine them with one another.
        augmentations: what to do, in order.
        times: the number of epochs.
        seed: of the run.

    Returns:
        (N, times, H, W, C), rounded to whole numbers.
    """
    batch, targets = torch.from_numpy(np.ascontiguousarray(pictures)), torch.zeros(len(pictures), 1)
    first = stream(seed, "mirrored").random(len(pictures)) < 0.5
    found = []
    for epoch in range(1, times + 1):
        random = stream(seed, "augment", epoch, 0)
        augmented, _ = augment(batch, targets, augmentations, random, turns(first, epoch))
        found.append(np.clip(np.rint(augmented.numpy()), 0, 255).astype(np.uint8))
    return np.stack(found, axis=1)
