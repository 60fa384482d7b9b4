"""The default network, if nothing is said about it: the one that suits the pictures.

A few hundred photographs do not teach a network what edges, textures and shapes are; layers that were trained on a
million others know. So if the pictures are in colour and large, training starts from published weights, with a new
output layer above frozen layers. Many small colour pictures are classified better by a network like airbench94 than by
`cnn`, in the same time. Sequences of symbols are read column by column. The choice is stored in the recipe as if it had
been typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from picturewise.architectures.layers import show
from picturewise.catalogue import weights
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions, PhotographOptions
from picturewise.data.readers.common_size import PHOTOGRAPH_SIDE
from picturewise.extras import install_command
from picturewise.recipes.recipe import Recipe, make_recipe

PREFERRED = (
    *("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"),
    *("mobilenet-v2", "resnet18", "resnet50", "resnet34"),
)
"""Networks with published weights, in the order of their accuracy for their time."""


SMALL_SIDES, MANY = (16, 64), 1_000
"""Pixels of the shorter side, and training pictures, for which `SMALL_COLOUR` was chosen."""
SMALL_COLOUR: Mapping[str, Any] = {
    "model": {"name": "small-airbench", "layers": None, "initialisation": "dirac"},
    "training": {"optimizer": "muon", "learning_rate": 0.1, "momentum": 0.6, "label_smoothing": 0.2},
}
SEQUENCES: Mapping[str, Any] = {
    "model": {"name": "reader", "layers": None, "head": "ctc", "initialisation": "dirac"},
    "training": {"optimizer": "muon", "learning_rate": 0.1, "momentum": 0.6, "steps": 1_600},
    "preparation": {"augmentation": ["shift 3", "rotate 8", "zoom 0.1", "brightness 0.3", "contrast 0.3"]},
}
"""For labels that are sequences of symbols."""
_OF_STEPS = {
    *(
        "optimizer",
        "learning_rate",
        "momentum",
        "beta2",
        "weight_decay",
        "clip_norm",
        "ema",
        "label_smoothing",
    ),
    *("schedule", "class_weights"),
}
"""Options that describe the steps: what was said about them may not suit another optimizer."""


def is_open(recipe: Recipe) -> bool:
    """Return whether a recipe leaves open which network is trained, and nothing else rules out pretrained layers."""
    said = recipe.model.model_fields_set | recipe.start.model_fields_set
    options = recipe.training
    return (
        not said
        and not recipe.preparation.grey
        and options.engine == "torch"
        and options.freeze == "none"
        and options.head_fit is None
    )


def reading(options: DataOptions) -> DataOptions:
    """Return the options with which pictures are read: photographs at the size of published networks."""
    if options.size is not None or _weights_here() is None:
        return options
    return PhotographOptions.model_validate(options.model_dump(exclude_unset=True))


def chosen(recipe: Recipe, dataset: Dataset) -> tuple[Recipe, tuple[str, ...]]:
    """Return the recipe for the pictures that were read, and a note about the choice.

    Args:
        recipe: one that `is_open`.
        dataset: read with `reading`.
    """
    if dataset.train is None:
        return recipe, ()
    if dataset.train.has_sequences:
        return _for_sequences(recipe)
    height, width, channels = dataset.train.shape
    if channels != 3:
        return recipe, ()
    if min(height, width) < PHOTOGRAPH_SIDE:
        return _for_small(recipe, dataset.train)
    name = _weights_here()
    if name is None:
        note = (
            f"These look like photographs ({show((height, width))}). Pretrained layers usually classify them better; "
            f"install their weights with: {install_command('pretrained')}"
        )
        return recipe, (note,)
    # Without a word about the steps, the output layer is fitted at once; otherwise the other options hold.
    options, training = recipe.training, dict[str, object](freeze="backbone")
    lengthy = options.epochs is not None or options.steps is not None
    if lengthy and not options.label_smoothing and options.ema is None:
        training |= {"head_fit": "regression", "unfreeze_epoch": options.unfreeze_epoch or 2}
    wanted = {
        "model": {"name": f"pretrained {name}", "layers": None},
        "training": training,
        "data": {"size": [height, width]},
    }
    note = (
        f"These look like photographs ({show((height, width))}), so training starts from the layers of {name}, which "
        "were trained on ImageNet. For a network from scratch, use --model cnn."
    )
    return make_recipe(recipe.model_dump(exclude_unset=True), wanted), (note,)


def _for_sequences(recipe: Recipe) -> tuple[Recipe, tuple[str, ...]]:
    """Return the recipe for sequences of symbols, and a note about the choice."""
    options = recipe.training
    if not options.model_fields_set.isdisjoint(_OF_STEPS):
        return recipe, ()
    wanted = {part: dict(values) for part, values in SEQUENCES.items()}
    if options.epochs is not None or options.steps is not None:
        del wanted["training"]["steps"]
    if recipe.preparation.augmentation is not None:
        del wanted["preparation"]
    note = (
        "The labels are sequences of symbols, so the network is reader with the output layer ctc, trained with muon. "
        "For another network, use --model, such as --model cnn."
    )
    return make_recipe(recipe.model_dump(exclude_unset=True), wanted), (note,)


def _for_small(recipe: Recipe, train: ImageSet) -> tuple[Recipe, tuple[str, ...]]:
    """Return the recipe for small colour pictures, and a note about the choice."""
    low, high = SMALL_SIDES
    fits = low <= min(train.shape[:2]) <= max(train.shape[:2]) <= high and len(train) >= MANY
    if not fits or not recipe.training.model_fields_set.isdisjoint(_OF_STEPS):
        return recipe, ()
    note = (
        f"These are colour pictures of {show(train.shape[:2])}, so the network is small-airbench, trained with muon. "
        "For another network, use --model, such as --model cnn."
    )
    return make_recipe(recipe.model_dump(exclude_unset=True), SMALL_COLOUR), (note,)


def _weights_here() -> str | None:
    """Return the first of the preferred networks whose weights are on this machine."""
    return next((name for name in PREFERRED if weights.are_here(name)), None)
