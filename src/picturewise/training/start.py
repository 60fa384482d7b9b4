"""Starting and resuming a run: a learner, a folder, and the trainer between them."""

from __future__ import annotations

import functools
import hashlib
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch
from torch import nn

from picturewise import timm_adapter
from picturewise.architectures.lines import parse
from picturewise.architectures.timm_line import Timm
from picturewise.cores import processor
from picturewise.data.dataset import Dataset
from picturewise.errors import RunError, UsageError
from picturewise.file_names import path_of, text_of
from picturewise.prediction.computation import LibraryName, computation, lacking_for, library_named
from picturewise.printable import printable
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.recipes.recipe import Recipe
from picturewise.runs import checkpoint
from picturewise.runs.create import create_run
from picturewise.runs.new_run import NewRun, new_run
from picturewise.runs.record import RunRecord, data_facts
from picturewise.runs.run import Run
from picturewise.training.alike import check_alike
from picturewise.training.callbacks import EarlyStopping, HistoryFile, KeptClassifier
from picturewise.training.derive import derived_keys
from picturewise.training.folds import Folds
from picturewise.training.follower import Follower
from picturewise.training.group import ALONE, Group
from picturewise.training.learner import Learner
from picturewise.training.make_learner import fold_learner, make_learner, rebuild_learner
from picturewise.training.trainer import Callback, Trainer

_VALIDATION = "bfloat16_validation"
"""The key in the record's facts of the machine; runs that are validated in float32 do not have it."""
_KERNELS, _PRODUCTS = "weight gradients", "matrix products"
"""The same for runs on a processor with AMX, see `weight_products`."""


def start(
    recipe: Recipe,
    dataset: Dataset,
    place: Path | NewRun,
    *,
    callbacks: Sequence[Callback] = (),
    network: nn.Module | None = None,
    notes: Sequence[str] = (),
    group: Group | None = None,
) -> Trainer:
    """Return a trainer for a new run, whose folder then exists; its `fit` does the work.

    Args:
        recipe: omitted values are derived from the data and written to recipe.toml.
        dataset: with train and, unless the recipe has folds, valid.
        place: an empty folder, or one that does not exist yet; or one that is already claimed, and stays so.
        callbacks: the user's; the built-in ones come first.
        network: instead of layer lines, any module: (B, C, H, W) floats in, (B, K) logits out.
        notes: of the choices before, which are stored with the run.
        group: the workers, of which this is the first, while the others call `follow`; None: there are no others.

    Raises:
        UsageError: an option or a layer line does not fit the data, or the place is not empty.
        DataError: there are no pictures, classes or labels to train on.
        SaveError: the place cannot be written.
    """
    if isinstance(place, Path):
        with new_run(place) as new:
            return start(recipe, dataset, new, callbacks=callbacks, network=network, notes=notes, group=group)
    group = group or ALONE
    learner, more = make_learner(recipe, dataset, network=network, group=group)
    check_alike(learner)
    learner.validated_by = group.told(learner.validated_by)
    learner.use_kernels(products=group.told(learner.machine.products))
    effective = learner.recipe
    learning, fixed, statistics = _parameters(learner)
    record = RunRecord(
        picturewise=version("picturewise"),
        data=data_facts(dataset),
        recipe_sha256=hashlib.sha256(effective.to_toml().encode()).hexdigest(),
        module=None if network is None else f"{type(network).__module__}.{type(network).__qualname__}",
        trainable_parameters=learning,
        fixed_parameters=fixed,
        statistics=statistics,
        preparation=learner.preparation if _has_own_statistics(learner, network) else None,
        machine=_describe(learner),
        derived=derived_keys(recipe, effective),
        notes=(*notes, *more),
    )
    run, record = create_run(place, effective, record, dataset)
    group.told(text_of(run.path.absolute()))
    return _trainer(learner, run, record, callbacks)


def resume(
    run: Run,
    dataset: Dataset,
    *,
    callbacks: Sequence[Callback] = (),
    network: nn.Module | None = None,
    group: Group = ALONE,
) -> Trainer:
    """Return a trainer that resumes a run from its newest checkpoint; its `fit` does the work.

    Args:
        run: started before, finished or not.
        dataset: read again from the run's recipe.
        callbacks: the user's, as for `start`.
        network: an instance of the same class, if the run was started with one.
        group: as for `start`.

    Raises:
        DataError: the pictures are not the ones that the run started with.
        UsageError: the run needs a network to be passed, or does not accept one.
        RunError: its checkpoint belongs to a smaller network than its recipe describes.
    """
    record, recipe = run.record, run.recipe
    if (record.module is None) != (network is None):
        way_out = (
            "was trained from layer lines. Resume it without network="
            if record.module is None
            else f"was trained with the Python class {record.module}. Pass an instance of it as network="
        )
        raise UsageError(f"{run.path} {way_out}.")
    run.check_pictures(dataset)
    summary = run.summary()
    numbers = None if summary is None else summary.trainable + summary.fixed
    begun, _ = checkpoint.newest(run.checkpoints, numbers)
    if begun is not None and numbers is not None:  # before the network is built
        found = sum(tensor.numel() for tensor in begun.weights.values())
        if found < numbers:
            raise RunError(
                f"{run.checkpoints} contains the weights of another network: it has {found:,} values, but the network "
                f"of the recipe has {numbers:,}. Restore the original files, or train again."
            )
    learner = rebuild_learner(
        recipe,
        dataset,
        network=network,
        preparation=record.preparation,
        begun=begun is not None,
        group=group,
        validated_by=_recorded_library(run, record),
    )
    learner.use_kernels(products=record.machine.get(_KERNELS) == _PRODUCTS)
    check_alike(learner)
    learner.validated_by = group.told(learner.validated_by)
    learner.use_kernels(products=group.told(learner.machine.products))
    group.told(text_of(run.path.absolute()))
    trainer = _trainer(learner, run, record, callbacks)
    if record.machine != _describe(learner):
        trainer.notes += (
            "The machine or its libraries have changed since the run started, so the last digits may differ.",
        )
    return trainer


def follow(
    recipe: Recipe, dataset: Dataset, group: Group, *, network: nn.Module | None = None
) -> tuple[Follower, Path]:
    """Return what the other workers of a run do, and the run's folder, which the first worker creates.

    Args:
        recipe: as the first worker passes it to `start`, or the one of the run that it resumes.
        dataset: the same pictures.
        group: the workers.
        network: as for `start`.

    Raises:
        UsageError: this worker differs from the first one in something that changes the weights; or as for `start`.
        DataError: as for `start`.
    """
    if isinstance(recipe, EffectiveRecipe):  # the weights that it starts with are sent by the first worker
        learner = rebuild_learner(recipe, dataset, network=network, begun=True, group=group)
    else:
        learner, _ = make_learner(recipe, dataset, network=network, group=group)
    check_alike(learner)
    learner.validated_by = group.told(learner.validated_by)
    learner.use_kernels(products=group.told(learner.machine.products))
    path = path_of(group.told(None))
    return Follower(learner, path), path


def _trainer(learner: Learner, run: Run, record: RunRecord, callbacks: Sequence[Callback]) -> Trainer:
    built_in: list[Callback] = [KeptClassifier(), HistoryFile()]
    if learner.recipe.training.patience is not None:
        built_in.append(EarlyStopping(learner.recipe.training.patience))
    folds = None
    if learner.recipe.training.folds:
        folds = Folds(learner, functools.partial(fold_learner, learner), run.path, run.folds)
    return Trainer(learner, run, record, [*built_in, *callbacks], folds)


def _has_own_statistics(learner: Learner, network: nn.Module | None) -> bool:
    """Return whether the pictures are normalised like those that the initial weights were trained on."""
    start = learner.recipe.start
    return network is None and start.source is not None and start.statistics == "source"


def _parameters(learner: Learner) -> tuple[int, int, int]:
    """Return how many floating-point numbers are trained, how many are not, and how many of those are statistics.

    Counters are left out.
    """
    network, freezing = learner.network, learner.freezing
    # This many of the first modules stay frozen.
    frozen = 0 if freezing is None else freezing.frozen(learner.epochs or 1)
    still = sum(p.numel() for module in list(network.children())[:frozen] for p in module.parameters())
    learning = sum(p.numel() for p in network.parameters() if p.requires_grad) - still
    statistics = sum(buffer.numel() for buffer in network.buffers() if buffer.is_floating_point())
    return learning, sum(p.numel() for p in network.parameters()) + statistics - learning, statistics


def _recorded_library(run: Run, record: RunRecord) -> LibraryName | None:
    """Return the library that validates a run in bfloat16; None: the run is validated in float32.

    Raises:
        UsageError: it is not installed, or does not compute in bfloat16 on this processor.
    """
    recorded = record.machine.get(_VALIDATION)
    if recorded is None:
        return None
    library = library_named(recorded)
    if (lacking := lacking_for(library)) is not None:
        raise UsageError(
            f"{printable(run.path)} is validated by {printable(recorded)} in bfloat16, but {lacking}. Resume where it "
            "began, or train again."
        )
    return library


def _describe(learner: Learner) -> dict[str, str]:
    """Return what is used for computing: processor, threads, number format, versions."""
    machine, recipe, by = learner.machine, learner.recipe, learner.validated_by
    borrowed = any(isinstance(layer, Timm) for layer in parse(recipe.model.layers or ()))
    by_numpy = recipe.training.engine == "numpy"
    return {
        "device": str(machine.device),
        "precision": machine.precision,
        **({} if by is None else {_VALIDATION: computation("bfloat16", by).library}),
        "threads": "NumPy's own" if by_numpy else str(machine.threads),
        **({_KERNELS: _PRODUCTS} if machine.products else {}),
        "processor": processor(),
        "torch": torch.__version__,
        **({"numpy": version("numpy")} if by_numpy else {}),
        **({"workers": str(learner.group.size)} if recipe.training.distributed == "fast" else {}),
        "python": platform.python_version(),
        "system": sys.platform,
        **({"timm": timm_adapter.version()} if borrowed else {}),
    }
