"""The callbacks that every run has: the kept classifier, the history and early stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from picturewise.evaluation.abstaining import thresholds
from picturewise.evaluation.calibration import choose_temperature, choose_temperature_of_readings
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.learned import learned_pictures
from picturewise.runs.history import Epoch, best_epoch, kept_epoch
from picturewise.targets.sequences import is_sequences, same
from picturewise.targets.target import Target
from picturewise.training.learner import Learner
from picturewise.training.trainer import Callback, Trainer


class KeptClassifier(Callback):
    """Saves the classifier whenever an epoch is the best so far by validation accuracy, then loss, or is to be kept."""

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Write classifier.safetensors if this epoch is the one to keep so far."""
        if kept_epoch(trainer.history, trainer.recipe.training.keep) == row:
            classifier_of(trainer, row).save(trainer.run.classifier_path)


class HistoryFile(Callback):
    """Writes history.csv after each epoch."""

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Write all rows again, in one step."""
        trainer.run.save_history(trainer.history)


class EarlyStopping(Callback):
    """Stops the run when validation has not improved for `patience` epochs."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_start(self, trainer: Trainer) -> None:
        """A resumed run may have stopped just before."""
        self._check(trainer)

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Compare with the best epoch."""
        self._check(trainer)

    def _check(self, trainer: Trainer) -> None:
        if not trainer.history:
            return
        best, last = best_epoch(trainer.history).epoch, trainer.history[-1].epoch
        if last - best >= self.patience:
            trainer.stop(
                f"Validation has not improved for {self.patience} epochs; the best was epoch {best}."
            )


def classifier_of(trainer: Trainer, row: Epoch) -> Classifier:
    """Return the trainer's network after the epoch `row` as a classifier.

    It is calibrated on validation pictures if they choose the epoch, or are those of folds.
    """
    data, learner = trainer.record.data, trainer.learner
    temperature = learner.start_temperature
    calibrates = learner.recipe.training.keep == "best" or trainer.folds is not None
    logits, labels = trainer.valid_logits, trainer.validation.pictures.required_labels
    if row.epoch > 0 and calibrates:
        temperature = _temperature(learner.train.target, logits, labels)
    sure = _thresholds(learner.train.target, logits / temperature, labels) if calibrates else None
    return learner.classifier(
        temperature,
        module=trainer.record.module,
        background=data.background,
        provenance={
            "dataset": data.name,
            "train_sha256": data.splits["train"].fingerprint,
            **({} if data.whole_train is None else {"whole_train_sha256": data.whole_train}),
            "epoch": str(row.epoch),
            "seed": str(learner.recipe.seed),
            "picturewise": trainer.record.picturewise,
            **_changed(learner),
        },
        values=data.values,
        cut=data.cut,
        learned=learned_pictures(learner.train.statistics.sums, math.prod(data.shape[:2])),
        thresholds=sure,
    )


def _changed(learner: Learner) -> dict[str, str]:
    """Return how many answers bfloat16 changed, if it was compared with float32."""
    if learner.changed is None:
        return {}
    answers, pictures = learner.changed
    return {"changed_in_bfloat16": f"{answers} of {pictures}"}


def _temperature(target: Target, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    if is_sequences(target):
        return choose_temperature_of_readings(target, logits, labels)
    return choose_temperature(logits, labels)


def _thresholds(
    target: Target, logits: NDArray[np.float32], labels: NDArray[np.int64]
) -> Mapping[str, float] | None:
    """Return from which confidence on readings of validation pictures are accurate; None for classes."""
    if not is_sequences(target):
        return None
    readings, confidence = target.decode(target.probabilities(logits))
    return thresholds(confidence, same(labels, readings))
