"""Sightline's side of `train_step.py`.

Usage: python train_step_sightline.py JOB.json
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stopwatch import Stopwatch

from sightline.data.dataset import Dataset
from sightline.data.imageset import ImageSet
from sightline.training.callbacks import Callback
from sightline.training.loop import Trainer
from sightline.training.recipe import make_recipe
from sightline.training.start import start

EPOCHS = 100_000  # until the parent closes the pipe
MINUTES = 1e6  # no checkpoint inside an epoch


class Timed(Callback):
    """Tells the stopwatch about each batch."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self.stopwatch = stopwatch

    def on_batch(self, trainer: Trainer) -> None:
        """Batches are counted from 1 here, as the one just done is behind."""
        self.stopwatch.batch_done(trainer.batch, trainer.batches)


def main(job: dict[str, Any]) -> None:
    data = np.load(job["data"])
    classes = tuple(str(index) for index in range(job["classes"]))
    train = ImageSet(data["images"], data["labels"], classes, origin="benchmark")
    # validation is not in the clock; a few pictures keep it short
    dataset = Dataset("benchmark", train=train, valid=train.select(np.arange(job["batch_size"])))
    training = {
        "epochs": EPOCHS,
        "batch_size": job["batch_size"],
        "optimizer": "adam",
        "learning_rate": job["learning_rate"],
        "schedule": "constant",
        "momentum": 0.9,
        "weight_decay": 0.0,
        "checkpoint_minutes": MINUTES,
        "device": "cpu",
        "precision": "float32" if "float32" in job["settings"] else "auto",
    }
    recipe = make_recipe(
        {
            "data": {"source": "benchmark"},
            "model": {"layers": job["layers"]},
            "preparation": {"augmentation": []},
            "training": training,
        }
    )
    versions = {"Sightline": version("sightline"), "torch (Sightline)": torch.__version__}
    timed = Timed(Stopwatch(job["batch_size"], versions))
    with tempfile.TemporaryDirectory() as folder:
        start(recipe, dataset, Path(folder) / "run", callbacks=[timed]).fit()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
