"""Gives a new network the weights that its recipe starts with, and says which of them stay unchanged."""

from __future__ import annotations

import torch
from torch import nn

from picturewise.architectures.layers import Shape, show
from picturewise.architectures.lines import parse
from picturewise.data.imageset import ImageSet
from picturewise.errors import RunError, UsageError
from picturewise.names import listed
from picturewise.networks.builder import spans
from picturewise.networks.transplant import keep_outputs, pass_on, put_below, put_in
from picturewise.preparing.preparation import Preparation
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.training.freezing import Freezing
from picturewise.training.machine import Machine
from picturewise.training.pretrained import Backbone
from picturewise.training.validation import as_classifier


def transplant(
    network: nn.Module,
    backbone: Backbone,
    recipe: EffectiveRecipe,
    machine: Machine,
    preparation: Preparation,
    valid: ImageSet,
) -> float:
    """Give a new network the weights that the recipe starts with; return the temperature of a kept output layer.

    Args:
        network: of the recipe's layer lines.
        backbone: what the recipe starts with.
        recipe: the recipe that names it.
        machine: where the network computes.
        preparation: of the pictures.
        valid: pictures used to put new classes below the old ones.

    Raises:
        UsageError: the weights do not fit the layers, or a kept output layer does not fit the classes.
    """
    assert isinstance(network, nn.Sequential)  # noqa: S101 (a user's module never starts with a backbone)
    lines, layers = recipe.start.lines or 0, parse(recipe.model.layers or ())
    where = spans(layers, preparation.output(valid.shape), valid.target.output_line)
    modules = where[lines - 1].stop
    carried = {
        name: tensor for name, tensor in backbone.weights.items() if int(name.partition(".")[0]) < modules
    }
    try:
        put_in(network, carried, modules, backbone.source)
    except RunError as error:
        raise UsageError(f"{error}{_advice(backbone, valid.shape)}") from error
    if recipe.start.head == "new":
        return 1.0
    head, old = network[where[-1].start], backbone.head
    assert isinstance(head, nn.Linear)  # noqa: S101 (the builder never appends another)
    if old is None:
        raise UsageError(
            f"start.head is 'keep', but {backbone.source} does not have an output layer for your own classes. "
            "Use start.head=new."
        )
    if strange := [name for name in old.classes if name not in valid.classes]:
        raise UsageError(
            f"The output layer of {backbone.source} was trained on the class{'es' * (len(strange) > 1)} "
            f"{listed(strange)}, which {'are' if len(strange) > 1 else 'is'} not in this data set "
            f"({listed(valid.classes)}). Name all classes in data.classes, or use a new output layer with "
            "start.head=new."
        )
    pass_on(list(network)[modules : where[-1].start])
    if new := keep_outputs(head, old.weight, old.bias, old.classes, valid.classes):
        network.to(machine.device)
        logits = as_classifier(network, recipe, preparation, valid).logits(valid.images)
        put_below(head, new, torch.from_numpy(logits))
    return old.temperature


def freezing_of(
    recipe: EffectiveRecipe, train: ImageSet, preparation: Preparation, network: nn.Module
) -> Freezing | None:
    """Return the freezing of the layers that the recipe starts with; None if there are none."""
    if recipe.start.lines is None or not isinstance(network, nn.Sequential):
        return None
    layers = parse(recipe.model.layers or ())
    where = spans(layers, preparation.output(train.shape), train.target.output_line)
    return Freezing(network, layers, where, recipe.start.lines, recipe.training)


def _advice(backbone: Backbone, shape: Shape) -> str:
    """Return what to do if weights do not fit because the pictures have another size."""
    if backbone.shape is None or backbone.shape[:2] == shape[:2]:
        return ""
    own = show(backbone.shape[:2])
    return f" It was trained on pictures of {own}, but these are {show(shape[:2])}: resize them with --size {own}."
