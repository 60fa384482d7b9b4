"""Progress: the options, how far training is, and one line per epoch; on the standard error output or in a notebook."""

from __future__ import annotations

from rich.console import Console

from picturewise.notebook import in_notebook
from picturewise.runs.history import Epoch, best_epoch
from picturewise.standard_error import standard_error_of_now
from picturewise.training.opening import opening
from picturewise.training.screens import NotebookScreen, Screen, StreamScreen
from picturewise.training.trainer import Callback, Trainer


class ProgressDisplay(Callback):
    """Shows the network and the options, epoch, batch, images per second and the time left, and each epoch's result."""

    def __init__(self, console: Console | None = None) -> None:
        self._screen = _screen(console)
        self._told = 0

    def on_start(self, trainer: Trainer) -> None:
        """Show the options of a new run, or the position of a resumed one, and begin the live line."""
        done = (trainer.epoch - 1) * trainer.batches + trainer.batch
        if not (done or trainer.history):
            self._screen.say(opening(trainer))
        self._tell_notes(trainer)
        if done and trainer.epoch <= trainer.epochs:
            self._screen.say(
                f"Continuing from epoch {trainer.epoch}, batch {trainer.batch} of {trainer.batches}."
            )
        self._screen.begin(trainer.epochs * trainer.batches, done)

    def on_batch(self, trainer: Trainer) -> None:
        """Move the live line."""
        pictures = trainer.learner.bounds[trainer.batch - 1][1]
        self._screen.move(
            (trainer.epoch - 1) * trainer.batches + trainer.batch,
            f"epoch {trainer.epoch}/{trainer.epochs}  batch {trainer.batch}/{trainer.batches}",
            f"{pictures / trainer.seconds:,.0f} images/s",
        )

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Show the results of the epoch."""
        is_best = best_epoch(trainer.history) == row and trainer.recipe.training.keep == "best"
        best = "  best so far" if is_best else ""
        width = len(str(trainer.epochs))
        self._screen.say(
            f"epoch {row.epoch:{width}}/{trainer.epochs}  "
            f"train loss {row.train_loss:.4f} accuracy {row.train_accuracy:.4f}  "
            f"valid loss {row.valid_loss:.4f} accuracy {row.valid_accuracy:.4f}  "
            f"{row.images_per_second:,.0f} images/s{best}"
        )
        self._tell_notes(trainer)

    def on_stop(self, trainer: Trainer) -> None:
        """End the live line."""
        self._screen.end()
        self._tell_notes(trainer)
        if trainer.stop_reason:
            self._screen.say(trainer.stop_reason)

    def _tell_notes(self, trainer: Trainer) -> None:
        """Show the notes that came since the last time."""
        for note in trainer.notes[self._told :]:
            self._screen.say(note)
        self._told = len(trainer.notes)


def _screen(console: Console | None) -> Screen:
    if console is None and in_notebook():
        return NotebookScreen()
    return StreamScreen(console or Console(file=standard_error_of_now(), highlight=False))
