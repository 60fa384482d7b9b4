"""Keras: `fit` and `predict` on float arrays in memory; KERAS_BACKEND says which engine.

Usage: python keras_batches.py JOB.json
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from job import Job, check_table, do_job
from keras_network import network, optimizer
from stopwatch import Stopwatch, take_turns

EPOCHS = 1_000_000  # until the parent closes the pipe


class Timed(keras.callbacks.Callback):
    """Tells the stopwatch about the first and the last batch of each epoch."""

    def __init__(self, stopwatch: Stopwatch, batches: int) -> None:
        super().__init__()
        self.stopwatch, self.batches = stopwatch, batches

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Keras counts batches from 0."""
        if batch + 1 in {1, self.batches}:
            for value in (logs or {}).values():
                float(value)  # JAX hands a step on and returns at once: reading its loss waits for its end
        self.stopwatch.batch_done(batch + 1, self.batches)


def versions() -> dict[str, str]:
    engine = keras.backend.backend()
    module = __import__(engine)
    return {"Keras": keras.__version__, f"{engine} (Keras)": module.__version__}


def train(job: Job) -> None:
    keras.utils.set_random_seed(0)
    images, labels = job.floats()
    model = network(job)
    model.compile(
        optimizer=optimizer(job),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    timed = Timed(Stopwatch(job.batch_size, versions()), len(images) // job.batch_size)
    model.fit(images, labels, batch_size=job.batch_size, epochs=EPOCHS, verbose=0, callbacks=[timed])


def predict(job: Job) -> None:
    images, _ = job.floats()
    model = network(job, probabilities=True)
    check_table(job, model.predict(images, batch_size=job.prediction_batch, verbose=0), len(images))
    take_turns(
        lambda: model.predict(images, batch_size=job.prediction_batch, verbose=0), len(images), versions()
    )


def save(job: Job) -> None:
    network(job, probabilities=True).save(job.model)


if __name__ == "__main__":
    do_job({"train": train, "predict": predict, "save": save})
