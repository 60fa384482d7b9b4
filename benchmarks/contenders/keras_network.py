"""A job's network and optimizer in Keras."""

from __future__ import annotations

from typing import Any

import keras
from job import Job


def network(job: Job, *, probabilities: bool = False) -> keras.Sequential:
    """Return the job's network, which has as many parameters as Picturewise's: (B, H, W, C) in, (B, K) out."""
    last = [keras.layers.Softmax()] if probabilities else []
    layers = [made for line in job.layers for made in translated(line)]
    model = keras.Sequential([keras.Input(tuple(job.shape)), *layers, *last])
    job.check(sum(weights.size for weights in model.get_weights()) - fixed(model))
    return model


def fixed(model: keras.Sequential) -> int:
    """Return how many of the numbers do not learn, such as running means."""
    return int(sum(keras.ops.size(variable) for variable in model.non_trainable_variables))


def translated(layer: dict[str, Any]) -> list[keras.layers.Layer]:
    """Return the Keras layers of one layer; only what the workloads use is known."""
    match layer["layer"]:
        case "Conv":
            return [
                keras.layers.Conv2D(
                    layer["filters"],
                    tuple(layer["kernel"]),
                    strides=layer["stride"],
                    padding=layer["padding"],
                    activation=layer["activation"],
                    use_bias=layer["bias"],
                )
            ]
        case "Dense":
            return [keras.layers.Dense(layer["units"], activation=layer["activation"])]
        case "BatchNorm":
            return [keras.layers.BatchNormalization()]
        case "Pool":
            return [keras.layers.MaxPooling2D(layer["size"], strides=layer["stride"])]
        case "Flatten":
            return [keras.layers.Flatten()]
        case "Activation":
            return [keras.layers.Activation(layer["name"])]
    raise SystemExit(f"keras_network.py has no layer for the line '{layer['line']}'.")


def optimizer(job: Job) -> keras.optimizers.Optimizer:
    match job.optimizer:
        case "sgd":
            return keras.optimizers.SGD(job.learning_rate, momentum=job.momentum)
        case "rmsprop":
            return keras.optimizers.RMSprop(job.learning_rate)
        case "adam":
            return keras.optimizers.Adam(job.learning_rate)
