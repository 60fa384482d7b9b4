"""Progress: the options, how far training is, and one line per epoch; on the standard error output or in a notebook."""

from __future__ import annotations

from rich.console import Console

from picturewise.notebook import in_notebook
from picturewise.runs.history import Epoch, best_epoch, kept_epoch
from picturewise.standard_error import standard_error_of_now
from picturewise.text_tables import folded
from picturewise.training.folds import FoldLoop
from picturewise.training.opening import opening
from picturewise.training.screens import NotebookScreen, Screen, StreamScreen
from picturewise.training.trainer import Callback, Trainer

_COLUMNS = ("train loss", "accuracy", "valid loss", "accuracy", "images/s")


class ProgressDisplay(Callback):
    """Shows the network and the options, epoch, batch, images per second and the time left, and each epoch's result."""

    def __init__(self, console: Console | None = None) -> None:
        self._screen = _screen(console)
        self._told = self._in_folds = 0
        self._headed = False

    def on_start(self, trainer: Trainer) -> None:
        """Show the options of a new run, or the position of a resumed one, and begin the live line."""
        done = (trainer.epoch - 1) * trainer.batches + trainer.batch
        in_folds = 0 if trainer.folds is None else trainer.folds.steps
        if trainer.folds is not None and trainer.folds.begun and not (done or trainer.history):
            complete, count = trainer.folds.complete, trainer.folds.count
            rest = f"Continuing in fold {complete + 1}." if complete < count else "Training on all pictures."
            self._screen.say(f"{complete} of {count} folds are complete. {rest}")
        elif not (done or trainer.history):
            self._screen.say(opening(trainer))
        self._tell_notes(trainer)
        if done and trainer.epoch <= trainer.epochs:
            self._screen.say(
                f"Continuing from epoch {trainer.epoch}, batch {trainer.batch} of {trainer.batches}."
            )
        before = in_folds if done or trainer.history else 0
        self._screen.begin(in_folds + trainer.epochs * trainer.batches, before + done)
        self._in_folds = in_folds

    def on_fold_batch(self, trainer: Trainer, fold: FoldLoop) -> None:
        """Move the live line, which counts the batches of all folds."""
        assert trainer.folds is not None  # noqa: S101 (this is one of them)
        self._screen.move(
            trainer.folds.steps_before(fold.number) + (fold.epoch - 1) * fold.batches + fold.batch,
            f"fold {fold.number}/{trainer.folds.count}  epoch {fold.epoch}/{fold.epochs}",
            f"{fold.learner.bounds[fold.batch - 1][1] / fold.seconds:,.0f} images/s",
        )

    def on_fold(self, trainer: Trainer, fold: FoldLoop) -> None:
        """Show how good the network of a fold was."""
        assert trainer.folds is not None  # noqa: S101 (this is one of them)
        kept = kept_epoch(fold.history, trainer.recipe.training.keep)
        self._screen.say(
            f"fold {fold.number}/{trainer.folds.count}  {trainer.recipe.training.keep} epoch {kept.epoch}  "
            f"loss {kept.valid_loss:.4f} accuracy {kept.valid_accuracy:.4f}"
        )

    def on_batch(self, trainer: Trainer) -> None:
        """Move the live line."""
        pictures = trainer.learner.bounds[trainer.batch - 1][1]
        self._screen.move(
            self._in_folds + (trainer.epoch - 1) * trainer.batches + trainer.batch,
            f"epoch {trainer.epoch}/{trainer.epochs}  batch {trainer.batch}/{trainer.batches}",
            f"{pictures / trainer.seconds:,.0f} images/s",
        )

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Show the results of the epoch."""
        epoch = f"epoch {row.epoch:{len(str(trainer.epochs))}}/{trainer.epochs}"
        if not self._headed:
            self._screen.say("  ".join((" " * len(epoch), *_COLUMNS)))
            self._headed = True
        losses = row.train_loss, row.train_accuracy, row.valid_loss, row.valid_accuracy
        cells = *(f"{value:.4f}" for value in losses), f"{row.images_per_second:,.0f}"
        keep = trainer.recipe.training.keep
        best = "  best" if keep == "best" and best_epoch(trainer.history) == row else ""
        aligned = (f"{cell:>{len(name)}}" for cell, name in zip(cells, _COLUMNS, strict=True))
        self._screen.say("  ".join((epoch, *aligned)) + best)
        self._tell_notes(trainer)

    def on_stop(self, trainer: Trainer) -> None:
        """End the live line."""
        self._screen.end()
        self._tell_notes(trainer)
        if trainer.stop_reason:
            self._screen.say(folded(trainer.stop_reason))

    def _tell_notes(self, trainer: Trainer) -> None:
        """Show the notes that came since the last time."""
        for note in trainer.notes[self._told :]:
            self._screen.say(folded(note))
        self._told = len(trainer.notes)


def _screen(console: Console | None) -> Screen:
    if console is None and in_notebook():
        return NotebookScreen()
    return StreamScreen(console or Console(file=standard_error_of_now(), highlight=False))
