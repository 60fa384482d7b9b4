"""What is printed when training begins: the network, what was derived for the user, and notes."""

from __future__ import annotations

from collections.abc import Iterator

from picturewise.bars import clock
from picturewise.targets.sequences import is_sequences
from picturewise.targets.words import describe
from picturewise.text_tables import folded
from picturewise.training.folds import Folds
from picturewise.training.held_out import WHOLE_EPOCHS, OnSplit
from picturewise.training.trainer import Trainer


def opening(trainer: Trainer) -> str:
    """Return the layer table and the effective options of a run that begins, in lines."""
    summary = trainer.run.summary()
    table = [] if summary is None else [str(summary), ""]
    facts = (folded(fact, indent=10) for fact in _facts(trainer))
    return "\n".join((*table, *facts, f"run       {trainer.run.path}", ""))


def _facts(trainer: Trainer) -> Iterator[str]:
    recipe, record = trainer.recipe, trainer.record
    splits = ", ".join(f"{name} {facts.pictures:,}" for name, facts in record.data.splits.items())
    form = "x".join(map(str, record.data.shape))
    target = trainer.learner.train.target
    answers = describe(target) + ("; accuracy is that of whole sequences" if is_sequences(target) else "")
    yield f"data      {record.data.name}: {splits}; {form}, {answers}"
    options = recipe.training
    regression = options.head_fit == "regression"
    if regression:
        yield "training  the output layer by logistic regression, in the first epoch"
    epochs = trainer.epochs - regression
    if epochs > 0:
        counted = f"{epochs} epoch{'s' * (epochs > 1)}"
        yield (
            f"{'then    ' if regression else 'training'}  {counted} of {trainer.batches} batches of "
            f"{options.batch_size}; {options.optimizer}, learning rate {options.learning_rate:g} ({options.schedule}); "
            f"seed {recipe.seed}"
        )
    if isinstance(trainer.validation, OnSplit) and trainer.validation.whole_from > 1:
        count = trainer.learner.preparation.seen.count
        yield f"validate  one view of each picture; {count} views in the last {WHOLE_EPOCHS} epochs"
    if trainer.folds is not None:
        yield _folds(trainer.folds, trainer)
    if recipe.start.source is not None:
        still = record.fixed_parameters - record.statistics
        frozen = f", {record.trainable_parameters:,} parameters are trained and {still:,} are frozen"
        yield (
            f"start     {recipe.start.lines} lines from {recipe.start.source}"
            f"{frozen * (options.freeze == 'backbone')}"
        )
    yield f"augment   {'; '.join(recipe.preparation.augmentation) or 'none'}"
    if record.derived:
        yield f"derived   {', '.join(key.rpartition('.')[2].replace('_', ' ') for key in record.derived)}"
    machine = record.machine
    threads = f"{machine['threads']} thread{'s' * (machine['threads'] != '1')}"
    yield f"machine   {machine['processor']}, {threads}, {machine['device']}, {machine['precision']}"
    for note in trainer.run.notes:
        yield f"note      {note}"


def _folds(folds: Folds, trainer: Trainer) -> str:
    """Return what the folds are for and, if they are trained by steps, about how long all training takes."""
    if folds.in_head:
        return f"folds     {folds.count}, of the output layer only"
    keep = "to choose the number of epochs" if trainer.recipe.training.keep == "best" else "to calibrate"
    return (
        f"folds     {folds.count} networks {keep}, then one on all pictures; about {clock(folds.forecast())}"
    )
