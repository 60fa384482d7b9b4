"""`run_html`: how far a run came, its curves and its scores, as far as its folder can be read."""

from __future__ import annotations

from collections.abc import Callable

from picturewise.file_names import text_of
from picturewise.reporting.notebook.curves import curves
from picturewise.reporting.notebook.evaluation import scores
from picturewise.reporting.notebook.markup import block, line, lines
from picturewise.reporting.tables import count, duration, percent
from picturewise.reprs import PARTIAL
from picturewise.runs.history import kept_epoch
from picturewise.runs.run import Run


def run_html(run: Run) -> str:
    """Return a run as HTML; a damaged part is replaced by the error message."""
    return block(
        f"Run {text_of(run.path)}", *(_readable(part, run) for part in (_facts, _progress, _scores, _notes))
    )


def _readable(part: Callable[[Run], str], run: Run) -> str:
    try:
        return part(run)
    except PARTIAL as error:
        return line(error)


def _facts(run: Run) -> str:
    record, recipe = run.record, run.recipe
    splits = ", ".join(f"{name} {count(facts.pictures)}" for name, facts in record.data.splits.items())
    network = recipe.model.name or record.module or "layers"
    return line(
        f"{record.status}; {record.data.name}: {splits}; {network}, {count(record.trainable_parameters)} trainable "
        f"parameters, {recipe.training.optimizer}, seed {recipe.seed}"
    )


def _progress(run: Run) -> str:
    history, recipe = run.history, run.recipe
    if not history:
        return line("No epoch has finished yet.")
    training = recipe.training
    kept = kept_epoch(history, training.keep)
    measured = f"accuracy in {training.folds} folds" if training.folds else "validation accuracy"
    whole = "" if (words := run.nouns) is None else f" of whole {words.whole}s"
    return curves(history) + line(
        f"{training.keep} epoch {kept.epoch} of {history[-1].epoch}: {measured} {percent(kept.valid_accuracy)}{whole}, "
        f"loss {kept.valid_loss:.4f}; all epochs took {duration(sum(row.seconds for row in history))}"
    )


def _scores(run: Run) -> str:
    evaluation = run.evaluation()
    if evaluation is None:
        return line("Not evaluated on the test split yet.", faint=True)
    return line(f"test split, {count(evaluation.pictures)} pictures, 95 % intervals in brackets") + scores(
        evaluation
    )


def _notes(run: Run) -> str:
    return lines(run.notes)
