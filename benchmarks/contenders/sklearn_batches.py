"""scikit-learn's MLPClassifier, an epoch at a time; its nearest rule is adam, and it has no batch normalisation.

Usage: python sklearn_batches.py JOB.json
"""

from __future__ import annotations

import joblib
import numpy as np
import sklearn
from job import Job, check_table, do_job
from sklearn.neural_network import MLPClassifier
from stopwatch import take_turns

VERSIONS = {"scikit-learn": sklearn.__version__}


def network(job: Job) -> MLPClassifier:
    """Return the classifier after one step of learning, without which it has no weights."""
    *hidden, _ = [layer for layer in job.layers if layer["layer"] == "Dense"]
    made = MLPClassifier(
        [layer["units"] for layer in hidden],
        activation="relu",
        solver="adam",
        alpha=0.0,
        batch_size=job.batch_size,
        learning_rate_init=job.learning_rate,
        random_state=0,
    )
    pixels, labels = vectors(job)
    made.partial_fit(pixels[: job.batch_size], labels[: job.batch_size], classes=np.arange(job.classes))
    job.check(sum(numbers.size for numbers in (*made.coefs_, *made.intercepts_)))
    return made


def vectors(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels (N, H·W·C) float32 and the labels (N,)."""
    images, labels = job.floats()
    return images.reshape(len(images), -1), labels


def train(job: Job) -> None:
    learning, (pixels, labels) = network(job), vectors(job)
    take_turns(lambda: learning.partial_fit(pixels, labels), len(pixels), VERSIONS)


def predict(job: Job) -> None:
    predicting, (pixels, _) = network(job), vectors(job)
    check_table(job, predicting.predict_proba(pixels), len(pixels))
    take_turns(lambda: predicting.predict_proba(pixels), len(pixels), VERSIONS)


def save(job: Job) -> None:
    joblib.dump(network(job), job.model)


if __name__ == "__main__":
    do_job({"train": train, "predict": predict, "save": save})
