"""Making a learner from a recipe and pictures, without writing anything."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import nn

from picturewise.architectures.layers import show
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import Summary, summarise
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError, UsageError
from picturewise.networks.builder import build
from picturewise.networks.whitening import whiten, whitening_layer
from picturewise.prediction.computation import LibraryName
from picturewise.prediction.description import LONGEST_NAME, MOST_PIXELS
from picturewise.preparing.preparation import Preparation, fit_preparation
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.recipes.recipe import Recipe
from picturewise.seeds import derive, stream
from picturewise.training.derive import derive_recipe
from picturewise.training.group import ALONE, Group
from picturewise.training.heads import asked_head, labelled_for, with_head
from picturewise.training.initial_weights import freezing_of, transplant
from picturewise.training.learner import Learner
from picturewise.training.machine import MEASURED_OPERATIONS, Machine, choose_machine, with_threads
from picturewise.training.pretrained import Backbone, with_backbone
from picturewise.training.validation import library_for

WHITENED_PIXELS = 5_000_000
"""How many pixels of train pictures are used to compute a whitening layer; 5,000 pictures of 32x32."""


def make_learner(
    recipe: Recipe, dataset: Dataset, *, network: nn.Module | None = None, group: Group = ALONE
) -> tuple[Learner, tuple[str, ...]]:
    """Return a learner before its first step, and a note for each difference from what the user asked for.

    Args:
        recipe: omitted values are derived from the data.
        dataset: with train and, unless the recipe has folds, valid.
        network: instead of layer lines, any module: (B, C, H, W) floats in, (B, K) logits out. It is trained in place.
        group: the workers that train it together.

    Raises:
        UsageError: an option or a layer line does not fit the data.
        DataError: there are no pictures, classes or labels to train on.
        RunError: the weights that the recipe starts with are damaged, or are not the ones that it names.
    """
    train, valid = _learned(recipe, dataset)
    recipe = asked_head(recipe)
    wanted, backbone = recipe, None
    if network is None:
        wanted, backbone = with_backbone(recipe, train.shape, sequences=train.has_sequences)
    wanted = with_head(wanted, train)
    train, valid = labelled_for(wanted, train), valid and labelled_for(wanted, valid)
    effective, notes = derive_recipe(wanted, train, module=network is not None)
    known = backbone.preparation if backbone and effective.start.statistics == "source" else None
    return _assemble(effective, train, valid, network, known, backbone, group), notes


def summarise_learner(recipe: Recipe, dataset: Dataset) -> Summary:
    """Return the layer table of the learner that `make_learner` would make, with its notes, without building it.

    Args:
        recipe: as for `make_learner`.
        dataset: with train.

    Raises:
        UsageError, DataError, RunError: as for `make_learner`.
    """
    effective, train, notes = derive_for(recipe, _labelled(dataset, "train"))
    shape = (*train.shape[:2], 1 if effective.preparation.grey else train.shape[2])
    found = summarise(parse(effective.model.layers or ()), shape, train.target.output_line)
    return replace(found, notes=notes)


def derive_for(recipe: Recipe, train: ImageSet) -> tuple[EffectiveRecipe, ImageSet, tuple[str, ...]]:
    """Return the recipe of the learner that `make_learner` would make, the pictures with the labels for it, and notes.

    Args:
        recipe: as for `make_learner`, with layer lines or a network's name.
        train: with labels.

    Raises:
        UsageError, DataError, RunError: as for `make_learner`.
    """
    wanted, _ = with_backbone(asked_head(recipe), train.shape, sequences=train.has_sequences)
    wanted = with_head(wanted, train)
    train = labelled_for(wanted, train)
    effective, notes = derive_recipe(wanted, train)
    return effective, train, notes


def rebuild_learner(
    recipe: EffectiveRecipe,
    dataset: Dataset,
    *,
    network: nn.Module | None = None,
    preparation: Preparation | None = None,
    begun: bool,
    group: Group = ALONE,
    validated_by: LibraryName | Literal["auto"] | None = "auto",
) -> Learner:
    """Return the learner of a run, ready to load its newest state.

    Args:
        recipe: of the run.
        dataset: the pictures of the run.
        network: an instance of the same class, if the run trains one.
        preparation: of the run, if it came with the weights that the recipe starts with.
        begun: the run has saved a state. Otherwise, the weights that the recipe starts with are needed again.
        group: as for `make_learner`.
        validated_by: the library that validates in bfloat16; None: validation uses float32; auto: it is chosen.

    Raises:
        DataError: there are no pictures, classes or labels to train on.
        UsageError, RunError: as for `make_learner`.
    """
    train, valid = (part and labelled_for(recipe, part) for part in _learned(recipe, dataset))
    assert train is not None  # noqa: S101 (only valid may be missing)
    backbone = None if begun or network is not None else with_backbone(recipe, train.shape)[1]
    return _assemble(recipe, train, valid, network, preparation, backbone, group, validated_by)


def fold_learner(whole: Learner, train: ImageSet, valid: ImageSet) -> Learner:
    """Return a learner like another one that has not taken a step, for other pictures: a fold is left out of train.

    Args:
        whole: its network has the first weights of the run.
        train: to train on.
        valid: the fold.
    """
    recipe = whole.recipe
    # Weights from elsewhere are copied; others are drawn again, because they may depend on the pictures.
    elsewhere = recipe.start.source is not None or recipe.model.layers is None
    known = whole.preparation if recipe.start.statistics == "source" else None
    network = _copied(whole.network) if elsewhere else None
    learner = _assemble(recipe, train, valid, network, known, None, whole.group, whole.validated_by)
    learner.use_kernels(products=whole.machine.products)
    return learner


def _copied(network: nn.Module) -> nn.Module:
    """Return a copy of a network, in main memory like a new one.

    Raises:
        UsageError: it cannot be copied.
    """
    try:
        return copy.deepcopy(network).cpu()
    except Exception as error:  # the user's class may hold anything
        raise UsageError(
            f"{type(network).__qualname__} cannot be copied for each fold ({error}). Hold out a validation split "
            "instead, with folds=0."
        ) from error


def _assemble(
    recipe: EffectiveRecipe,
    train: ImageSet,
    valid: ImageSet | None,
    network: nn.Module | None,
    known: Preparation | None,
    backbone: Backbone | None,
    group: Group,
    validated_by: LibraryName | Literal["auto"] | None = "auto",
) -> Learner:
    """Return the learner; its network starts with the weights of `backbone`, if there is one."""
    preparation = _preparation(recipe, train, known)
    machine = _machine(recipe, train, preparation)
    if validated_by == "auto":
        validated_by = library_for(recipe, preparation, machine, valid or train)
    # With a number of threads in the recipe, the initial weights do not depend on the cores of this machine, either.
    with with_threads(machine.threads) if recipe.training.threads else contextlib.nullcontext():
        network = _network(recipe, train, preparation, network)
        temperature = 1.0
        if backbone is not None:
            temperature = transplant(network, backbone, recipe, machine, preparation, valid or train)
    return Learner(
        network=network,
        recipe=recipe,
        preparation=preparation,
        machine=machine,
        train=train,
        valid=valid,
        freezing=freezing_of(recipe, train, preparation, network),
        start_temperature=temperature,
        group=group,
        validated_by=validated_by,
    )


def _machine(recipe: EffectiveRecipe, train: ImageSet, preparation: Preparation) -> Machine:
    """Return the machine that suits the size of the recipe's steps; the size of a Python class is unknown."""
    options, layers = recipe.training, recipe.model.layers
    if (
        options.engine == "numpy"
    ):  # PyTorch only prepares the pictures; its threads would compete with NumPy's
        return Machine(torch.device("cpu"), "float32", threads=1)
    if layers is None or options.threads:
        return choose_machine(options.device, options.precision, threads=options.threads)
    summary = summarise(parse(layers), preparation.output(train.shape), train.target.output_line)
    step = 3 * options.batch_size * summary.multiplications  # forward once, and backward twice as much
    depth = max(1.0, summary.operations / MEASURED_OPERATIONS)  # work is shared operation by operation
    return choose_machine(options.device, options.precision, multiplications=step / depth)


def _network(
    recipe: EffectiveRecipe, train: ImageSet, preparation: Preparation, network: nn.Module | None
) -> nn.Module:
    """Return the recipe's network with weights from its seed, or the user's, checked."""
    shape = preparation.output(train.shape)
    if network is not None:
        _check_module(network, shape, train.target.outputs)
        return network
    layers = parse(recipe.model.layers or ())
    dirac = recipe.model.initialisation == "dirac"
    built = build(layers, shape, train.target.output_line, seed=derive(recipe.seed, "init"), dirac=dirac)
    if (layer := whitening_layer(built)) is not None:
        count = max(1, WHITENED_PIXELS // (shape[0] * shape[1]))
        chosen = np.sort(stream(recipe.seed, "whiten").permutation(len(train))[:count])
        whiten(layer, preparation.apply(torch.from_numpy(train.images[chosen])))
    return built


def _preparation(recipe: EffectiveRecipe, train: ImageSet, known: Preparation | None) -> Preparation:
    """Return the preparation that is fitted on train, with the numbers of `known` if given."""
    fitted = fit_preparation(train, grey=recipe.preparation.grey)
    known = known or fitted
    return replace(fitted, mean=known.mean, std=known.std, views=recipe.preparation.views)


def _learned(recipe: Recipe, dataset: Dataset) -> tuple[ImageSet, ImageSet | None]:
    """Return train and validation pictures; with folds there are only train pictures."""
    return _labelled(dataset, "train"), None if recipe.training.folds else _labelled(dataset, "valid")


def _labelled(dataset: Dataset, name: str) -> ImageSet:
    part = dataset.train if name == "train" else dataset.valid
    if dataset.train is not None and dataset.train.labels is None:
        usual = "Pass pictures with labels, such as a pair (pictures, labels) or a folder per class."
        # Files next to the pictures that may contain their labels.
        way_out = next((note for note in dataset.notes if "--label-column" in note), usual)
        raise DataError(
            f"{dataset.train.origin} does not have labels, so it cannot be used for training. {way_out}"
        )
    if part is None or part.labels is None or len(part) == 0:
        raise DataError(
            f"{dataset.name} does not have labelled pictures in its {name} split, which training needs. Add some."
        )
    if len(part.classes) < 2:
        raise DataError(
            f"{dataset.name} has only one class, '{part.classes[0]}'. Add pictures of another class."
        )
    if (longest := max(map(len, part.classes))) > LONGEST_NAME:
        raise DataError(
            f"{dataset.name} has a class name of {longest:,} characters, but at most {LONGEST_NAME:,} are allowed. "
            "Check that the labels are class names, not free text."
        )
    if max(part.shape[:2]) > MOST_PIXELS:
        raise DataError(
            f"{dataset.name}: the pictures in the {name} split are {show(part.shape)}, but networks accept at most "
            f"{MOST_PIXELS:,} pixels per side. Resize them, for example with --size {MOST_PIXELS}x{MOST_PIXELS}."
        )
    if dataset.train is not None and part.shape != dataset.train.shape:
        raise DataError(
            f"{dataset.name}: the pictures in the {name} split are {show(part.shape)}, but those in the train split "
            f"are {show(dataset.train.shape)}. Use the same size and channels for all splits."
        )
    return part


def _check_module(network: nn.Module, shape: tuple[int, ...], outputs: int) -> None:
    """Check with two blank pictures that a user's module returns one logit per class."""
    height, width, channels = shape
    training = network.training
    try:
        with torch.no_grad():
            found = tuple(network.eval()(torch.zeros(2, channels, height, width)).shape)
    except Exception as error:  # the user's code may raise anything
        raise UsageError(
            f"{type(network).__qualname__} does not accept a batch of two pictures (2, {channels}, {height}, {width}): "
            f"{error}"
        ) from error
    finally:
        network.train(training)
    if found != (2, outputs):
        raise UsageError(
            f"{type(network).__qualname__} returns shape {found} for a batch of two pictures. "
            f"Expected (2, {outputs}), one logit for each class."
        )
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UsageError(
            f"{type(network).__qualname__} does not have trainable parameters. Set requires_grad on the "
            "parameters to train."
        )
