"""Models of a study that are not trained: the classifier of another one, moved over pictures of sequences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.readers.digit_struct import picture_of
from picturewise.errors import UsageError
from picturewise.names import listed
from picturewise.runs.record import data_facts
from picturewise.runs.run import Run
from picturewise.runs.sliding_run import SlidingRun
from picturewise.studies.plan import Planned
from picturewise.targets.places import Places
from picturewise.targets.sequences import places_of
from picturewise.tasks.slide import evaluate_sliding, sequences_of


def check_sliding(plans: Sequence[Planned], datasets: Mapping[DataOptions, Dataset]) -> None:
    """Check that the models that slide fit their pictures, before the first model is trained.

    Raises:
        UsageError: one does not; the message names it.
    """
    for plan in plans:
        if plan.model.slides is not None:
            problem = _problem(plan, _symbols_plan(plan, plans), datasets)
            if problem:
                raise UsageError(f"Model '{plan.name}' of the study: {problem}")


def _problem(plan: Planned, symbols: Planned, datasets: Mapping[DataOptions, Dataset]) -> str:
    rows, trained = datasets[plan.recipe.data], datasets[symbols.recipe.data]
    of_symbols, of_rows = trained.split("train"), rows.split("train")
    if not of_rows.has_sequences:
        return f"the labels of {rows.name} are classes, but a model that slides reads sequences. Use other pictures."
    if of_symbols.has_sequences:
        return f"'{symbols.name}' reads sequences. Set its recipe.data.target to 'class', or choose another model."
    if strange := [name for name in of_symbols.classes if name not in of_rows.classes]:
        return (
            f"'{symbols.name}' has the classes {listed(strange)}, which are not symbols of the sequences "
            f"({listed(of_rows.classes)}). Train it on single symbols."
        )
    if plan.recipe.data.resize != "pad":
        return "a classifier is only moved over pictures with their own proportions. Set recipe.data.resize to 'pad'."
    if symbols.recipe.training.folds:
        return f"'{symbols.name}' is trained on all pictures, in folds. Remove its training.folds."
    if held_back(symbols, plan, datasets) is None:
        return f"no sequence is in the validation split of '{symbols.name}'. Use more pictures."
    return ""


def held_back(symbols: Planned, plan: Planned, datasets: Mapping[DataOptions, Dataset]) -> ImageSet | None:
    """Return the sequences to calibrate readings with, none of whose symbols was trained on; None: there are none.

    If both models have the same pictures, these are the sequences that the validation split of symbols was cut out of;
    otherwise the validation split of sequences.
    """
    rows, valid = datasets[plan.recipe.data], datasets[symbols.recipe.data].split("valid")
    if plan.recipe.data.source != symbols.recipe.data.source or valid.names is None:
        return rows.split("valid")
    return sequences_of(rows, {picture_of(name) for name in valid.names})


def slid(
    plan: Planned, plans: Sequence[Planned], runs: Sequence[Run], datasets: Mapping[DataOptions, Dataset], *,
    progress: bool,
) -> SlidingRun:  # fmt: skip
    """Return the evaluated run of a model that slides; one that was evaluated before is kept.

    Args:
        plan: of the model.
        plans: of the models before it, at least.
        runs: of these.
        datasets: train and validation of each plan's data options.
        progress: show the progress of reading, on a terminal.

    Raises:
        RunError, DataError: as for `evaluate_sliding`.
    """
    symbols = _symbols_plan(plan, plans)
    rows = datasets[plan.recipe.data]
    train = rows.split("train")
    places = places_of(train.target)
    assert places is not None  # noqa: S101 (it was checked)
    run = SlidingRun(
        plan.path,
        runs[plans.index(symbols)],
        plan.recipe.data,
        data_facts(rows),
        Places(train.classes, places),
    )
    if run.evaluated() is None or run.evaluated("valid") is None:
        kept = held_back(symbols, plan, datasets)
        assert kept is not None  # noqa: S101 (the same)
        evaluate_sliding(run, kept, progress=progress)
    return run


def _symbols_plan(plan: Planned, plans: Sequence[Planned]) -> Planned:
    return next(one for one in plans if one.name == plan.model.slides and one.seed == plan.seed)
