"""Picturewise: training through its trainer, prediction with a saved classifier, on uint8 pictures.

Usage: python picturewise_batches.py JOB.json
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from job import Job, check_table, do_job
from stopwatch import Stopwatch, take_turns

import picturewise
from picturewise.recipes.recipe import make_recipe
from picturewise.training.start import start
from picturewise.training.trainer import Callback, Trainer

EPOCHS = 100_000  # until the parent closes the pipe
MINUTES = 1e6  # no checkpoint inside an epoch
SAVED_AFTER, SAVED_BATCH, SAVED_EPOCHS = 2_000, 100, 4
"""How a network learns that is only to be saved. What it has learned changes no speed, but one that has learned nothing
is undecided, so its answers differ between number formats."""


class Timed(Callback):
    """Tells the stopwatch about each batch."""

    def __init__(self, stopwatch: Stopwatch, job: Job) -> None:
        self.stopwatch, self.job = stopwatch, job

    def on_start(self, trainer: Trainer) -> None:
        """Make sure that the network is the one that was asked for."""
        self.job.check(trainer.record.trainable_parameters)

    def on_batch(self, trainer: Trainer) -> None:
        """Batches are counted from 1 here, as the one just done is behind."""
        self.stopwatch.batch_done(trainer.batch, trainer.batches)


def versions() -> dict[str, str]:
    return {"Picturewise": version("picturewise"), "torch (Picturewise)": torch.__version__}


def train(job: Job) -> None:
    images, labels = job.pictures()
    timed = Timed(Stopwatch(job.batch_size, versions()), job)
    with tempfile.TemporaryDirectory() as folder:
        fit(job, images, labels, Path(folder) / "run", epochs=EPOCHS, callbacks=[timed])


def predict(job: Job) -> None:
    images, _ = job.pictures()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        # In a process of its own, so that training leaves nothing behind in the one that is measured.
        child = multiprocessing.get_context("spawn").Process(target=save_in, args=(job, run))
        child.start()
        child.join()
        saved = picturewise.open_run(run)
        job.check(saved.record.trainable_parameters)
        classifier = saved.classifier()  # its `network` is not asked for: PyTorch would compute from then on
    check_table(job, classifier.probabilities(images), len(images))
    told = versions() | {"Picturewise predicts in": classifier.description.number_format}
    take_turns(lambda: classifier.probabilities(images), len(images), told)


def save(job: Job) -> None:
    save_in(job, Path(job.model))


def save_in(job: Job, run: Path) -> None:
    """Train a little and leave the run's folder."""
    images, labels = job.pictures()
    short = replace(job, batch_size=min(job.batch_size, SAVED_BATCH))
    fit(short, images[:SAVED_AFTER], labels[:SAVED_AFTER], run, epochs=SAVED_EPOCHS)


def fit(
    job: Job,
    images: np.ndarray,
    labels: np.ndarray,
    run: Path,
    *,
    epochs: int,
    callbacks: Sequence[Callback] = (),
) -> None:
    classes = tuple(str(index) for index in range(job.classes))
    learned = picturewise.ImageSet(images, labels, classes, origin="benchmark")
    # Validation is not in the clock; a few pictures keep it short.
    few = learned.select(np.arange(min(len(images), job.batch_size)))
    recipe = make_recipe(
        {
            "data": {"source": "benchmark"},
            "model": {
                "layers": [layer["line"] for layer in job.layers[:-1]]
            },  # it adds the output layer itself
            "preparation": {"augmentation": []},
            "training": {
                "epochs": epochs,
                "batch_size": job.batch_size,
                "optimizer": job.optimizer,
                "learning_rate": job.learning_rate,
                "schedule": "constant",
                "momentum": 0.9 if job.optimizer == "adam" else job.momentum,
                "weight_decay": 0.0,
                "checkpoint_minutes": MINUTES,
                "device": "cpu",
                "precision": job.precision,
            },
        }
    )
    dataset = picturewise.Dataset("benchmark", train=learned, valid=few)
    start(recipe, dataset, run, callbacks=callbacks).fit()


if __name__ == "__main__":
    do_job({"train": train, "predict": predict, "save": save})
