"""The default network for photographs: pretrained layers, if their weights are on this machine.

A few hundred photographs do not teach a network what edges, textures and shapes are; layers that were trained on a
million others know. So if nothing is said about the network, and the pictures are in colour and large, training starts
from published weights, with a new output layer above frozen layers. The choice is stored in the recipe as if it had
been typed: the run can only be repeated with the same weights.
"""

from __future__ import annotations

from picturewise.architectures.layers import show
from picturewise.catalogue import weights
from picturewise.data.dataset import Dataset
from picturewise.data.options import DataOptions, PhotographOptions
from picturewise.data.readers.listed_pictures import PHOTOGRAPH_SIDE
from picturewise.extras import install_command
from picturewise.recipes.recipe import Recipe, make_recipe

PREFERRED = (
    *("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"),
    *("mobilenet-v2", "resnet18", "resnet50", "resnet34"),
)
"""Networks with published weights, in the order of their accuracy for their time."""


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
    height, width, channels = dataset.train.shape
    if channels != 3 or min(height, width) < PHOTOGRAPH_SIDE:
        return recipe, ()
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
    return make_recipe(recipe.model_dump(), wanted), (note,)


def _weights_here() -> str | None:
    """Return the first of the preferred networks whose weights are on this machine."""
    return next((name for name in PREFERRED if weights.are_here(name)), None)
