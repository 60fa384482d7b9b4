"""Keras' side of `train_step.py`: runs in the peers' interpreter, which knows nothing of Sightline.

Usage: python train_step_keras.py JOB.json
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch
from stopwatch import Stopwatch

EPOCHS = 1_000_000  # until the parent closes the pipe


class Timed(keras.callbacks.Callback):
    """Tells the stopwatch about each batch."""

    def __init__(self, stopwatch: Stopwatch, batches: int) -> None:
        super().__init__()
        self.stopwatch, self.batches = stopwatch, batches

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        """Keras counts batches from 0."""
        del logs
        self.stopwatch.batch_done(batch + 1, self.batches)


def layer(line: str) -> list[Any]:
    """Return the Keras layers of one Sightline layer line; only what the presets use is known."""
    kind, *words = line.split()
    match kind, words:
        case "conv", [filters, kernel, *activation]:
            side = int(kernel.split("x")[0])
            name = activation[0] if activation else None
            return [keras.layers.Conv2D(int(filters), side, padding="same", activation=name)]
        case "batchnorm", []:
            channels_last = keras.config.image_data_format() == "channels_last"
            return [keras.layers.BatchNormalization(axis=-1 if channels_last else 1)]
        case "relu", []:
            return [keras.layers.ReLU()]
        case "maxpool", [side]:
            return [keras.layers.MaxPooling2D(int(side))]
        case "flatten", []:
            return [keras.layers.Flatten()]
        case "dropout", [rate]:
            return [keras.layers.Dropout(float(rate))]
        case "dense", [units, *activation]:
            return [keras.layers.Dense(int(units), activation=activation[0] if activation else None)]
    raise SystemExit(f"train_step_keras.py has no Keras layer for the line '{line}'.")


def main(job: dict[str, Any]) -> None:
    settings = set(job["settings"])
    if "bfloat16" in settings:
        keras.config.set_dtype_policy("mixed_bfloat16")
    if "channels-first" in settings:
        keras.config.set_image_data_format("channels_first")
    keras.utils.set_random_seed(0)
    data = np.load(job["data"])
    pictures = data["images"].astype("float32") / 255
    if "channels-first" in settings:
        pictures = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
    labels = data["labels"]

    layers = [made for line in job["layers"] for made in layer(line)]
    model = keras.Sequential([keras.Input(pictures.shape[1:]), *layers, keras.layers.Dense(job["classes"])])
    model.compile(
        optimizer=keras.optimizers.Adam(job["learning_rate"]),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile="compiled" in settings,
    )
    size, batches = job["batch_size"], len(pictures) // job["batch_size"]
    stopwatch = Stopwatch(size, {"Keras": keras.__version__, "torch (Keras)": torch.__version__})
    if "train_on_batch" in settings:
        random = np.random.default_rng(0)
        for _ in range(EPOCHS):
            order = random.permutation(len(pictures))
            for batch in range(batches):
                chosen = order[batch * size : (batch + 1) * size]
                model.train_on_batch(pictures[chosen], labels[chosen])
                stopwatch.batch_done(batch + 1, batches)
    timed = Timed(stopwatch, batches)
    model.fit(pictures, labels, batch_size=size, epochs=EPOCHS, verbose=0, callbacks=[timed])


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
