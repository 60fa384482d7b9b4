"""Callbacks: what happens around the loop, in a small protocol that users can follow too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picturewise.evaluation.calibration import fit_temperature
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.runs.history import Epoch, best_epoch

if TYPE_CHECKING:
    from picturewise.training.loop import Trainer


class Callback:
    """Base of all callbacks; override what you need.

    A callback sees the trainer and may read all of it; `trainer.stop(reason)` ends the run after the epoch.
    Keep no state that `trainer.history` does not give back: a resumed run starts with new callbacks.
    """

    def on_start(self, trainer: Trainer) -> None:
        """Before the first batch, also of a resumed run."""

    def on_batch(self, trainer: Trainer) -> None:
        """After each batch."""

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """After each epoch and its validation, before its checkpoint."""

    def on_stop(self, trainer: Trainer) -> None:
        """When the run ends, however it ends.

        `trainer.record.status` says how: finished, interrupted, diverged, or still running: by another error.
        """


class BestClassifier(Callback):
    """Saves the classifier whenever an epoch is the best so far by validation accuracy, then loss."""

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Write classifier.safetensors if this epoch is the best."""
        if best_epoch(trainer.history) == row:
            classifier_of(trainer, row).save(trainer.run.classifier_path)


class HistoryFile(Callback):
    """Writes history.csv after each epoch."""

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Write all rows anew, in one step."""
        trainer.run.save_history(trainer.history)


class EarlyStopping(Callback):
    """Stops the run when validation has not improved for `patience` epochs."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_start(self, trainer: Trainer) -> None:
        """A resumed run may have stopped right before."""
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
    """Return the trainer's network, as it stands after the epoch `row`, as a classifier calibrated on validation."""
    data = trainer.record.data
    valid_labels = trainer.valid.labels
    assert valid_labels is not None  # noqa: S101 (checked before training)
    description = Description(
        layers=trainer.recipe.model.layers,
        module=trainer.record.module,
        shape=data.shape,
        fit=trainer.recipe.data.fit,
        classes=data.classes,
        preparation=trainer.preparation,
        temperature=trainer.start_temperature
        if row.epoch == 0
        else fit_temperature(trainer.valid_logits, valid_labels),
        provenance={
            "dataset": data.name,
            "train_sha256": data.splits["train"].fingerprint,
            "epoch": str(row.epoch),
            "seed": str(trainer.recipe.seed),
            "picturewise": trainer.record.picturewise,
        },
    )
    return Classifier(trainer.network, description)
