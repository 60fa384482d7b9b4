"""Starting a run, and going on with one."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn

from picturewise import timm_adapter
from picturewise.architectures.layers import show
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.architectures.timm_line import Timm
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError, UsageError
from picturewise.networks.builder import build
from picturewise.networks.whitening import whiten, whitening_layer
from picturewise.preparing.preparation import Preparation, fit_preparation
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.recipes.recipe import Recipe
from picturewise.runs import checkpoint
from picturewise.runs.run import Run, RunRecord, create_run, data_facts
from picturewise.seeds import derive, stream
from picturewise.training.callbacks import BestClassifier, EarlyStopping, HistoryFile
from picturewise.training.derive import derive_recipe, derived_keys
from picturewise.training.freezing import Freezing
from picturewise.training.initial_weights import freezing_of, transplant
from picturewise.training.machine import MEASURED_OPERATIONS, Machine, choose_machine, processor
from picturewise.training.pretrained import with_backbone
from picturewise.training.trainer import Callback, Trainer

WHITENED_PIXELS = 5_000_000
"""How many pixels of train pictures a whitening layer is computed from; 5,000 pictures of 32x32."""


def start(
    recipe: Recipe,
    dataset: Dataset,
    path: Path,
    *,
    callbacks: Sequence[Callback] = (),
    network: nn.Module | None = None,
) -> Trainer:
    """Return a trainer for a new run in the folder `path`; its `fit` does the work.

    Args:
        recipe: what is left out of it is derived from the data and written to recipe.toml.
        dataset: with train and valid.
        path: an empty folder, or one that does not exist yet.
        callbacks: the user's; the built-in ones come first.
        network: instead of layer lines, any module: (B, C, H, W) floats in, (B, K) logits out.

    Raises:
        UsageError: an option or a layer line does not go with the data.
        DataError: there is nothing to learn, or no labels.
    """
    train, valid = _labelled(dataset, "train"), _labelled(dataset, "valid")
    wanted, backbone = with_backbone(recipe, train.shape) if network is None else (recipe, None)
    effective, notes = derive_recipe(wanted, train, module=network is not None)
    own = backbone is not None and effective.start.statistics == "source"
    preparation = _preparation(effective, train, backbone.preparation if backbone and own else None)
    module = None if network is None else f"{type(network).__module__}.{type(network).__qualname__}"
    machine = _machine(effective, train, preparation)
    network = _network(effective, train, preparation, network)
    temperature = 1.0
    if backbone is not None:
        temperature = transplant(network, backbone, effective, machine, preparation, valid)
    freezing = freezing_of(effective, train, preparation, network)
    still = 0 if freezing is None else freezing.frozen(effective.training.epochs or 1)
    learning, fixed = _parameters(network, still)
    record = RunRecord(
        picturewise=version("picturewise"),
        data=data_facts(dataset),
        recipe_sha256=hashlib.sha256(effective.to_toml().encode()).hexdigest(),
        module=module,
        trainable_parameters=learning,
        fixed_parameters=fixed,
        preparation=preparation if own else None,
        machine=_describe(machine, effective),
        derived=derived_keys(recipe, effective),
        notes=notes,
    )
    run, record = create_run(path, effective, record, dataset)
    return _trainer(
        run, record, effective, machine, dataset, callbacks, network, preparation, freezing, temperature
    )


def resume(
    run: Run, dataset: Dataset, *, callbacks: Sequence[Callback] = (), network: nn.Module | None = None
) -> Trainer:
    """Return a trainer that goes on with a run from its newest checkpoint; its `fit` does the work.

    Args:
        run: started before, finished or not.
        dataset: read anew from the run's recipe.
        callbacks: the user's, as for `start`.
        network: an instance of the same class, if the run was started with one.

    Raises:
        DataError: the pictures are not the ones that the run began with.
        UsageError: the run needs a network handed in, or needs none.
    """
    record, recipe = run.record, run.recipe
    if (record.module is None) != (network is None):
        expected = (
            "its layer lines, without network="
            if record.module is None
            else f"an instance of {record.module} as network="
        )
        raise UsageError(f"{run.path} cannot go on: it needs {expected}.")
    train, _ = _labelled(dataset, "train"), _labelled(dataset, "valid")
    run.check_pictures(dataset)
    preparation = _preparation(recipe, train, record.preparation)
    machine = _machine(recipe, train, preparation)
    network = _network(recipe, train, preparation, network)
    freezing = freezing_of(recipe, train, preparation, network)
    temperature = 1.0
    # A run that was killed before its first checkpoint begins anew.
    if checkpoint.newest(run.checkpoints)[0] is None:
        _, backbone = with_backbone(recipe, train.shape)
        if backbone is not None:
            valid = _labelled(dataset, "valid")
            temperature = transplant(network, backbone, recipe, machine, preparation, valid)
    trainer = _trainer(
        run, record, recipe, machine, dataset, callbacks, network, preparation, freezing, temperature
    )
    if record.machine != _describe(machine, recipe):
        trainer.notes += (
            "This machine or its libraries differ from those of the start, so the last digits may too.",
        )
    return trainer


def _trainer(
    run: Run,
    record: RunRecord,
    recipe: EffectiveRecipe,
    machine: Machine,
    dataset: Dataset,
    callbacks: Sequence[Callback],
    network: nn.Module,
    preparation: Preparation,
    freezing: Freezing | None,
    temperature: float,
) -> Trainer:
    built_in: list[Callback] = [BestClassifier(), HistoryFile()]
    if recipe.training.patience is not None:
        built_in.append(EarlyStopping(recipe.training.patience))
    return Trainer(
        run=run,
        record=record,
        recipe=recipe,
        network=network,
        preparation=preparation,
        machine=machine,
        train=_labelled(dataset, "train"),
        valid=_labelled(dataset, "valid"),
        callbacks=[*built_in, *callbacks],
        freezing=freezing,
        start_temperature=temperature,
    )


def _machine(recipe: EffectiveRecipe, train: ImageSet, preparation: Preparation) -> Machine:
    """Return the machine that suits the size of the recipe's steps; a Python class may be of any size."""
    options, layers = recipe.training, recipe.model.layers
    if (
        options.engine == "numpy"
    ):  # PyTorch only prepares the pictures; its threads would be in the way of NumPy's
        return Machine(torch.device("cpu"), "float32", threads=1)
    if layers is None:
        return choose_machine(options.device, options.precision)
    summary = summarise(parse(layers), preparation.output(train.shape), len(train.classes))
    step = 3 * options.batch_size * summary.multiplications  # forward, and backward twice
    depth = max(1.0, summary.operations / MEASURED_OPERATIONS)  # work is handed out operation by operation
    return choose_machine(options.device, options.precision, multiplications=step / depth)


def _network(
    recipe: EffectiveRecipe, train: ImageSet, preparation: Preparation, network: nn.Module | None
) -> nn.Module:
    """Return the recipe's network with weights from its seed, or the user's, checked."""
    shape = preparation.output(train.shape)
    if network is not None:
        _check_module(network, shape, len(train.classes))
        return network
    layers = parse(recipe.model.layers or ())
    dirac = recipe.model.initialisation == "dirac"
    built = build(layers, shape, len(train.classes), seed=derive(recipe.seed, "init"), dirac=dirac)
    if (layer := whitening_layer(built)) is not None:
        count = max(1, WHITENED_PIXELS // (shape[0] * shape[1]))
        chosen = np.sort(stream(recipe.seed, "whiten").permutation(len(train))[:count])
        whiten(layer, preparation.apply(torch.from_numpy(train.images[chosen])))
    return built


def _preparation(recipe: EffectiveRecipe, train: ImageSet, known: Preparation | None) -> Preparation:
    """Return the preparation that is fitted on train, with the numbers of `known` where it is known."""
    fitted = fit_preparation(train, grey=recipe.preparation.grey)
    known = known or fitted
    return replace(fitted, mean=known.mean, std=known.std, views=recipe.preparation.views)


def _parameters(network: nn.Module, frozen: int) -> tuple[int, int]:
    """Return how many floating-point numbers learn and how many do not; counters are none.

    Args:
        network: any module.
        frozen: how many of its first modules are frozen to the end.
    """
    still = sum(p.numel() for module in list(network.children())[:frozen] for p in module.parameters())
    learning = sum(p.numel() for p in network.parameters() if p.requires_grad) - still
    every = [*network.parameters(), *(b for b in network.buffers() if b.is_floating_point())]
    return learning, sum(numbers.numel() for numbers in every) - learning


def _labelled(dataset: Dataset, name: str) -> ImageSet:
    part = dataset.train if name == "train" else dataset.valid
    if part is None or part.labels is None or len(part) == 0:
        raise DataError(f"{dataset.name} has no labelled {name} pictures; training needs them.")
    if len(part.classes) < 2:
        raise DataError(f"{dataset.name} has one class only, '{part.classes[0]}'; expected at least two.")
    if dataset.train is not None and part.shape != dataset.train.shape:
        raise DataError(
            f"{dataset.name}: the {name} pictures are {show(part.shape)}, those of train "
            f"{show(dataset.train.shape)}; expected one size."
        )
    return part


def _check_module(network: nn.Module, shape: tuple[int, ...], classes: int) -> None:
    """Check on two blank pictures that a user's module gives one logit a class."""
    height, width, channels = shape
    training = network.training
    try:
        with torch.no_grad():
            found = tuple(network.eval()(torch.zeros(2, channels, height, width)).shape)
    except Exception as error:  # the user's code may raise anything
        raise UsageError(
            f"{type(network).__qualname__} does not take a batch of two pictures (2, {channels}, {height}, {width}): "
            f"{error}"
        ) from error
    finally:
        network.train(training)
    if found != (2, classes):
        raise UsageError(
            f"{type(network).__qualname__} gives {found} for a batch of two pictures; "
            f"expected (2, {classes}), one logit for each class."
        )
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UsageError(
            f"{type(network).__qualname__} has no trainable parameters; there is nothing to learn."
        )


def _describe(machine: Machine, recipe: EffectiveRecipe) -> dict[str, str]:
    borrowed = any(isinstance(layer, Timm) for layer in parse(recipe.model.layers or ()))
    by_numpy = recipe.training.engine == "numpy"
    return {
        "device": str(machine.device),
        "precision": machine.precision,
        "threads": "NumPy's own" if by_numpy else str(machine.threads),
        "processor": processor(),
        "torch": torch.__version__,
        **({"numpy": version("numpy")} if by_numpy else {}),
        "python": platform.python_version(),
        "system": sys.platform,
        **({"timm": timm_adapter.version()} if borrowed else {}),
    }
