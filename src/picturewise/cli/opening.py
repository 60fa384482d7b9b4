"""What is printed when training begins: the network and the options, including those that were derived."""

from __future__ import annotations

import contextlib

from picturewise.cli import output
from picturewise.reporting.tables import count
from picturewise.training.trainer import Callback, Trainer


class Opening(Callback):
    """Prints the layer table and the effective options before the first batch."""

    def on_start(self, trainer: Trainer) -> None:
        """Print them; training goes on even if the standard output cannot be written."""
        with contextlib.suppress(output.OutputLostError):
            self._print(trainer)

    def _print(self, trainer: Trainer) -> None:
        run, recipe, record = trainer.run, trainer.recipe, trainer.record
        summary = run.summary()
        if summary is not None:
            output.show_summary(summary)
        output.say()
        splits = ", ".join(f"{name} {count(facts.pictures)}" for name, facts in record.data.splits.items())
        height, width, channels = record.data.shape
        output.say(
            f"data      {record.data.name}: {splits}; {height}x{width}x{channels}, {len(record.data.classes)} classes"
        )
        options = recipe.training
        output.say(
            f"training  {trainer.epochs} epochs of {trainer.batches} batches of {options.batch_size}; "
            f"{options.optimizer}, learning rate {options.learning_rate:g} ({options.schedule}); seed {recipe.seed}"
        )
        if recipe.start.source is not None:
            still = record.fixed_parameters - record.statistics
            output.say(
                f"start     {recipe.start.lines} lines from {recipe.start.source}"
                + (
                    f", frozen: {count(record.trainable_parameters)} parameters are trained, {count(still)} are not"
                )
                * (options.freeze == "backbone")
            )
        output.say(f"augment   {'; '.join(recipe.preparation.augmentation) or 'none'}")
        machine = record.machine
        named = [
            machine["processor"],
            f"{machine['threads']} thread{'' if machine['threads'] == '1' else 's'}",
            machine["device"],
            machine["precision"],
        ]
        output.say(f"machine   {', '.join(named)}")
        for note in (*record.data.notes, *record.notes):
            output.say(f"note      {note}")
        output.say(f"run       {run.path}")
        output.say()
