"""Progress: a live line on a terminal, one plain line an epoch elsewhere; on the standard error output."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from picturewise.printable import printable
from picturewise.runs.history import Epoch, best_epoch
from picturewise.standard_error import standard_error_of_now
from picturewise.training.trainer import Callback, Trainer


class ProgressDisplay(Callback):
    """Shows epoch, batch, images a second and the time left, and what each epoch brought."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=standard_error_of_now(), highlight=False)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._told = 0

    def on_start(self, trainer: Trainer) -> None:
        """Print where the run stands and begin the live line."""
        self._tell_notes(trainer)
        done = (trainer.epoch - 1) * trainer.batches + trainer.batch
        if done and trainer.epoch <= trainer.epochs:
            self._say(f"Going on from epoch {trainer.epoch}, batch {trainer.batch} of {trainer.batches}.")
        if not self._console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            refresh_per_second=2,  # each drawing takes the processor for some milliseconds
        )
        total = trainer.epochs * trainer.batches
        self._task = self._bar.add_task("", total=total, completed=done, speed="")
        self._bar.start()

    def on_batch(self, trainer: Trainer) -> None:
        """Move the live line."""
        if self._bar is None:
            return
        pictures = trainer.learner.bounds[trainer.batch - 1][1]
        self._bar.update(
            self._task,
            completed=(trainer.epoch - 1) * trainer.batches + trainer.batch,
            description=f"epoch {trainer.epoch}/{trainer.epochs}  batch {trainer.batch}/{trainer.batches}",
            speed=f"{pictures / trainer.seconds:,.0f} images/s",
        )

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Print what the epoch brought."""
        best = "  best so far" if best_epoch(trainer.history) == row else ""
        width = len(str(trainer.epochs))
        self._say(
            f"epoch {row.epoch:{width}}/{trainer.epochs}  "
            f"train loss {row.train_loss:.4f} accuracy {row.train_accuracy:.4f}  "
            f"valid loss {row.valid_loss:.4f} accuracy {row.valid_accuracy:.4f}  "
            f"{row.images_per_second:,.0f} images/s{best}"
        )
        self._tell_notes(trainer)

    def on_stop(self, trainer: Trainer) -> None:
        """Take the live line away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        self._tell_notes(trainer)
        if trainer.stop_reason:
            self._say(trainer.stop_reason)

    def _tell_notes(self, trainer: Trainer) -> None:
        """Print the notes that came since the last time."""
        for note in trainer.notes[self._told :]:
            self._say(note)
        self._told = len(trainer.notes)

    def _say(self, text: str) -> None:
        self._console.print(printable(text), markup=False, soft_wrap=True)
