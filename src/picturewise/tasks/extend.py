"""Extending a finished network: more layers, a new output layer, or more classes in addition to the old ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from picturewise.architectures.lines import parse
from picturewise.arguments import checked
from picturewise.data.arrays.picture_statistics import found_in
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.recognise import Data, recognise
from picturewise.errors import DataError, UsageError
from picturewise.evaluation.evaluation import Interval
from picturewise.extras import TRAINING, require
from picturewise.file_names import text_of
from picturewise.names import listed
from picturewise.prediction.classifier import Classifier
from picturewise.recipes.keywords import RecipeKeywords, from_keywords
from picturewise.recipes.overrides import plain_settings
from picturewise.recipes.recipe import make_recipe
from picturewise.reprs import never_raises
from picturewise.runs.run import Run, open_run
from picturewise.split_names import SplitName
from picturewise.tasks.default_network import SMALL_COLOUR
from picturewise.tasks.evaluate import evaluate_part
from picturewise.tasks.load import load, own_source
from picturewise.tasks.train import LEARNING_SPLITS, claimed, trackers, train_on

if TYPE_CHECKING:
    from picturewise.training.trainer import Callback

VALID: tuple[SplitName, ...] = ("valid",)


@dataclass(frozen=True, repr=False)
class ClassesEvaluated:
    """The accuracy on validation pictures of some classes, before and after the extension.

    Attributes:
        classes: the class names.
        pictures: number of validation pictures of these classes.
        before: accuracy of the old network; None: it does not have these classes.
        after: accuracy of the extended network, which chooses among all of its classes.
    """

    classes: tuple[str, ...]
    pictures: int
    before: Interval | None
    after: Interval

    @never_raises
    def __repr__(self) -> str:
        before = "" if self.before is None else f"before {self.before}, after "
        return f"<ClassesEvaluated {listed(self.classes)}: {self.pictures:,} pictures, accuracy {before}{self.after}>"


@dataclass(frozen=True)
class Extension:
    """A new run that began with the network of an older run.

    Attributes:
        run: the new run.
        old: the classes of the older run; None: no validation pictures of them are available.
        new: the added classes, or those of a new output layer; None: there are no new classes.
    """

    run: Run
    old: ClassesEvaluated | None
    new: ClassesEvaluated | None


@checked
def extend(
    run: str | Path | Run,
    data: Data | None = None,
    *,
    layers: str | Sequence[str] = (),
    new_head: bool = False,
    add_classes: bool = False,
    epochs: int | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    callbacks: Sequence[Callback] = (),
    track: str | Sequence[str] = (),
    progress: bool = True,
    **options: Unpack[RecipeKeywords],
) -> Extension:
    """Train a new run that starts from the network of an older run; the older run is not changed.

    The options are those of the older run, but derived options are derived again. As long as the output layer is
    kept, the extended network is as good as the old one at first, so the best epoch may be the beginning, epoch 0.

    Args:
        run: the older run; its classifier is that of its best epoch.
        data: pictures to train on; None: those of the older run.
        layers: layer lines to put before the output layer.
        new_head: use a new output layer, for the classes of the pictures.
        add_classes: keep the old classes and add those that the network does not have. If `data` has pictures of the
            old classes, they are trained on too; without any, the network forgets the old classes bit by bit.
        epochs: passes over the training split; 0 extends the network without training.
        seed: of the new run; None: that of the older run.
        out: the new run's folder, as for `train`.
        settings: as for `train`.
        callbacks: as for `train`.
        track: as for `train`.
        progress: as for `train`.
        options: as for `train`.

    Raises:
        UsageError: the options contradict each other, or the classes differ from those of the older run.
        RunError: the older run is damaged, or does not have a classifier yet.
        DataError, Interrupted, DivergedError, SaveError: as for `train`.
    """
    require("Training", *TRAINING)
    keywords = from_keywords(options, "extend", extend.__kwdefaults__)
    callbacks = [*callbacks, *trackers(track)]
    older = run.checked() if isinstance(run, Run) else open_run(run)
    if new_head and add_classes:
        raise UsageError(
            "--new-head and --add-classes cannot be combined, because a new output layer drops the old classes. Choose "
            "one."
        )
    if not (layers or new_head or add_classes or data is not None):
        raise UsageError(
            "No changes to the run were passed. Pass pictures, layers (--layers), a new output layer (--new-head) or "
            "new classes (--add-classes)."
        )
    if (new_head or add_classes) and data is None:
        raise UsageError(f"New classes need training pictures. Pass them after the run {older.path}.")
    classifier = older.classifier()
    if classifier.description.layers is None:
        raise UsageError(
            f"{older.path} cannot be extended, because its network is a Python class. Use a run whose network is made "
            "of layer lines."
        )
    named: dict[str, Any] = {"training": {}}
    if epochs is not None:
        named["training"]["epochs"] = epochs
    if seed is not None:
        named["seed"] = seed
    plain = _begun(older, classifier, parse(layers), new_head=new_head)
    if data is None:
        source = own_source(older, None)
        recipe = make_recipe(plain, named, keywords, *plain_settings(settings))
    else:
        plain["data"] = _other_data(plain["data"], older)
        recipe = make_recipe(plain, named, keywords, *plain_settings(settings))
        source = recognise(data, hints=recipe.data.hints)
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"source": source.place})})
    if recipe.training.folds:
        raise UsageError(
            f"training.folds is {recipe.training.folds}, but an extension needs a validation split. Omit "
            "training.folds."
        )
    with claimed(out, source) as new:
        pictures = load(source, recipe.data, splits=LEARNING_SPLITS, progress=progress)
        if not new_head:
            classes = _classes(older, pictures, add=add_classes)
            pictures = pictures.with_classes(classes)
            recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"classes": classes})})
        trained = train_on(source, recipe, new=new, callbacks=callbacks, progress=progress, may_fold=False)
    return _evaluated(older, classifier, trained, pictures)


def _begun(older: Run, classifier: Classifier, added: Sequence[Any], *, new_head: bool) -> dict[str, Any]:
    """Return the older run's recipe as a plain one that begins with its network, without derived options."""
    plain = older.recipe.model_dump()
    for key in older.record.derived:
        table, _, name = key.partition(".")
        plain[table].pop(name, None)
    lines = classifier.description.layers or ()
    plain["model"] |= {"name": None, "layers": [*lines, *(layer.line for layer in added)]}
    if plain["training"].pop("folds", None):
        # The older network has seen every picture, so folds would not be held out from it.
        plain["data"]["valid_fraction"] = DataOptions().valid_fraction
        plain["training"].pop("keep")
    if not new_head and _is_by_default(plain):  # as for a rate that is derived
        from picturewise.training.derive import KEPT_RATE  # noqa: PLC0415 (it loads PyTorch)

        plain["training"]["learning_rate"] *= KEPT_RATE
    plain["start"] = {
        "source": text_of(older.path.absolute()),
        "lines": len(lines),
        "head": "new" if new_head else "keep",
    }
    for name in (
        "epochs",
        "freeze",
        "unfreeze_epoch",
        "unfreeze_gradually",
        "backbone_rate",
        "freeze_statistics",
    ):
        plain["training"].pop(name, None)
    return plain


def _is_by_default(plain: dict[str, Any]) -> bool:
    """Return whether a plain recipe has the options of training that small colour pictures have by default."""
    return all(plain["training"].get(name) == value for name, value in SMALL_COLOUR["training"].items())


def _other_data(options: dict[str, Any], older: Run) -> dict[str, Any]:
    """Return data options for other pictures, which are resized to the size of the older run's."""
    height, width, _ = older.record.data.shape
    kept = {
        name: options[name]
        for name in ("resize", "skip_bad", "valid_fraction", "test_fraction", "split_seed")
    }
    return {**kept, "size": [height, width]}


def _classes(older: Run, pictures: Dataset, *, add: bool) -> tuple[str, ...]:
    """Return the classes of the new run, those of the older one first."""
    known = older.record.data.classes
    new = tuple(name for name in pictures.classes if name not in known)
    if add and not new:
        raise UsageError(
            f"All classes of {pictures.name} are already in {older.path} ({listed(known)}). Omit --add-classes."
        )
    if new and not add:
        raise UsageError(
            f"{pictures.name} has the class{'es' * (len(new) > 1)} {listed(new)}, but {older.path} was trained on "
            f"{listed(known)}. Add classes with --add-classes, or use a new output layer with --new-head."
        )
    return (*known, *new)


def _evaluated(older: Run, before: Classifier, trained: Run, pictures: Dataset) -> Extension:
    """Return the new run with its accuracy on the old classes and on the new ones."""
    after, valid, known = trained.classifier(), pictures.split("valid"), older.record.data.classes
    old = _of_classes(valid, known)
    if old is None:  # the new pictures have none; usually the older run's own can be read
        try:
            old = load(own_source(older, None), older.recipe.data, splits=VALID, progress=False).valid
        except DataError:
            old = None
    added = tuple(name for name in after.classes if name not in known)
    new = _of_classes(valid, added)
    kept = set(known) <= set(after.classes)
    # A network that was validated in folds has learned every picture of its own, so it has nothing to show on them.
    seen = old is not None and _has_learned(older, old)
    return Extension(
        trained,
        old=None if old is None or not kept or seen else _both(old, known, before, after),
        new=None if new is None else _both(new, added, None, after),
    )


def _has_learned(run: Run, part: ImageSet) -> bool:
    """Return whether a run was trained on any of these pictures, not only validated; True if that is not known."""
    learned = run.learned(only_train=True)
    return learned is None or bool(found_in(part.statistics.digests[:], learned).any())


def _of_classes(part: ImageSet, classes: Sequence[str]) -> ImageSet | None:
    """Return the pictures of some classes, or None if there are none."""
    numbers = [number for number, name in enumerate(part.classes) if name in classes]
    places = np.flatnonzero(np.isin(part.required_labels, numbers))
    return part.select(places) if len(places) else None


def _both(
    part: ImageSet, classes: tuple[str, ...], before: Classifier | None, after: Classifier
) -> ClassesEvaluated:
    return ClassesEvaluated(
        classes,
        len(part),
        before=None if before is None else _accuracy(before, part),
        after=_accuracy(after, part),
    )


def _accuracy(classifier: Classifier, part: ImageSet) -> Interval:
    return evaluate_part(classifier, part, part.origin, "valid")[0].accuracy
