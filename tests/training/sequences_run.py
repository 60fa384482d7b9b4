"""A training run on sequences that takes a tenth of a second.

As a script, python sequences_run.py FOLDER EPOCH BATCH, it kills itself after that batch.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.recipes.recipe import Recipe, make_recipe
from picturewise.runs.run import open_run
from picturewise.targets import Places
from picturewise.targets.sequences import labels_of
from picturewise.training import start as starting
from picturewise.training.trainer import Callback, Trainer

SYMBOLS = ("0", "1", "2")
LAYERS = ("conv 4 3x3", "batchnorm", "relu", "dropout 0.25", "flatten", "dense 24 relu")


def pictures(count: int, seed: int, name: str, *, longest: int = 3) -> ImageSet:
    """Return noisy pictures (N, 4, 12, 1): a bright or dark block for each symbol, from the left."""
    random = np.random.default_rng(seed)
    texts = ["".join(random.choice(SYMBOLS, random.integers(1, longest + 1))) for _ in range(count)]
    images = random.integers(0, 40, (count, 4, 12, 1))
    for image, text in zip(images, texts, strict=True):
        for place, symbol in enumerate(text[:3]):
            image[:, 4 * place : 4 * place + 4] += 70 * (1 + SYMBOLS.index(symbol))
    labels = labels_of(texts, SYMBOLS, longest, name)
    return ImageSet(
        images.astype(np.uint8), labels, SYMBOLS, name, make_target=partial(Places, places=longest)
    )


def dataset(train: int = 45) -> Dataset:
    """Return pictures with up to three symbols."""
    return Dataset("blocks", train=pictures(train, 0, "train"), valid=pictures(train // 2, 1, "valid"))


def recipe(
    *, layers: Sequence[str] = LAYERS, augmentation: Sequence[str] = ("mixup 0.4",), **training: Any
) -> Recipe:
    """Return a recipe of two epochs; `training` are further training options."""
    options = {"epochs": 2, "batch_size": 10, "learning_rate": 0.01, "precision": "float32", "device": "cpu"}
    return make_recipe(
        {
            "seed": 3,
            "data": {"source": "made by a test"},
            "model": {"name": None, "layers": list(layers)},
            "preparation": {"augmentation": list(augmentation)},
            "training": options | training,
        }
    )


def start(path: Path, *, callbacks: Sequence[Callback] = (), train: int = 45, **options: Any) -> Trainer:
    """Return the trainer of a new run; see `recipe` for the options."""
    return starting.start(recipe(**options), dataset(train), path, callbacks=callbacks)


def resume(path: Path) -> Trainer:
    """Return the trainer that goes on with a run."""
    return starting.resume(open_run(path), dataset())


class Kill(Callback):
    """Kills this process after a batch."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.place = (epoch, batch)

    def on_batch(self, trainer: Trainer) -> None:
        if (trainer.epoch, trainer.batch) == self.place:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    folder, epoch, batch = sys.argv[1:]
    start(Path(folder), callbacks=[Kill(int(epoch), int(batch))], checkpoint_minutes=1e-9).fit()
