"""`Trainer`: the session around a learner, read from the top down: fit → one epoch → one batch."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from picturewise.errors import DivergedError, Interrupted, RunError
from picturewise.networks import weights
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.runs import checkpoint
from picturewise.runs.checkpoint import Checkpoint, Position
from picturewise.runs.history import Epoch
from picturewise.runs.record import RunRecord
from picturewise.runs.run import Run
from picturewise.training.interrupts import StopRequest, stop_requests
from picturewise.training.learner import Learner

GPU_STEPS_BETWEEN_CHECKS = 50


class Trainer:
    """Trains a learner in a run folder: checkpoints, signals, the record; callbacks read its attributes.

    Args:
        learner: what is trained.
        run: the folder.
        record: the content of run.json.
        callbacks: called in this order.

    Attributes:
        epoch: the current one, from 1; after the last, one more than `epochs`.
        batch: the next one in the epoch, from 0.
        seconds: of training in the epoch so far.
        history: the finished epochs.
        valid_logits: (N, outputs) of the last validation, before any temperature.
        stop_reason: why the run ends after this epoch; empty: it does not.
        notes: sentences about what happened during training, such as a damaged checkpoint.
    """

    def __init__(
        self, learner: Learner, run: Run, record: RunRecord, callbacks: Sequence[Callback] = ()
    ) -> None:
        self.learner, self.run, self.record, self.callbacks = learner, run, record, tuple(callbacks)
        self.epoch, self.batch, self.seconds = 1, 0, 0.0
        self.history: list[Epoch] = []
        self.valid_logits: NDArray[np.float32] = np.zeros((0, learner.train.target.outputs), np.float32)
        self.stop_reason = ""
        self.notes: tuple[str, ...] = ()
        self._totals = (0.0, 0.0, 0.0)
        self._unread: list[tuple[int, Tensor]] = []  # batch, and the result of its step
        self._request = StopRequest()

    @property
    def recipe(self) -> EffectiveRecipe:
        """The recipe of the run."""
        return self.learner.recipe

    @property
    def network(self) -> nn.Module:
        """The trained network; in `on_epoch` with its averaged weights, if the recipe asks for an average."""
        return self.learner.network

    @property
    def epochs(self) -> int:
        """Epochs in the whole run."""
        return self.learner.epochs

    @property
    def batches(self) -> int:
        """Batches per epoch."""
        return self.learner.batches

    def stop(self, reason: str) -> None:
        """End the run after this epoch; `reason` is stored with the run."""
        self.stop_reason = reason

    def note(self, sentence: str) -> None:
        """Store a sentence about what happened with the run; progress and report show it.

        Raises:
            SaveError: the record cannot be written.
        """
        if sentence not in self.record.notes:  # a resumed run may encounter the same again
            self.notes += (sentence,)
            self.record = self.record.model_copy(update={"notes": (*self.record.notes, sentence)})
            self.run.save_record(self.record)

    def fit(self) -> None:
        """Train to the end, from the newest checkpoint if there is one.

        Raises:
            Interrupted: SIGINT, SIGTERM or SIGHUP arrived; a checkpoint was written first.
            DivergedError: the loss is no longer a number; the last good checkpoint is kept.
            SaveError: something could not be written; what was saved before is unchanged.
            UsageError: another process trains in this folder.
            RunError: the checkpoint does not belong to this network and optimizer.
        """
        with self.run.locked(), self.learner.learning(), stop_requests() as self._request:
            self._restore()
            self._note_status("running")
            try:
                self._run_epochs()
                self._note_status("finished", reason=self.stop_reason)
            except Interrupted as interrupted:
                self._note_status("interrupted", reason=str(interrupted))
                raise
            except DivergedError as diverged:
                self._note_status("diverged", reason=str(diverged))
                raise
            finally:
                for callback in self.callbacks:
                    callback.on_stop(self)

    def _run_epochs(self) -> None:
        for callback in self.callbacks:
            callback.on_start(self)
        if self.recipe.start.head == "keep" and not self.history:
            self._evaluate_start()
        while self.epoch <= self.epochs and not self.stop_reason:
            if self.learner.fits_head(self.epoch):
                self._fit_head()
            else:
                self._train_epoch()
            with self.learner.averaged():
                self._end_epoch()
            self._save_checkpoint()
            self._obey_signals()

    def _train_epoch(self) -> None:
        order = self.learner.begin(self.epoch)
        began, saved = time.perf_counter() - self.seconds, time.perf_counter()
        while self.batch < self.batches:
            self._train_batch(order)
            self.batch += 1
            now = time.perf_counter()
            self.seconds = now - began
            for callback in self.callbacks:
                callback.on_batch(self)
            if (
                self._request.signal_number is not None
                or now - saved > 60 * self.recipe.training.checkpoint_minutes
            ):
                self._save_checkpoint()
                self._obey_signals()
                saved = now
        self._read_totals()  # this waits for a GPU to finish, so the clock is read again
        self.seconds = time.perf_counter() - began

    def _fit_head(self) -> None:
        """Fit the output layer on the features of all pictures, which are computed batch by batch."""
        fit, began = self.learner.head_fit(), time.perf_counter()
        for done in fit.features.compute():
            self.batch = sum(stop <= done for _, stop in self.learner.bounds)
            self.seconds = time.perf_counter() - began
            for callback in self.callbacks if self.batch else ():
                callback.on_batch(self)
            if (
                self._request.signal_number is not None
            ):  # computed features are lost, so the epoch begins again
                self.batch, self.seconds = 0, 0.0
                self._save_checkpoint()
                self._obey_signals()
        found = fit.finish()
        self._totals = (found.loss, float(found.right), float(len(self.learner.train)))
        self.seconds = time.perf_counter() - began

    def _train_batch(self, order: NDArray[np.int64]) -> None:
        rate = self.learner.rate(self.epoch, self.batch)
        seen = self.learner.step(order, self.epoch, self.batch, rate)
        self._unread.append((self.batch, seen))
        # Reading a number waits until a GPU's queue is empty, so on a GPU it is done only from time to time.
        if self.learner.machine.device.type == "cpu" or len(self._unread) >= GPU_STEPS_BETWEEN_CHECKS:
            self._read_totals()

    def _evaluate_start(self) -> None:
        """Add the validation before the first step to the history as epoch 0, which may be the best one."""
        learner, began = self.learner, time.perf_counter()
        _, train_loss, train_accuracy = learner.evaluate(learner.train)
        before = time.perf_counter()
        self.valid_logits, valid_loss, valid_accuracy = learner.evaluate(learner.valid)
        valid_seconds = time.perf_counter() - before
        if not math.isfinite(valid_loss):
            raise self._diverged("validation loss", valid_loss, 0)
        seconds = time.perf_counter() - began
        pictures = len(learner.train) + len(learner.valid)
        speed = pictures / seconds
        self._tell(
            Epoch(
                0, 0.0, train_loss, train_accuracy, valid_loss, valid_accuracy, seconds, speed, valid_seconds
            )
        )
        if self.epochs > 0:
            learner.let_new_classes_learn()
        self._save_checkpoint()

    def _tell(self, row: Epoch) -> None:
        self.history.append(row)
        for callback in self.callbacks:
            callback.on_epoch(self, row)

    def _end_epoch(self) -> None:
        """Validate, add the epoch to the history, call the callbacks, and move to the next epoch."""
        began = time.perf_counter()
        self.valid_logits, valid_loss, valid_accuracy = self.learner.evaluate(self.learner.valid)
        valid_seconds = time.perf_counter() - began
        if not math.isfinite(valid_loss):
            raise self._diverged("validation loss", valid_loss, self.batches - 1)
        total_loss, right, pictures = self._totals
        fitted = self.learner.fits_head(self.epoch)
        row = Epoch(
            epoch=self.epoch,
            learning_rate=0.0 if fitted else self.learner.rate(self.epoch, self.batches - 1),
            train_loss=total_loss / pictures,
            train_accuracy=right / pictures,
            valid_loss=valid_loss,
            valid_accuracy=valid_accuracy,
            seconds=self.seconds + valid_seconds,
            images_per_second=pictures / self.seconds,
            valid_seconds=valid_seconds,
        )
        self._tell(row)
        self.epoch, self.batch, self.seconds, self._totals = self.epoch + 1, 0, 0.0, (0.0, 0.0, 0.0)

    def _read_totals(self) -> None:
        """Add the results of the last steps to the totals, and check that every loss is a number."""
        if not self._unread:
            return
        batches, seen = zip(*self._unread, strict=True)
        self._unread.clear()
        for batch, (minimised, loss, right, pictures) in zip(
            batches, torch.stack(seen).tolist(), strict=True
        ):
            if not math.isfinite(minimised):
                raise self._diverged("loss", minimised, batch)
            self._totals = (self._totals[0] + loss, self._totals[1] + right, self._totals[2] + pictures)

    def _diverged(self, what: str, value: float, batch: int) -> DivergedError:
        """Return the error for the result of a batch of this epoch; -1 is the last batch of the epoch before."""
        rate = self.learner.rate(self.epoch, batch)
        step = (self.epoch - 1) * self.batches + batch
        kept = "; the last good checkpoint and the best classifier so far are kept" if self.history else ""
        return DivergedError(
            f"The {what} became {value} in epoch {step // self.batches + 1}, batch {step % self.batches + 1} of "
            f"{self.batches} (step {step + 1}), at learning rate {rate:.3g}{kept}. Train again with a lower rate: "
            f"--learning-rate {self.learner.learning_rate / 10:.3g}"
        )

    def _save_checkpoint(self) -> None:
        self._read_totals()
        if not self.learner.finite():
            raise self._diverged("weights", math.nan, self.batch - 1)
        position = Position(self.epoch, self.batch, self._totals, self.seconds, tuple(self.history))
        checkpoint.save(self.run.checkpoints, Checkpoint(position, *self.learner.state()))

    def _restore(self) -> None:
        """Load the newest complete checkpoint, if there is one."""
        numbers = sum(tensor.numel() for tensor in self.learner.state()[0].values())
        found, notes = checkpoint.newest(self.run.checkpoints, numbers)
        self.notes += notes
        if found is None:
            if len(self.run.history) > 1:  # after one epoch, restarting gives the same result
                raise RunError(
                    f"{self.run.checkpoints} does not contain a complete checkpoint, so the run cannot be "
                    f"resumed from epoch {len(self.run.history)}; its classifier is kept. Train again with: "
                    f"picturewise train --recipe {self.run.path / 'recipe.toml'}"
                )
            # Initial weights from elsewhere cannot be drawn again.
            if self.record.module is not None or self.recipe.start.source is not None:
                self._save_checkpoint()
            return
        position = found.position
        begun = position.batch == 0 or position.totals[2] > 0
        behind = {position.epoch - 1, position.epoch}  # one more if the start is evaluated
        if position.batch > self.batches or len(position.history) not in behind or not begun:
            epochs = f"{len(position.history):,} finished epoch{'s' * (len(position.history) != 1)}"
            raise RunError(
                f"{self.run.checkpoints} does not belong to this run: it is at batch {position.batch:,} of epoch "
                f"{position.epoch:,}, with {epochs}. Restore the original files, or train again."
            )
        self.learner.load(found.weights, found.optimizer, str(self.run.checkpoints))
        at = found.position
        checkpoint.prune(self.run.checkpoints, at)  # a run killed right after a save did not do it
        self.epoch, self.batch, self.seconds = at.epoch, at.batch, at.seconds
        self._totals, self.history = at.totals, list(at.history)

    def _obey_signals(self) -> None:
        number = self._request.signal_number
        if number is not None:
            epoch = min(self.epoch, self.epochs)
            raise Interrupted(
                f"Stopped by {signal.Signals(number).name} in epoch {epoch}, batch {self.batch} of {self.batches}, "
                f"after saving a checkpoint. Continue with: picturewise resume {self.run.path}",
                number,
            )

    def _note_status(self, status: str, reason: str = "") -> None:
        final = weights.fingerprint(self.network.state_dict()) if status == "finished" else None
        self.record = self.record.model_copy(
            update={"status": status, "reason": reason, "final_weights_sha256": final}
        )
        self.run.save_record(self.record)


class Callback:
    """Base class of all callbacks; override the methods that you need.

    A callback sees the trainer and its learner, and may read all of both; `trainer.stop(reason)` ends the run after the
    epoch.
    Do not keep state that cannot be restored from `trainer.history`: a resumed run starts with new callbacks.
    """

    def on_start(self, trainer: Trainer) -> None:
        """Before the first batch, also of a resumed run."""

    def on_batch(self, trainer: Trainer) -> None:
        """After each batch."""

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """After each epoch and its validation, before its checkpoint."""

    def on_stop(self, trainer: Trainer) -> None:
        """When the run ends, in any way.

        `trainer.record.status` says how: finished, interrupted, diverged, or still running after another error.
        """
