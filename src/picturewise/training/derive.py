"""Derives what the user omits: from a recipe and the data to an effective recipe."""

from __future__ import annotations

import math
from typing import Literal

from picturewise.architectures.layers import Shape
from picturewise.architectures.lines import parse
from picturewise.architectures.named import named_lines, network_notes
from picturewise.architectures.softmax import without_softmax
from picturewise.architectures.summary import Row, summarise
from picturewise.data.imageset import ImageSet
from picturewise.errors import UsageError
from picturewise.evaluation.metrics import are_uneven
from picturewise.preparing import augmentation, views
from picturewise.preparing.views import Views
from picturewise.recipes.effective import EffectiveRecipe, effective_recipe
from picturewise.recipes.options import OptimizerName
from picturewise.recipes.recipe import Recipe, flat
from picturewise.reference.memory import windows_kept
from picturewise.training import mirrors
from picturewise.training.engine import check_engine
from picturewise.training.optimizers import USUAL

USUAL_STEPS, STEPS_OF_MUON = 1500, 700
FEWEST_EPOCHS, MOST_EPOCHS = 5, 50
KEPT_RATE = 0.2
BATCH_BYTES = 4 << 30
"""Bytes that the tensors of a batch may take if the batch size is derived: half of a small laptop's memory."""


def derive_recipe(
    recipe: Recipe, train: ImageSet, *, module: bool = False
) -> tuple[EffectiveRecipe, tuple[str, ...]]:
    """Return the recipe with all values derived, and a note for each difference from what the user asked for.

    Args:
        recipe: as the user gave it.
        train: the train split; its shape, classes and size are used.
        module: the network is a Python class, so there are no layer lines.

    Raises:
        UsageError: an option does not fit the data; a LayerError if it is a layer line.
    """
    _check_start(recipe)
    shape: Shape = (*train.shape[:2], 1 if recipe.preparation.grey else train.shape[2])
    layers, model_notes = (None, ()) if module else _layers(recipe, shape, train.target.outputs)
    check_engine(recipe, layers)
    kept = 0  # unknown for a Python class
    if layers is not None:  # every line fits, or a LayerError says which one does not
        kept = summarise(parse(layers), shape, train.target.output_line).kept
        if recipe.training.engine == "numpy":
            kept += windows_kept(parse(layers), shape)
    head_fit = _head_fit(recipe, layers, shape, train)
    single = head_fit == "regression" and recipe.training.epochs is None and recipe.training.steps is None
    if single and recipe.preparation.augmentation is None:
        recipe = recipe.model_copy(
            update={"preparation": recipe.preparation.model_copy(update={"augmentation": ()})}
        )
    augmentations, seen, notes = _augmentations(recipe, shape, train)
    options = recipe.training
    optimizer = options.optimizer or _usual_optimizer(recipe)
    usual = USUAL[optimizer]
    batch_size = options.batch_size or usual_batch_size(len(train), kept, options.steps)
    derived = {
        "head_fit": head_fit if head_fit == "regression" else options.head_fit,
        "optimizer": optimizer,
        "batch_size": batch_size,
        "epochs": (
            1
            if single
            else usual_epochs(len(train), batch_size, options.steps, optimizer)
            if options.epochs is None
            else options.epochs
        ),
        "learning_rate": options.learning_rate or usual.learning_rate * _usual_share(recipe),
        "momentum": usual.momentum if options.momentum is None else options.momentum,
        "beta2": usual.beta2 if options.beta2 is None else options.beta2,
        "weight_decay": usual.weight_decay if options.weight_decay is None else options.weight_decay,
        # The same bits from any number of workers need the same number of threads in each.
        "threads": 1 if options.shards and options.threads is None else options.threads,
    }
    whole = recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"layers": layers, **({"name": None} if module else {})}),
            "preparation": recipe.preparation.model_copy(
                update={"augmentation": augmentations, "views": seen.lines}
            ),
            "training": options.model_copy(update=derived),
        }
    )
    return effective_recipe(whole), model_notes + notes + _on_classes(recipe, train)


def _on_classes(recipe: Recipe, train: ImageSet) -> tuple[str, ...]:
    """Return a note that offers class weights if classes have very different numbers of pictures."""
    if train.required_labels.ndim > 1:
        return ()
    counts = [count for count in train.counts().values() if count]
    if recipe.training.class_weights != "none" or not are_uneven(counts):
        return ()
    times = f"{max(counts) / min(counts):.0f} times"
    note = (
        f"The largest class has {times} as many training pictures as the smallest. To give all classes the same "
        "weight, use --set training.class_weights=balanced."
    )
    return (note,)


def derived_keys(given: Recipe, effective: EffectiveRecipe) -> tuple[str, ...]:
    """Return the dotted keys that `derive_recipe` filled in, in the order of the recipe."""
    before, after = flat(given), flat(effective)
    return tuple(key for key, value in after.items() if value is not None and before[key] is None)


def usual_batch_size(pictures: int, kept: int = 0, steps: int | None = None) -> int:
    """Return the largest of 128, 64, 32 that gives at least 40 batches per epoch and fits into memory, or else 16.

    Args:
        pictures: in the train split.
        kept: how many numbers training keeps for each picture of a batch.
        steps: the wanted number; if it is too small for an epoch of batches of 128, the result may be 256.

    >>> usual_batch_size(54_000), usual_batch_size(1_300), usual_batch_size(54_000, kept=30_000_000)
    (128, 32, 32)
    >>> usual_batch_size(54_000, steps=300), usual_batch_size(6_000, steps=300)
    (256, 128)
    """
    fitting = BATCH_BYTES // (4 * max(kept, 1))
    sizes = (128, 64, 32) if steps is None or pictures <= 128 * steps else (256, 128, 64, 32)
    return next((size for size in sizes if pictures >= 40 * size and size <= fitting), 16)


def usual_epochs(
    pictures: int, batch_size: int, steps: int | None = None, optimizer: OptimizerName = "adamw"
) -> int:
    """Return how many epochs give about 1,500 steps, or 700 of muon, but at least 5 and at most 50.

    Args:
        pictures: in the train split.
        batch_size: pictures per step.
        steps: this number instead; then one epoch is enough.
        optimizer: muon comes as far with half of the steps.

    >>> usual_epochs(54_000, 128), usual_epochs(1_300, 32), usual_epochs(54_000, 128, steps=400)
    (5, 37, 1)
    >>> usual_epochs(5_400, 128, optimizer="muon")
    17
    """
    in_epoch = math.ceil(pictures / batch_size)
    if steps is not None:
        return min(max(round(steps / in_epoch), 1), MOST_EPOCHS)
    usual = STEPS_OF_MUON if optimizer == "muon" else USUAL_STEPS
    return min(max(math.ceil(usual / in_epoch), FEWEST_EPOCHS), MOST_EPOCHS)


def _head_fit(
    recipe: Recipe, layers: tuple[str, ...] | None, shape: Shape, train: ImageSet
) -> Literal["steps", "regression"]:
    """Return how the output layer is trained first.

    Raises:
        UsageError: regression is asked for, but more than the output layer would be trained.
    """
    options, start = recipe.training, recipe.start
    possible = (
        options.freeze == "backbone"
        and start.head == "new"
        and layers is not None
        and train.target.loss == "cross-entropy"
        and options.engine == "torch"
        and not any(row.count.trainable for row in _own_rows(layers, start.lines or 0, shape, train))
        and not options.label_smoothing
        and options.ema is None
    )
    if options.head_fit == "regression" and not possible:
        raise UsageError(
            "training.head_fit is 'regression', which is possible only for a new output layer directly above frozen "
            "layers. Add training.freeze=backbone, and remove added layers, label smoothing and ema; or use 'steps'."
        )
    if options.head_fit is not None:
        return options.head_fit
    said = (
        *(options.epochs, options.steps, options.batch_size, options.optimizer, options.learning_rate),
        *(options.patience, options.unfreeze_epoch, recipe.preparation.augmentation),
    )
    return "regression" if possible and all(one is None for one in said) else "steps"


def _own_rows(layers: tuple[str, ...], lines: int, shape: Shape, train: ImageSet) -> tuple[Row, ...]:
    """Return the rows of the layers between the pretrained ones and the output layer."""
    return summarise(parse(layers), shape, train.target.output_line).rows[lines:-1]


def _usual_optimizer(recipe: Recipe) -> OptimizerName:
    return "sgd" if recipe.training.engine == "numpy" else "adamw"


def _usual_share(recipe: Recipe) -> float:
    """Return the share of the usual learning rate for a network that was already trained on (most of) its classes."""
    return KEPT_RATE if recipe.start.head == "keep" else 1.0


def _check_start(recipe: Recipe) -> None:
    """Check that options for pretrained layers are used with pretrained layers."""
    options, start = recipe.training, recipe.start
    if options.unfreeze_epoch is None and options.unfreeze_gradually:
        raise UsageError(
            "training.unfreeze_gradually is set, but training.unfreeze_epoch is not. Set the first epoch, for example "
            "training.unfreeze_epoch=3."
        )
    if options.freeze == "none" and options.unfreeze_epoch is not None:
        raise UsageError(
            f"training.unfreeze_epoch is {options.unfreeze_epoch}, but nothing is frozen. Add training.freeze=backbone."
        )
    if options.epochs == 0 and start.head != "keep":
        raise UsageError(
            "training.epochs is 0, but a network with a new output layer must be trained. Use at least 1."
        )
    if start.source is not None:
        return
    for name, given in {
        "training.freeze": options.freeze != "none",
        "training.backbone_rate": options.backbone_rate is not None,
        "training.freeze_statistics": options.freeze_statistics is not None,
        "start.head": start.head == "keep",
        "start.lines": start.lines is not None,
        "start.sha256": start.sha256 is not None,
    }.items():
        if given:
            raise UsageError(
                f"{name} applies only to networks that start from pretrained weights. Name the weights in "
                "start.source or in the first layer line, such as 'pretrained resnet18'."
            )


def _layers(recipe: Recipe, shape: Shape, outputs: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the layer lines, and what was left out of them, or how a named network was changed for `shape`."""
    lines, name = recipe.model.layers, recipe.model.name
    if lines is not None:
        lines, notes = without_softmax(lines, outputs, kept=recipe.start.lines or 0)
        return tuple(layer.line for layer in parse(lines)), notes
    if name is None:
        raise UsageError("The recipe does not name a network. Add model.name or model.layers.")
    return tuple(layer.line for layer in parse(named_lines(name, shape))), network_notes(name, shape)


def _augmentations(
    recipe: Recipe, shape: Shape, train: ImageSet
) -> tuple[tuple[str, ...], Views, tuple[str, ...]]:
    """Return the lines of augmentation and the views that suit the pictures, and notes on what was decided."""
    wanted, seen = recipe.preparation.augmentation, views.parse(recipe.preparation.views)
    parsed = () if wanted is None else augmentation.parse(wanted)
    augmentation.check(parsed, shape)
    typed = any(item.may_change_class and not item.always for item in parsed) or (
        seen.mirror and not seen.always
    )
    if wanted is not None and not typed:
        return tuple(item.line for item in parsed), seen, ()
    mirroring = mirrors.decide(train, seed=recipe.seed)
    seen, view_notes = views.suitable(seen, mirrors_matter=mirroring.matters)
    if wanted is None:
        lines = augmentation.default_augmentation(shape, mirrors_matter=mirroring.matters)
        return tuple(item.line for item in lines), seen, (*mirroring.notes, *view_notes)
    kept, notes = augmentation.suitable(parsed, mirrors_matter=mirroring.matters)
    because = mirroring.notes if notes or view_notes else ()
    return tuple(item.line for item in kept), seen, (*notes, *view_notes, *because)
