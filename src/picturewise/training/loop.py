"""`Loop`: trains a learner epoch by epoch with checkpoints in a folder, from the top down: epochs → epoch → batch."""

from __future__ import annotations

import math
import signal
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from picturewise.errors import DivergedError, Interrupted, Paused, RunError
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.runs import checkpoint
from picturewise.runs.checkpoint import Checkpoint, Position
from picturewise.runs.history import Epoch
from picturewise.training.alike import check_weights
from picturewise.training.head_fit import Fitted
from picturewise.training.held_out import Validation
from picturewise.training.interrupts import StopRequest
from picturewise.training.learner import Learner

GPU_STEPS_BETWEEN_CHECKS = 50
"""Between two readings of the losses."""
_SAVE, _PAUSE = 1_000, 2_000
"""Tell all workers to save a checkpoint, or also to end the session; lower numbers are signals."""


class Loop:
    """Trains a learner, with checkpoints in a folder; what happens around batches and epochs is up to a subclass.

    Args:
        learner: what is trained.
        run: the run's folder, for messages.
        checkpoints: the folder of the checkpoints.
        validation: what is measured after each epoch.

    Attributes:
        epoch: the current one, from 1; after the last, one more than `epochs`.
        batch: the next one in the epoch, from 0.
        seconds: of training in the epoch so far.
        history: the finished epochs.
        valid_logits: (N, outputs) of the last validation, before any temperature.
        stop_reason: why training ends after this epoch; empty: it does not.
        notes: sentences about what happened during training, such as a damaged checkpoint.
    """

    def __init__(self, learner: Learner, run: Path, checkpoints: Path, validation: Validation) -> None:
        self.learner, self.validation = learner, validation
        self.epoch, self.batch, self.seconds = 1, 0, 0.0
        self.history: list[Epoch] = []
        self.valid_logits: NDArray[np.float32] = np.zeros((0, learner.train.target.outputs), np.float32)
        self.stop_reason = ""
        self.notes: tuple[str, ...] = ()
        self._place, self._checkpoints = run, checkpoints
        self._part = ""  # of the run, for messages
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

    def pause(self, reason: str) -> None:
        """End the session after this batch with a checkpoint, from which the run can be resumed.

        `fit` then raises `Paused`.

        Args:
            reason: as the end of a sentence, such as "because the time is over".
        """
        self._request.reason = reason

    def _run_all(self) -> None:
        """Train to the last epoch, and evaluate a network that starts with its output layer before that."""
        self.stop_reason = self.learner.group.told(self.stop_reason)
        if self.recipe.start.head == "keep" and not self.history:
            self._evaluate_start()
        self._run_epochs()

    def _run_epochs(self) -> None:
        """Train to the last epoch, from where it is now."""
        while self.epoch <= self.epochs and not self.stop_reason:
            if self.learner.fits_head(self.epoch):
                self._fit_head()
            else:
                self._train_epoch()
            with self.learner.averaged():
                self._end_epoch()
            check_weights(self.learner)
            self._save_checkpoint()
            self._obey(self.learner.group.largest(self._wish()))

    def _train_epoch(self) -> None:
        order = self.learner.begin(self.epoch)
        began, saved = time.perf_counter() - self.seconds, time.perf_counter()
        while self.batch < self.batches:
            self._train_batch(order)
            self.batch += 1
            now = time.perf_counter()
            self.seconds = now - began
            self._tell_batch()
            overdue = now - saved > 60 * self.recipe.training.checkpoint_minutes
            heard = self.learner.group.heard(self._wish() or _SAVE * overdue)
            if heard:
                self._save_checkpoint()
                self._obey(heard)
                saved = now
        self._read_totals()  # this waits for a GPU to finish, so the clock is read again
        self.seconds = time.perf_counter() - began

    def _fit_head(self) -> None:
        """Fit the output layer on the features of all pictures, which are computed batch by batch."""
        fit, began = self.learner.head_fit(), time.perf_counter()
        for done in fit.features.compute():
            self.batch = sum(stop <= done for _, stop in self.learner.bounds)
            self.seconds = time.perf_counter() - began
            if self.batch:
                self._tell_batch()
            # Several workers wait for each other only after the fit.
            wish = self._wish() if self.learner.group.size == 1 else 0
            if wish:  # computed features are lost, so the epoch begins again
                self.batch, self.seconds = 0, 0.0
                self._save_checkpoint()
                self._obey(wish)
        found = fit.finish()
        self._fitted(found)
        self._totals = (found.loss, float(found.right), float(len(self.learner.train)))
        self.seconds = time.perf_counter() - began

    def _train_batch(self, order: NDArray[np.int64]) -> None:
        rate = self.learner.rate(self.epoch, self.batch)
        seen = self.learner.step(order, self.epoch, self.batch, rate)
        self._unread.append((self.batch, seen))
        # Reading a number waits until a GPU's queue is empty, so on a GPU it is done only from time to time.
        if self.learner.machine.device.type == "cpu" or len(self._unread) >= GPU_STEPS_BETWEEN_CHECKS:
            self._read_totals()

    def _tell_batch(self) -> None:
        """A batch was trained."""

    def _tell_epoch(self, row: Epoch) -> None:
        """An epoch was trained and validated; it is already in the history."""

    def _begin_afresh(self) -> None:
        """There is no checkpoint to continue from."""

    def _fitted(self, found: Fitted) -> None:
        """The output layer was fitted at once."""

    def _end_epoch(self) -> None:
        """Validate, add the epoch to the history, call the callbacks, and move to the next epoch."""
        began = time.perf_counter()
        self.learner.choose_format()
        found = self.validation.measure(self.epoch)
        self.valid_logits, valid_loss, valid_accuracy = found.logits, found.loss, found.accuracy
        valid_seconds = time.perf_counter() - began + found.seconds
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
            views=found.views,
        )
        self.history.append(row)
        self._tell_epoch(row)
        self.stop_reason = self.learner.group.told(self.stop_reason)
        self.epoch, self.batch, self.seconds, self._totals = self.epoch + 1, 0, 0.0, (0.0, 0.0, 0.0)

    def _evaluate_start(self) -> None:
        """Add the validation before the first step to the history as epoch 0, which may be the best one."""
        learner, began = self.learner, time.perf_counter()
        learner.choose_format()
        _, train_loss, train_accuracy = learner.evaluate(learner.train)
        before = time.perf_counter()
        found = self.validation.measure(0)
        self.valid_logits, valid_loss, valid_accuracy = found.logits, found.loss, found.accuracy
        valid_seconds = time.perf_counter() - before
        if not math.isfinite(valid_loss):
            raise self._diverged("validation loss", valid_loss, 0)
        seconds = time.perf_counter() - began
        pictures = len(learner.train) + len(self.validation.pictures)
        speed = pictures / seconds
        row = Epoch(
            0,
            0.0,
            train_loss,
            train_accuracy,
            valid_loss,
            valid_accuracy,
            seconds,
            speed,
            valid_seconds,
            found.views,
        )
        self.history.append(row)
        self._tell_epoch(row)
        if self.epochs > 0:
            learner.let_new_classes_learn()
        self._save_checkpoint()

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
        has_classifier = self.history and not self._part
        kept = "; the last good checkpoint and the best classifier so far are kept" if has_classifier else ""
        return DivergedError(
            f"The {what} became {value} in {self._part}epoch {step // self.batches + 1}, batch "
            f"{step % self.batches + 1} of {self.batches} (step {step + 1}), at learning rate {rate:.3g}{kept}. "
            f"Train again with a lower rate: --learning-rate {self.learner.learning_rate / 10:.3g}"
        )

    def _save_checkpoint(self) -> None:
        self._read_totals()
        if not self.learner.finite():
            raise self._diverged("weights", math.nan, self.batch - 1)
        if self.learner.group.rank > 0:
            return
        position = Position(self.epoch, self.batch, self._totals, self.seconds, tuple(self.history))
        checkpoint.save(self._checkpoints, Checkpoint(position, *self.learner.state()))

    def _restore(self) -> None:
        """Load the newest complete checkpoint, if there is one; only the first worker needs it."""
        if self.learner.group.rank == 0:
            self._load_newest()
        if self.learner.group.size > 1:
            self._meet()

    def _meet(self) -> None:
        """Begin where the first worker begins, with its weights."""
        group = self.learner.group
        rows = [asdict(row) for row in self.history]
        self.epoch, self.batch, self.seconds, totals, rows, self.stop_reason = group.told(
            [self.epoch, self.batch, self.seconds, self._totals, rows, self.stop_reason]
        )
        self._totals, self.history = tuple(totals), [Epoch(**row) for row in rows]
        weights, optimizer = self.learner.state()
        group.share([*weights.values(), *optimizer.values()])

    def _load_newest(self) -> None:
        numbers = sum(tensor.numel() for tensor in self.learner.state()[0].values())
        found, notes = checkpoint.newest(self._checkpoints, numbers)
        self.notes += notes
        if found is None:
            self._begin_afresh()
            return
        position = found.position
        begun = position.batch == 0 or position.totals[2] > 0
        behind = {position.epoch - 1, position.epoch}  # one more if the start is evaluated
        if position.batch > self.batches or len(position.history) not in behind or not begun:
            epochs = f"{len(position.history):,} finished epoch{'s' * (len(position.history) != 1)}"
            raise RunError(
                f"{self._checkpoints} does not belong to this run: it is at batch {position.batch:,} of epoch "
                f"{position.epoch:,}, with {epochs}. Restore the original files, or train again."
            )
        self.learner.load(found.weights, found.optimizer, str(self._checkpoints))
        at = found.position
        checkpoint.prune(self._checkpoints, at)  # a run killed right after a save did not do it
        self.epoch, self.batch, self.seconds = at.epoch, at.batch, at.seconds
        self._totals, self.history = at.totals, list(at.history)

    def _wish(self) -> int:
        """Return what this worker was asked for: the number of a signal, `_PAUSE`, or 0."""
        return self._request.signal_number or _PAUSE * bool(self._request.reason)

    def _obey(self, wish: int) -> None:
        """Stop here if a worker was asked for it; a run whose last epoch is complete is not paused."""
        epoch = min(self.epoch, self.epochs)
        where = (
            f"in {self._part}epoch {epoch}, batch {self.batch} of {self.batches}, after saving a checkpoint"
        )
        go_on = f"Continue with: picturewise resume {self._place}"
        if wish in signal.valid_signals():
            raise Interrupted(f"Stopped by {signal.Signals(wish).name} {where}. {go_on}", wish)
        if wish == _PAUSE and self.epoch <= self.epochs and not self.stop_reason:
            raise Paused(f"Paused {where}, {self._request.reason}. {go_on}")
