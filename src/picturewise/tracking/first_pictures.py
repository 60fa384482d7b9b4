"""The pictures of a run's first step, after augmentation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures.pixels import as_channels
from picturewise.targets.places import Places
from picturewise.targets.sequences import is_sequences
from picturewise.targets.target import Target
from picturewise.training.learner import Learner

PICTURES = 24
_WORTH_NAMING = 0.05
"""The caption of a blended picture leaves out classes with a smaller share."""


def draw_first_pictures(learner: Learner) -> NDArray[np.uint8]:
    """Return a sheet (H, W, 3) of up to 24 pictures with their labels, the same after a run was resumed.

    The pictures are those of the first batch, augmented, and in grey if the recipe says so. They are drawn before
    normalisation, because normalised pictures cannot be shown. A picture that `mixup` or `cutmix` combined with
    another has the shares of its classes as its label.
    """
    from picturewise.reporting import figures  # noqa: PLC0415 (matplotlib; a run that is not tracked needs it only later)

    indices = learner.order(1)[slice(*learner.bounds[0])]
    augmented, targets = learner.augmented(indices, (1, 0))
    floats = augmented[:PICTURES].float().cpu().numpy()
    pictures = np.clip(np.rint(floats), 0, 255).astype(np.uint8)
    if learner.preparation.grey:
        pictures = as_channels(pictures, 1)
    captions = [_caption(shares, learner.train.target) for shares in targets[:PICTURES].cpu().numpy()]
    return figures.to_pixels(figures.draw_sample_sheet(pictures, captions))


def _caption(shares: NDArray[np.float32], target: Target) -> str:
    """Return the class, or several with their shares, the largest first; of sequences, that with the largest share."""
    if is_sequences(target):
        if not isinstance(target, Places):  # the shares are the label itself, which cannot be blended
            return target.text(shares.astype(np.int64))
        return target.text(target.decode((shares[np.newaxis] > 0.5).astype(np.float32))[0][0])
    classes = target.classes
    order: list[int] = np.argsort(-shares, kind="stable").tolist()
    named = [index for index in order if shares[index] >= _WORTH_NAMING]
    if len(named) == 1:
        return classes[named[0]]
    return ", ".join(f"{classes[index]} {shares[index]:.0%}" for index in named)
