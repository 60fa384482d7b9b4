"""A training run that takes a tenth of a second, for tests in this process and in others."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.networks import weights
from picturewise.recipes.recipe import Recipe, make_recipe
from picturewise.runs import checkpoint
from picturewise.runs.history import Epoch
from picturewise.runs.run import Run, open_run
from picturewise.training import start as starting
from picturewise.training.learner import Learner
from picturewise.training.make_learner import make_learner
from picturewise.training.trainer import Callback, Trainer

CLASSES = ("dark", "half", "light")
# Everything that is random or keeps a state is in it: dropout, running means, augmentation, momentum.
LAYERS = ["conv 4 3x3", "batchnorm", "relu", "maxpool 2", "dropout 0.25", "flatten", "dense 8 relu"]
AUGMENTATION = ["shift 1", "flip", "rotate 10", "mixup 0.4"]


class Stop(Callback):
    """Stops the run as Ctrl-C does, after a batch or after an epoch's validation."""

    def __init__(self, epoch: int, batch: int | None) -> None:
        self.place = (epoch, batch)

    def on_batch(self, trainer: Trainer) -> None:
        if (trainer.epoch, trainer.batch) == self.place:
            signal.raise_signal(signal.SIGINT)

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        if (row.epoch, None) == self.place:
            signal.raise_signal(signal.SIGINT)


def pictures(count: int, seed: int, name: str) -> ImageSet:
    """Return noisy pictures (N, 6, 6, 1), brighter from class to class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = random.integers(0, 120, (count, 6, 6, 1)) + 60 * labels[:, None, None, None]
    return ImageSet(images.astype(np.uint8), labels, CLASSES, name)


def dataset() -> Dataset:
    """Return 33 pictures to learn from, whose last batch of 8 would be a single one, and 15 to choose with."""
    return Dataset("tiny", train=pictures(33, 0, "train"), valid=pictures(15, 1, "valid"))


def recipe(*, layers: Sequence[str] = LAYERS, seed: int = 7, **training: Any) -> Recipe:
    """Return a recipe of two epochs of four batches; `training` are further training options."""
    options = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01, "precision": "float32", "device": "cpu"}
    return make_recipe(
        {
            "seed": seed,
            "data": {"source": "made by a test"},
            "model": {"name": None, "layers": list(layers)},
            "preparation": {"augmentation": AUGMENTATION},
            "training": options | training,
        }
    )


def learner(*, network: nn.Module | None = None, **options: Any) -> Learner:
    """Return a learner before its first step; see `recipe` for the options."""
    return make_learner(recipe(**options), dataset(), network=network)[0]


def start(
    path: Path, *, callbacks: Sequence[Callback] = (), network: nn.Module | None = None, **options: Any
) -> Trainer:
    """Return the trainer of a new run; see `recipe` for the options."""
    return starting.start(recipe(**options), dataset(), path, callbacks=callbacks, network=network)


def resume(path: Path, *, callbacks: Sequence[Callback] = (), network: nn.Module | None = None) -> Trainer:
    """Return the trainer that goes on with a run."""
    return starting.resume(open_run(path), dataset(), callbacks=callbacks, network=network)


def history(run: Run) -> list[dict[str, float]]:
    """Return the history without what a clock measured."""
    timed = {"seconds", "images_per_second", "valid_seconds"}
    return [{key: value for key, value in asdict(row).items() if key not in timed} for row in run.history]


def outcome(path: Path) -> dict[str, Any]:
    """Return all that a finished run leaves behind, but for times, as plain values to compare."""
    run = open_run(path)
    newest, notes = checkpoint.newest(run.checkpoints)
    assert newest is not None
    return {
        "status": run.record.status,
        "reason": run.record.reason,
        "final weights": run.record.final_weights_sha256,
        "history": history(run),
        "classifier": hashlib.sha256(run.classifier_path.read_bytes()).hexdigest(),
        "checkpoint": [newest.position.epoch, newest.position.batch, *newest.position.totals],
        "weights": weights.fingerprint(newest.weights),
        "optimizer": weights.fingerprint(newest.optimizer),
        "notes": list(notes),
        "leftovers": [str(found) for found in path.rglob(".unfinished-*")],
        "checkpoints": sorted(found.name for found in run.checkpoints.iterdir()),
    }
