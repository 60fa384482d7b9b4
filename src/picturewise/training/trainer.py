"""The training loop, read from the top down: fit → one epoch → one batch."""

from __future__ import annotations

import contextlib
import math
import signal
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from picturewise.data.imageset import ImageSet
from picturewise.errors import DivergedError, Interrupted, RunError
from picturewise.networks import weights
from picturewise.networks.transplant import let_learn, new_classes
from picturewise.preparing import augmentation
from picturewise.preparing.augment import augment, turns
from picturewise.preparing.preparation import Preparation
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.runs import checkpoint
from picturewise.runs.checkpoint import Checkpoint, Position
from picturewise.runs.history import Epoch
from picturewise.runs.run import Run, RunRecord
from picturewise.seeds import stream
from picturewise.training.average import WeightAverage
from picturewise.training.batches import Batches, fits
from picturewise.training.engine import NumPyTrainingEngine, TorchTrainingEngine, TrainingEngine
from picturewise.training.freezing import Freezing
from picturewise.training.interrupts import StopRequest, stop_requests
from picturewise.training.machine import Machine, prepared
from picturewise.training.optimizers import Optimizer
from picturewise.training.schedules import factor
from picturewise.training.step import Loss, cross_entropy

GPU_STEPS_BETWEEN_CHECKS = 50


class Trainer:
    """Trains one network in one run folder; callbacks read its attributes.

    Args:
        run: the folder.
        record: what run.json holds.
        recipe: that it trains by.
        network: (B, C, H, W) prepared floats in, (B, K) logits out; changed in place.
        preparation: fitted on `train`.
        machine: where and how to compute.
        train: pictures to learn from, with labels.
        valid: pictures that the best epoch is chosen with, with labels.
        callbacks: called in this order.
        freezing: of layers with pretrained weights, if there are any.
        start_temperature: of a kept output layer before it learns: its probabilities stay what they were.

    Attributes:
        epoch: the one being trained, from 1; after the last, one more than `epochs`.
        batch: the next one in the epoch, from 0.
        seconds: of training in the epoch so far.
        average: of the weights, if the recipe asks for one; validation and `on_epoch` see it in the network's place.
        history: the finished epochs.
        valid_logits: (N, K) of the last validation, before any temperature.
        notes: sentences about what was met on the way, such as a damaged checkpoint.
    """

    def __init__(
        self,
        *,
        run: Run,
        record: RunRecord,
        recipe: EffectiveRecipe,
        network: nn.Module,
        preparation: Preparation,
        machine: Machine,
        train: ImageSet,
        valid: ImageSet,
        callbacks: Sequence[Callback],
        freezing: Freezing | None = None,
        start_temperature: float = 1.0,
    ) -> None:
        options = recipe.training
        self.run, self.record, self.recipe = run, record, recipe
        self.freezing, self.start_temperature = freezing, start_temperature
        self.preparation, self.machine, self.callbacks = preparation, machine, tuple(callbacks)
        self.train, self.valid = train, valid
        self.network = network.to(machine.device)
        factors = {} if freezing is None else freezing.factors()
        self.optimizer = Optimizer(
            options.optimizer,
            network,
            momentum=options.momentum,
            weight_decay=options.weight_decay,
            beta2=options.beta2,
            clip_norm=options.clip_norm,
            factors=factors,
            precision=machine.precision,
        )
        self.average = None if options.ema is None else WeightAverage(self.network, options.ema)
        self.loss = Loss(options.label_smoothing, _class_weights(options.class_weights, train, machine))
        self.engine: TrainingEngine
        if options.engine == "torch":
            self.engine = TorchTrainingEngine(
                network, self.optimizer, machine, preparation, self.loss, recipe.seed
            )
        else:
            self.engine = NumPyTrainingEngine(
                network,
                self.optimizer,
                preparation,
                self.loss,
                recipe,
                train.shape,
                len(train.classes),
                factors,
            )
        self.epochs, self.learning_rate = options.epochs, options.learning_rate
        self.batch_size = options.batch_size
        self.bounds = batch_bounds(len(train), options.batch_size)
        self.history: list[Epoch] = []
        self.epoch, self.batch, self.seconds = 1, 0, 0.0
        self.stop_reason = ""
        self.notes: tuple[str, ...] = ()
        self.valid_logits: NDArray[np.float32] = np.zeros((0, len(train.classes)), np.float32)
        self._augmentations = augmentation.parse(recipe.preparation.augmentation)
        self._mirrored: NDArray[np.bool_] | None = None  # in the first epoch
        if any(item.alternate for item in self._augmentations):
            self._mirrored = stream(recipe.seed, "mirrored").random(len(train)) < 0.5
        self._pictures = Batches(train, machine.device, resident=fits(train, machine.device))
        self._totals = (0.0, 0.0, 0.0)
        self._unread: list[tuple[int, Tensor]] = []  # batch, and what its step saw
        self._request = StopRequest()

    @property
    def batches(self) -> int:
        """Batches an epoch."""
        return len(self.bounds)

    def stop(self, reason: str) -> None:
        """End the run after this epoch; `reason` is kept with the run."""
        self.stop_reason = reason

    def note(self, sentence: str) -> None:
        """Keep a sentence about what was met on the way with the run; progress and report show it.

        Raises:
            SaveError: the record cannot be written.
        """
        if sentence not in self.record.notes:  # a resumed run may meet the same again
            self.notes += (sentence,)
            self.record = self.record.model_copy(update={"notes": (*self.record.notes, sentence)})
            self.run.save_record(self.record)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the order (N,) in which an epoch, from 1, takes the pictures of train."""
        return stream(self.recipe.seed, "order", epoch).permutation(len(self.train))

    def augmented(self, indices: NDArray[np.int64], place: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return the pictures and targets that a batch learns from, on the device.

        Args:
            indices: (B,) of pictures of train.
            place: the batch's epoch, from 1, and number, from 0; with the seed it decides all that is random.

        Returns:
            pictures (B, H, W, C), uint8 or float in 0..255; targets (B, K), shares of classes.
        """
        pictures, targets = self._pictures.at(indices)
        if not self._augmentations:
            return pictures, targets
        random = stream(self.recipe.seed, "augment", *place)
        mirrored = None if self._mirrored is None else turns(self._mirrored[indices], place[0])
        return augment(pictures, targets, self._augmentations, random, mirrored)

    def fit(self) -> None:
        """Train to the end, from the newest checkpoint where there is one.

        Raises:
            Interrupted: SIGINT, SIGTERM or SIGHUP came; a checkpoint was written first.
            DivergedError: the loss is no number any more; the last good checkpoint is kept.
            SaveError: something could not be written; what was saved before is untouched.
            UsageError: another process trains in this folder.
            RunError: the checkpoint is not one of this network and optimizer.
        """
        devices = [self.machine.device] if self.machine.device.type == "cuda" else []
        with (
            self.run.locked(),
            prepared(self.machine),
            torch.random.fork_rng(devices=devices),
            stop_requests() as self._request,
        ):
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
            self._train_epoch()
            with contextlib.nullcontext() if self.average is None else self.average.in_place():
                self._end_epoch()
            self._save_checkpoint()
            self._obey_signals()

    def _train_epoch(self) -> None:
        order = self.begin(self.epoch)
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
        self._read_totals()  # which waits for a GPU to come to the end, so the clock is read once more
        self.seconds = time.perf_counter() - began

    def _train_batch(self, order: NDArray[np.int64]) -> None:
        seen = self.take(order, self.epoch, self.batch, self._rate(self.batch))
        if self.average is not None:
            self.average.update((self.epoch - 1) * self.batches + self.batch + 1)
        self._unread.append((self.batch, seen))
        # Reading a number makes a GPU wait for its queue to empty, so there it is done now and then.
        if self.machine.device.type == "cpu" or len(self._unread) >= GPU_STEPS_BETWEEN_CHECKS:
            self._read_totals()

    def begin(self, epoch: int) -> NDArray[np.int64]:
        """Make the network ready to learn in `epoch`; return the order (N,) in which the pictures of train come."""
        self.network.train()
        if self.freezing is not None:
            self.freezing.apply(epoch)
        return self.order(epoch)

    def take(self, order: NDArray[np.int64], epoch: int, batch: int, learning_rate: float) -> Tensor:
        """Take the step of one batch, counted from 0, of an epoch in this order; return what `train_step` saw."""
        # What is random in this batch depends on the seed and the batch's place alone, so a resumed run repeats it.
        place = (epoch, batch)
        pictures, targets = self.augmented(order[slice(*self.bounds[batch])], place)
        return self.engine.step(pictures, targets, learning_rate, place)

    def _evaluate_start(self) -> None:
        """Put what is known before the first step into the history, as epoch 0: the best one may be that."""
        began = time.perf_counter()
        _, train_loss, train_accuracy = self._evaluated(self.train)
        self.valid_logits, valid_loss, valid_accuracy = self._evaluated(self.valid)
        if not math.isfinite(valid_loss):
            raise self._diverged("validation loss", valid_loss, 0)
        seconds = time.perf_counter() - began
        pictures = len(self.train) + len(self.valid)
        self._tell(
            Epoch(0, 0.0, train_loss, train_accuracy, valid_loss, valid_accuracy, seconds, pictures / seconds)
        )
        if self.epochs > 0:
            head = list(self.network.children())[-1]
            assert isinstance(head, nn.Linear)  # noqa: S101 (the builder's)
            let_learn(head, new_classes(head))
        self._save_checkpoint()

    def _evaluated(self, part: ImageSet) -> tuple[NDArray[np.float32], float, float]:
        """Return the (N, K) logits of pictures, their mean cross-entropy and accuracy."""
        logits = self.engine.logits(part.images, 2 * self.batch_size)
        assert part.labels is not None  # noqa: S101 (checked before training)
        return logits, *cross_entropy(logits, part.labels)

    def _tell(self, row: Epoch) -> None:
        self.history.append(row)
        for callback in self.callbacks:
            callback.on_epoch(self, row)

    def _end_epoch(self) -> None:
        """Validate, add the epoch to the history, tell the callbacks, and turn to the next epoch."""
        began = time.perf_counter()
        self.valid_logits, valid_loss, valid_accuracy = self._evaluated(self.valid)
        if not math.isfinite(valid_loss):
            raise self._diverged("validation loss", valid_loss, self.batches - 1)
        total_loss, right, pictures = self._totals
        row = Epoch(
            epoch=self.epoch,
            learning_rate=self._rate(self.batches - 1),
            train_loss=total_loss / pictures,
            train_accuracy=right / pictures,
            valid_loss=valid_loss,
            valid_accuracy=valid_accuracy,
            seconds=self.seconds + time.perf_counter() - began,
            images_per_second=pictures / self.seconds,
        )
        self._tell(row)
        self.epoch, self.batch, self.seconds, self._totals = self.epoch + 1, 0, 0.0, (0.0, 0.0, 0.0)

    def _rate(self, batch: int) -> float:
        """Return the learning rate of a batch of this epoch."""
        step = (self.epoch - 1) * self.batches + batch
        steps = self.epochs * self.batches
        return self.learning_rate * factor(self.recipe.training.schedule, step, steps)

    def _read_totals(self) -> None:
        """Add what the last steps saw to the totals, and make sure that every loss is a number."""
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
        """Return the error for what came of a batch of this epoch; -1 is the last batch of the epoch before."""
        rate = self._rate(batch)
        step = (self.epoch - 1) * self.batches + batch
        kept = "The last good checkpoint and the best classifier so far are kept. " if self.history else ""
        return DivergedError(
            f"The {what} became {value} in epoch {step // self.batches + 1}, batch {step % self.batches + 1} of "
            f"{self.batches} (step {step + 1}), at learning rate {rate:.3g}. {kept}Train again with a lower one: "
            f"--set training.learning_rate={self.learning_rate / 10:.3g}"
        )

    def _save_checkpoint(self) -> None:
        self._read_totals()
        # Parameters only: a buffer may be infinite on purpose, such as a mask.
        finite = [torch.isfinite(parameter).all() for parameter in self.network.parameters()]
        if not torch.stack(finite).all():  # one answer to wait for
            raise self._diverged("weights", math.nan, self.batch - 1)
        position = Position(self.epoch, self.batch, self._totals, self.seconds, tuple(self.history))
        state = self.optimizer.state() | (self.average.state() if self.average is not None else {})
        checkpoint.save(self.run.checkpoints, Checkpoint(position, self.network.state_dict(), state))

    def _restore(self) -> None:
        """Take over the newest whole checkpoint, if there is one."""
        found, notes = checkpoint.newest(self.run.checkpoints)
        self.notes += notes
        if found is None:
            if len(self.run.history) > 1:  # after one epoch, going back to the start brings the same again
                raise RunError(
                    f"{self.run.checkpoints} holds no whole checkpoint, so the run cannot go on from epoch "
                    f"{len(self.run.history)}; its classifier is kept. Train anew with: "
                    f"picturewise train --recipe {self.run.path / 'recipe.toml'}"
                )
            # Nobody could draw the first weights again that came from elsewhere.
            if self.record.module is not None or self.recipe.start.source is not None:
                self._save_checkpoint()
            return
        weights.load_weights(self.network, found.weights, str(self.run.checkpoints))
        self.optimizer.load(found.optimizer)
        if self.average is not None:
            self.average.load(found.optimizer)
        at = found.position
        checkpoint.prune(self.run.checkpoints, at)  # a run killed right after a save did not come to it
        self.epoch, self.batch, self.seconds = at.epoch, at.batch, at.seconds
        self._totals, self.history = at.totals, list(at.history)

    def _obey_signals(self) -> None:
        number = self._request.signal_number
        if number is not None:
            epoch = min(self.epoch, self.epochs)
            raise Interrupted(
                f"Stopped by {signal.Signals(number).name} in epoch {epoch}, batch {self.batch} of {self.batches}, "
                f"after a checkpoint. Go on with: picturewise resume {self.run.path}",
                number,
            )

    def _note_status(self, status: str, reason: str = "") -> None:
        final = weights.fingerprint(self.network.state_dict()) if status == "finished" else None
        self.record = self.record.model_copy(
            update={"status": status, "reason": reason, "final_weights_sha256": final}
        )
        self.run.save_record(self.record)


def batch_bounds(pictures: int, batch_size: int) -> list[tuple[int, int]]:
    """Return (start, stop) of each batch; a last one of a single picture joins the one before it.

    Batch normalisation needs at least two pictures to speak of a variance.

    >>> batch_bounds(9, 4)
    [(0, 4), (4, 9)]
    """
    starts = list(range(0, pictures, batch_size))
    if len(starts) > 1 and pictures - starts[-1] == 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], pictures], strict=True))


def _class_weights(kind: str, train: ImageSet, machine: Machine) -> Tensor | None:
    """Return (K,) weights N / (K · pictures of the class), of mean 1 over the pictures if every class has some."""
    if kind == "none":
        return None
    counts = np.array(list(train.counts().values()), np.float64)
    return torch.tensor(len(train) / (len(counts) * np.maximum(counts, 1)), dtype=torch.float32).to(
        machine.device
    )


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
