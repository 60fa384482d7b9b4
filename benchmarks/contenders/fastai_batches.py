"""fastai: `Learner.fit` and `Learner.get_preds` on its own loaders, its log switched off and its bar not loaded.

Usage: python fastai_batches.py JOB.json
"""

from __future__ import annotations

from functools import partial

import fastai
import torch
from fastai.callback.core import Callback
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.optimizer import SGD, Adam, RMSProp
from fastai_dataset import Pictures
from job import Job, check_table, do_job
from stopwatch import Stopwatch, take_turns
from torch_network import checked_network, pictures

EPOCHS = 1_000_000  # until the parent closes the pipe
VERSIONS = {"fastai": fastai.__version__, "torch (fastai)": torch.__version__}


class Timed(Callback):
    """Tells the stopwatch about each batch that is learned from."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        super().__init__()
        self.stopwatch = stopwatch

    def after_batch(self) -> None:
        """Batches are counted from 0 here."""
        if self.training:
            self.stopwatch.batch_done(self.iter + 1, self.n_iter)


def learner(job: Job) -> Learner:
    images, labels = pictures(job)
    # Validation is not in the clock; one batch keeps it short.
    few = Pictures(images[: job.batch_size], labels[: job.batch_size])
    loaders = DataLoaders.from_dsets(
        Pictures(images, labels),
        few,
        bs=job.batch_size,
        val_bs=job.prediction_batch,
        num_workers=0,
        device="cpu",
    )
    rules = {"sgd": partial(SGD, mom=job.momentum), "rmsprop": RMSProp, "adam": Adam}
    return Learner(
        loaders,
        checked_network(job),
        loss_func=CrossEntropyLossFlat(),
        opt_func=rules[job.optimizer],
        lr=job.learning_rate,
        wd=0.0,
        metrics=accuracy,
    )


def train(job: Job) -> None:
    learning = learner(job)
    with learning.no_logging():
        learning.fit(EPOCHS, cbs=Timed(Stopwatch(job.batch_size, VERSIONS)))


def predict(job: Job) -> None:
    predicting = learner(job)
    loader = predicting.dls.valid.new(Pictures(*pictures(job)))

    def probabilities() -> torch.Tensor:
        return predicting.get_preds(dl=loader)[0]

    images = len(loader.dataset)
    check_table(job, probabilities().numpy(), images)
    take_turns(probabilities, images, VERSIONS)


def save(job: Job) -> None:
    learner(job).export(job.model)


if __name__ == "__main__":
    do_job({"train": train, "predict": predict, "save": save})
