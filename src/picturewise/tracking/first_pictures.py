"""The pictures that a run's first step learns from, as augmentation leaves them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.data.pictures.pixels import as_channels
from picturewise.training.learner import Learner

PICTURES = 24
_WORTH_NAMING = 0.05
"""Share of a class below which a blended picture's caption does not name it."""


def draw_first_pictures(learner: Learner) -> NDArray[np.uint8]:
    """Return a sheet (H, W, 3) of up to 24 pictures with their labels, the same for a run that was resumed.

    The pictures are those of the first batch, augmented and, if the recipe says so, grey, before normalisation, which
    nobody could look at. A picture blended by `mixup` has the shares of its classes as its label.
    """
    from picturewise.reporting import figures  # noqa: PLC0415 (matplotlib, which a run that is not tracked needs later)

    indices = learner.order(1)[slice(*learner.bounds[0])]
    augmented, targets = learner.augmented(indices, (1, 0))
    floats = augmented[:PICTURES].float().cpu().numpy()
    pictures = np.clip(np.rint(floats), 0, 255).astype(np.uint8)
    if learner.preparation.grey:
        pictures = as_channels(pictures, 1)
    captions = [_caption(shares, learner.train.classes) for shares in targets[:PICTURES].cpu().numpy()]
    return figures.to_pixels(figures.draw_sample_sheet(pictures, captions))


def _caption(shares: NDArray[np.float32], classes: tuple[str, ...]) -> str:
    """Return the class, or several with their shares, the largest first."""
    order: list[int] = np.argsort(-shares, kind="stable").tolist()
    named = [index for index in order if shares[index] >= _WORTH_NAMING]
    if len(named) == 1:
        return classes[named[0]]
    return ", ".join(f"{classes[index]} {shares[index]:.0%}" for index in named)
