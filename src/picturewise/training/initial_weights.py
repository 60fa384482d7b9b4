"""Giving a new network the weights that its recipe begins with, and saying which of them stay as they are."""

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
    """Give a new network the weights that the recipe begins with; return the temperature of a kept output layer.

    Args:
        network: of the recipe's layer lines.
        backbone: what the recipe begins with.
        recipe: that names it.
        machine: where the network computes.
        preparation: of the pictures.
        valid: by which new classes are put below the old ones.

    Raises:
        UsageError: the weights do not fit the layers, or a kept output layer not the classes.
    """
    assert isinstance(network, nn.Sequential)  # noqa: S101 (a module of the user's begins with no backbone)
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
    assert isinstance(head, nn.Linear)  # noqa: S101 (the builder appends no other)
    if old is None:
        raise UsageError(
            f"start.head is 'keep', but {backbone.source} has no output layer for classes of one's own."
        )
    if strange := [name for name in old.classes if name not in valid.classes]:
        raise UsageError(
            f"The output layer of {backbone.source} knows the class{'es' * (len(strange) > 1)} {listed(strange)}, "
            f"which the pictures have not ({listed(valid.classes)}): name all classes in data.classes, or take a new "
            "output layer with start.head=new."
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
    """Return what freezes the layers that the recipe begins with; None where it begins with none."""
    if recipe.start.lines is None or not isinstance(network, nn.Sequential):
        return None
    layers = parse(recipe.model.layers or ())
    where = spans(layers, preparation.output(train.shape), train.target.output_line)
    return Freezing(network, layers, where, recipe.start.lines, recipe.training)


def _advice(backbone: Backbone, shape: Shape) -> str:
    """Return what to do where weights do not fit because the pictures have another size than they had."""
    if backbone.shape is None or backbone.shape[:2] == shape[:2]:
        return ""
    own = show(backbone.shape[:2])
    return f" It learned from pictures of {own}, these are {show(shape[:2])}: bring them to its size with --size {own}."
