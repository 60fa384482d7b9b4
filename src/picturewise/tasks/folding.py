"""How a run is validated: on a split, in folds if there are few pictures, or not at all if they were learned before."""

from __future__ import annotations

from picturewise.data.arrays.picture_statistics import found_in
from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.data.in_memory.in_memory_source import DatasetSource
from picturewise.data.options import DataOptions
from picturewise.data.splitting.folds import FOLDS, bundles, fewest_apart
from picturewise.data.splitting.hold_out import rejoined
from picturewise.errors import UsageError
from picturewise.file_names import path_of
from picturewise.recipes.recipe import Recipe
from picturewise.runs.record import has_record
from picturewise.runs.run import Run
from picturewise.split_names import SplitName

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
        return _with_share(recipe, 0.0)
    if recipe.data.valid_fraction == 0 and not _has_own(source):
        if folds == 0:  # of a recipe that had folds before
            return _with_share(recipe, DataOptions().valid_fraction)
        raise UsageError(
            "data.valid_fraction is 0, so there would not be any validation pictures. Use a share above 0, or "
            f"training.folds={FOLDS}."
        )
    return recipe


def chosen(
    recipe: Recipe, source: Source, dataset: Dataset, *, own_callbacks: bool, may_fold: bool = True
) -> tuple[Recipe, Dataset, tuple[str, ...]]:
    """Return the recipe and the pictures for the validation that suits them, and notes about it.

    Args:
        recipe: of the user.
        source: of the pictures.
        dataset: read with the recipe, with a validation split or for folds.
        own_callbacks: the user passed callbacks, which may decide about epochs.
        may_fold: folds may be chosen; otherwise a validation split is needed.

    Raises:
        UsageError: folds were asked for, but there are too few different pictures, or the initial network knows them.
    """
    folds, train = recipe.training.folds, dataset.train
    if folds:
        _check_folds(recipe, dataset, folds)
        return _with_kept(recipe, own_callbacks=own_callbacks), dataset, ()
    if folds is None and may_fold and _suit_folds(recipe, source, dataset):
        whole = rejoined(dataset)
        apart = fewest_apart(whole.split("train"), recipe.data.group_by) >= FOLDS
        if apart and not _knows(recipe, whole, "train"):
            return _folded(recipe, whole, len(dataset.split("valid")), own_callbacks=own_callbacks)
    if train is not None and _knows(recipe, dataset, "valid"):
        note = (
            f"{_weights_from(recipe)} was trained on these pictures, so their validation is too good and decides "
            "nothing: the last epoch is kept, and it is not calibrated. Only the test split says how good it is."
        )
        return _with(recipe, keep="last"), dataset, (note,)
    return recipe, dataset, ()


def _folded(
    recipe: Recipe, whole: Dataset, too_few: int, *, own_callbacks: bool
) -> tuple[Recipe, Dataset, tuple[str, ...]]:
    folded = _with_kept(_with_share(_with(recipe, folds=FOLDS), 0.0), own_callbacks=own_callbacks)
    options, choose = folded.training, "choose the number of epochs and "
    if options.freeze == "backbone" and options.epochs is None and options.steps is None:
        choose = ""  # it may be one epoch that fits the output layer
    elif options.keep == "last":
        choose = ""
    purpose = f"{choose}calibrate the network"
    note = (
        f"{too_few:,} pictures are too few for validation. Instead, {FOLDS} folds of all "
        f"{len(whole.split('train')):,} {purpose}, which is then trained on all of them. To hold out a validation "
        "split anyway, use --no-folds."
    )
    return folded, whole, (note,)


def _suit_folds(recipe: Recipe, source: Source, dataset: Dataset) -> bool:
    """Return whether the pictures are few, and nothing that was said rules folds out."""
    if not dataset.open_valid or recipe.data.limit is not None or _against(recipe, source) is not None:
        return False
    train, valid = dataset.split("train"), dataset.split("valid")
    one_class = train.labels is not None and train.labels.ndim == 1
    return one_class and FEWEST <= len(train) + len(valid) <= MOST


def _check_folds(recipe: Recipe, dataset: Dataset, folds: int) -> None:
    train = dataset.train
    if train is None or train.labels is None or train.labels.ndim > 1:
        return  # which is reported later, or has no folds
    found = bundles(train, recipe.data.group_by)
    if found < folds:
        raise UsageError(
            f"training.folds is {folds}, but there are only {found} different training pictures or groups. Use fewer "
            "folds."
        )
    if _knows(recipe, dataset, "train"):
        raise UsageError(
            f"training.folds is {folds}, but {_weights_from(recipe)} was trained on these pictures, so folds of them "
            "show nothing. Omit training.folds."
        )


def _with_kept(recipe: Recipe, *, own_callbacks: bool) -> Recipe:
    """Return the recipe of a run in folds: with epochs or callbacks, it is trained to the end.

    A first epoch that fits the output layer at once may be better than what follows, so then folds choose.
    """
    training = recipe.training
    if "keep" in training.model_fields_set or training.head_fit == "regression":
        return recipe
    return _with(recipe, keep="last") if own_callbacks or training.epochs is not None else recipe


def _with(recipe: Recipe, **training: object) -> Recipe:
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=training)})


def _with_share(recipe: Recipe, share: float) -> Recipe:
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"valid_fraction": share})})


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


def _weights_from(recipe: Recipe) -> str | None:
    """Return where the initial weights come from, as the recipe or its first layer line names it."""
    first = (recipe.model.layers or (recipe.model.name or "",))[0].partition(";")[0].strip()
    word, _, source = first.partition(" ")
    return source.strip() if word.lower() == "pretrained" and source else recipe.start.source


def _knows(recipe: Recipe, dataset: Dataset, split: SplitName) -> bool:
    """Return whether the run that the weights come from was trained on any of these pictures."""
    part, source = dataset.splits().get(split), _weights_from(recipe)
    place = None if source is None else path_of(source).expanduser()
    if part is None or place is None or not place.exists():
        return False
    run = Run(place if place.is_dir() else place.parent)
    if not has_record(run.path) or (place.is_file() and place.name != run.classifier_path.name):
        return False
    learned = run.learned(only_train=True)
    return learned is not None and bool(found_in(part.statistics.digests[:], learned).any())
