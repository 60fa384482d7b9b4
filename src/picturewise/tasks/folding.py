"""Whether small sets are validated in folds: a validation split of a few pictures chooses badly."""

from __future__ import annotations

from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.data.in_memory.in_memory_source import DatasetSource
from picturewise.data.splitting.folds import FOLDS, fewest_apart
from picturewise.data.splitting.hold_out import rejoined
from picturewise.errors import UsageError
from picturewise.recipes.recipe import Recipe

FEWEST, MOST = 10, 999
"""Training pictures, without the test split."""


def reading(recipe: Recipe, source: Source) -> Recipe:
    """Return the recipe with which pictures are read: if it has folds, nothing is held out for validation.

    Raises:
        UsageError: folds are asked for together with what needs a validation split, or neither is there.
    """
    folds = recipe.training.folds
    if folds:
        reason = _against(recipe, source)
        if reason is not None:
            raise UsageError(f"training.folds is {folds}, but {reason}. Remove one of them.")
        return _without_split(recipe)
    if recipe.data.valid_fraction == 0 and not _has_own(source):
        raise UsageError(
            "data.valid_fraction is 0, so there would not be any validation pictures. Use a share above 0, or "
            f"training.folds={FOLDS}."
        )
    return recipe


def chosen(
    recipe: Recipe, source: Source, dataset: Dataset, *, own_callbacks: bool
) -> tuple[Recipe, Dataset, tuple[str, ...]]:
    """Return the recipe with folds, and the pictures for it, if there are few and nothing rules folds out; and a note.

    Args:
        recipe: of the user.
        source: of the pictures.
        dataset: read with the recipe, with a validation split.
        own_callbacks: the user passed callbacks, which may decide about epochs.
    """
    if (
        recipe.training.folds is not None
        or not dataset.open_valid
        or recipe.data.limit is not None
        or _against(recipe, source) is not None
    ):
        return recipe, dataset, ()
    train, valid = dataset.train, dataset.valid
    if (
        train is None
        or valid is None
        or train.labels is None
        or train.labels.ndim > 1
        or not FEWEST <= len(train) + len(valid) <= MOST
    ):
        return recipe, dataset, ()
    whole = rejoined(dataset)
    if fewest_apart(whole.split("train"), recipe.data.group_by) < FOLDS:
        return recipe, dataset, ()
    keep = "last" if own_callbacks or recipe.training.epochs is not None else recipe.training.keep
    folded = recipe.model_copy(
        update={"training": recipe.training.model_copy(update={"folds": FOLDS, "keep": keep})}
    )
    purpose = (
        "choose the number of epochs and calibrate the network" if keep == "best" else "calibrate the network"
    )
    pictures = len(train) + len(valid)
    note = (
        f"{len(valid):,} pictures are too few for validation. Instead, {FOLDS} folds of all {pictures:,} {purpose}, "
        "which is then trained on all of them. To hold out a validation split anyway, use --no-folds."
    )
    return _without_split(folded), whole, (note,)


def _without_split(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"valid_fraction": 0.0})})


def _has_own(source: Source) -> bool:
    """Return whether a source has a validation split of its own."""
    if isinstance(source, DatasetSource) and source.dataset.open_valid:
        return False
    return "valid" in source.splits


def _against(recipe: Recipe, source: Source) -> str | None:
    """Return what rules out folds, as the end of a sentence."""
    options = recipe.training
    if _has_own(source):
        return "the pictures already have a validation split"
    if options.patience is not None:
        return f"training.patience is {options.patience}, which needs a validation split"
    if recipe.start.head == "keep":
        return "start.head is 'keep', which needs a validation split"
    return None
