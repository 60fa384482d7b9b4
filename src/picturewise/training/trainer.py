"""`Trainer`: the session around a learner, in the folder of a run; and the `Callback`s that it calls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict

from picturewise import logs
from picturewise.circumstances import circumstances
from picturewise.errors import DivergedError, Interrupted, Paused, RunError
from picturewise.networks import weights
from picturewise.runs.history import Epoch
from picturewise.runs.record import RunRecord, SessionFacts
from picturewise.runs.run import Run
from picturewise.training.folds import FoldLoop, Folds
from picturewise.training.head_fit import Fitted
from picturewise.training.held_out import OnSplit
from picturewise.training.interrupts import stop_requests
from picturewise.training.learner import Learner
from picturewise.training.loop import Loop


class Trainer(Loop):
    """Trains a learner in a run folder: checkpoints, signals, the record; callbacks read its attributes.

    Args:
        learner: what is trained.
        run: the folder.
        record: the content of run.json.
        callbacks: called in this order.
        folds: in which the recipe is validated first; None: the learner has a validation split.

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
        self,
        learner: Learner,
        run: Run,
        record: RunRecord,
        callbacks: Sequence[Callback] = (),
        folds: Folds | None = None,
    ) -> None:
        super().__init__(
            learner, run.path, run.checkpoints, folds or OnSplit(learner, learner.required_valid)
        )
        self.run, self.record, self.callbacks, self.folds = run, record, tuple(callbacks), folds

    @property
    def epochs(self) -> int:
        """Epochs in the whole run; the folds may have chosen fewer than the recipe has."""
        return self.learner.epochs if self.folds is None else self.folds.epochs

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
            Paused: a callback called `pause`; a checkpoint was written first.
            DivergedError: the loss is no longer a number; the last good checkpoint is kept.
            SaveError: something could not be written; what was saved before is unchanged.
            UsageError: another process trains in this folder.
            RunError: the checkpoint does not belong to this network and optimizer.
        """
        self._began, self._sessions = time.perf_counter(), self.record.sessions
        with self.run.locked(), self.learner.learning(), stop_requests() as self._request:
            self._restore()
            self._note_status("running")
            try:
                self._train()
                self._note_status("finished", reason=self.stop_reason)
            except (Interrupted, Paused) as interrupted:
                self._note_status("interrupted", reason=str(interrupted))
                raise
            except DivergedError as diverged:
                self._note_status("diverged", reason=str(diverged))
                raise
            finally:
                for callback in self.callbacks:
                    callback.on_stop(self)

    def _train(self) -> None:
        """Train in folds, if there are any, and then on all training pictures."""
        for callback in self.callbacks:
            callback.on_start(self)
        if self.folds is not None and not self.folds.in_head:
            begun = bool(self.history) or self.batch > 0
            self.notes += self.folds.train(self._request, self._tell_fold_batch, self._tell_fold, begun=begun)
        self._run_all()
        if self.epochs < self.learner.epochs and not self.stop_reason:
            self.stop_reason = f"The folds chose epoch {self.epochs} of {self.learner.epochs}."

    def _tell_fold_batch(self, fold: FoldLoop) -> None:
        for callback in self.callbacks:
            callback.on_fold_batch(self, fold)

    def _tell_fold(self, fold: FoldLoop) -> None:
        for callback in self.callbacks:
            callback.on_fold(self, fold)

    def _tell_batch(self) -> None:
        for callback in self.callbacks:
            callback.on_batch(self)

    def _tell_epoch(self, row: Epoch) -> None:
        logs.log("epoch", run=str(self.run.path), epochs=self.epochs, **asdict(row))
        for callback in self.callbacks:
            callback.on_epoch(self, row)

    def _fitted(self, found: Fitted) -> None:
        if self.folds is not None and self.folds.in_head:
            self.folds.use(found.held_out)

    def _begin_afresh(self) -> None:
        if len(self.run.history) > 1:  # after one epoch, restarting gives the same result
            raise RunError(
                f"{self._checkpoints} does not contain a complete checkpoint, so the run cannot be "
                f"resumed from epoch {len(self.run.history)}; its classifier is kept. Train again with: "
                f"picturewise train --recipe {self.run.path / 'recipe.toml'}"
            )
        # Initial weights from elsewhere cannot be drawn again.
        if self.record.module is not None or self.recipe.start.source is not None:
            self._save_checkpoint()

    def _note_status(self, status: str, reason: str = "") -> None:
        final = weights.fingerprint(self.network.state_dict()) if status == "finished" else None
        session = SessionFacts(**circumstances(self._began)._asdict())
        self.record = self.record.model_copy(
            update={
                "status": status,
                "reason": reason,
                "final_weights_sha256": final,
                "sessions": (*self._sessions, session),
            }
        )
        self.run.save_record(self.record)
        event = "training began" if status == "running" else "training ended"
        logs.log(event, run=str(self.run.path), data=self.record.data.name, status=status, reason=reason)


class Callback:
    """Base class of all callbacks; override the methods that you need.

    A callback sees the trainer and its learner, and may read all of both; `trainer.stop(reason)` ends the run after the
    epoch, and `trainer.pause(reason)` ends the session after the batch.
    Do not keep state that cannot be restored from `trainer.history`: a resumed run starts with new callbacks.
    """

    def on_start(self, trainer: Trainer) -> None:
        """Before the first batch, also of a resumed run."""

    def on_fold_batch(self, trainer: Trainer, fold: FoldLoop) -> None:
        """After each batch of the network of a fold; see `Folds`."""

    def on_fold(self, trainer: Trainer, fold: FoldLoop) -> None:
        """After the last epoch of the network of a fold."""

    def on_batch(self, trainer: Trainer) -> None:
        """After each batch."""

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """After each epoch and its validation, before its checkpoint."""

    def on_stop(self, trainer: Trainer) -> None:
        """When the run ends, in any way.

        `trainer.record.status` says how: finished, interrupted, diverged, or still running after another error.
        """
