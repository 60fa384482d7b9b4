"""Lightning: `Trainer.fit` and `Trainer.predict`, its bar, log and checkpoints switched off.

Usage: python lightning_batches.py JOB.json
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

import lightning
import torch
from job import Job, check_table, do_job
from lightning_module import Module
from stopwatch import Stopwatch, take_turns
from torch.utils.data import DataLoader
from torch_network import dataset

VERSIONS = {"Lightning": lightning.__version__, "torch (Lightning)": torch.__version__}


class Timed(lightning.Callback):
    """Tells the stopwatch about each batch."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self.stopwatch = stopwatch

    def on_train_batch_end(self, trainer: lightning.Trainer, *arguments: Any) -> None:
        """Lightning counts batches from 0."""
        self.stopwatch.batch_done(arguments[-1] + 1, trainer.num_training_batches)


def trainer(*callbacks: lightning.Callback) -> lightning.Trainer:
    # What it says on the way is the same in every round: the device, and that a loader without workers is slow.
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
    return lightning.Trainer(
        accelerator="cpu",
        max_epochs=-1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
    )


def module(job: Job) -> Module:
    made = Module(job.layers, job)
    job.check(sum(parameter.numel() for parameter in made.parameters()))
    return made


def train(job: Job) -> None:
    loader = DataLoader(dataset(job), batch_size=job.batch_size, shuffle=True)
    trainer(Timed(Stopwatch(job.batch_size, VERSIONS))).fit(module(job), loader)


def predict(job: Job) -> None:
    loader, model, predicting = (
        DataLoader(dataset(job), batch_size=job.prediction_batch),
        module(job),
        trainer(),
    )

    def probabilities() -> torch.Tensor:
        return torch.cat(predicting.predict(model, loader))

    images = len(loader.dataset)
    check_table(job, probabilities().numpy(), images)
    take_turns(probabilities, images, VERSIONS)


def save(job: Job) -> None:
    saving = trainer()
    saving.strategy.connect(module(job))
    saving.save_checkpoint(job.model, weights_only=True)


if __name__ == "__main__":
    do_job({"train": train, "predict": predict, "save": save})
