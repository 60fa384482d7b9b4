"""Train a network on a data set, or resume a run."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from picturewise import logs
from picturewise.arguments import checked
from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.data.recognise import Data
from picturewise.errors import Interrupted, PicturewiseError, UsageError, WorkerLostError
from picturewise.extras import TRAINING, require
from picturewise.file_names import path_of
from picturewise.recipes.keywords import RecipeKeywords, from_keywords
from picturewise.recipes.recipe import Recipe
from picturewise.runs.new_run import NewRun, new_run, numbered_run
from picturewise.runs.record import has_record
from picturewise.runs.run import Run, open_run
from picturewise.split_names import SplitName
from picturewise.tasks import default_network, folding
from picturewise.tasks.launching import (
    check_portable,
    check_workers,
    for_workers,
    listed_names,
    resume_in_workers,
    train_in_workers,
)
from picturewise.tasks.load import load, own_source, refuse_inside
from picturewise.tasks.training_report import drawing_process, is_done, make_up_for_report, report_at_end
from picturewise.tasks.wanted_recipe import wanted
from picturewise.tasks.workers import group_of_workers, is_started_again, is_worker

if TYPE_CHECKING:
    from torch import nn

    from picturewise.training.group import Group
    from picturewise.training.trainer import Callback

LEARNING_SPLITS: tuple[SplitName, ...] = ("train", "valid")


@checked
def train(
    data: Data | None = None,
    *,
    preset: str | None = None,
    plain: bool = False,
    model: str | None = None,
    layers: str | Sequence[str] | None = None,
    network: nn.Module | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    group_by: str | None = None,
    out: str | Path | None = None,
    recipe: str | Path | Recipe | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    callbacks: Sequence[Callback] = (),
    track: str | Sequence[str] = (),
    workers: int = 1,
    on: str | None = None,
    progress: bool = True,
    **options: Unpack[RecipeKeywords],
) -> Run:
    """Train a network and return its run, a folder with all results.

    The test split is not read. What is left out of the recipe is derived from the data and written to the run's
    recipe.toml. If options overlap, the last one of this list wins: preset, recipe, named arguments, settings.

    Args:
        data: a catalogue name, a path, or pictures in memory as `make_dataset` accepts them, several splits in a dict;
            not needed if the recipe names it.
        preset: `fast` for a smaller network and fewer steps, `best` for a larger one that takes several times as long
            (docs/how-to/tune.md).
        plain: plain minibatch gradient descent, as in a course: the preset `plain` (docs/how-to/tune.md#plain).
        model: a network by name: `cnn` (the default for most pictures), `mlp`, `mlp 256 128`, `vgg16`, `resnet18`, …
            (docs/reference/layers.md). By default, photographs, that is, colour pictures of at least 96 pixels, start
            from pretrained layers if their weights are installed (docs/how-to/pretrained.md), and the network for
            small colour pictures is `small-airbench`, if there are at least 1,000 of them. For labels that are
            sequences of symbols, it is `reader`.
        layers: layer lines, instead of a name.
        network: any module, instead of a name: (B, C, H, W) floats in, (B, K) logits out.
        epochs: passes over the training split.
        seed: of all random choices; equal seeds give equal weights.
        group_by: what stays in the same split, as for `read_dataset`.
        out: the run's folder, new or empty; none: `runs/<data>-<model>-<number>`.
        recipe: a recipe, or a TOML file with a complete or partial recipe.
        settings: `key=value` strings, or a mapping of dotted keys to values, for any keys of a recipe.
        callbacks: called around epochs and batches.
        track: also log metrics to other programs: `tensorboard`, `mlflow` (docs/how-to/track.md).
        workers: processes on this machine that train together (docs/scale.md); the weights are the same for every
            number that divides `shards`, bit for bit. A process that torchrun started is one of several workers anyway.
        on: train on a Ray cluster instead: `ray`, the one that this machine belongs to, or `ray://host:port`. All its
            machines need the pictures, and the folder for `out`, at the same place.
        progress: show the progress of training on the standard error output.
        options: every other key of a recipe by its name, such as `learning_rate=0.1, batch_size=64`; see
            `RecipeKeywords`.

    Raises:
        UsageError: an option is unknown or does not fit the data, or a package for tracking is not installed.
        DataError: the data cannot be read.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was written, and `resume` continues from it.
        DivergedError: the loss is NaN or infinite.
        SaveError: something could not be written.
    """
    require("Training", *TRAINING)  # before anything is read
    keywords = from_keywords(options, "train", train.__kwdefaults__)
    own_callbacks, callbacks = bool(callbacks), [*callbacks, *trackers(track)]
    whole, source = wanted(
        data, preset=preset, plain=plain, model=model, layers=layers, network=network, epochs=epochs, seed=seed,
        group_by=group_by, recipe=recipe, keywords=keywords, settings=settings,
    )  # fmt: skip
    check_workers(workers)
    choose = network is None and default_network.is_open(whole)
    if (workers > 1 or on) and not is_worker():
        check_portable(source, network=network is not None, own_callbacks=own_callbacks)
        whole = for_workers(whole, workers)
        place = Path(out) if out is not None else _free_place(source, whole, choose=choose, progress=progress)
        with claimed(place, source):  # a worker resumes a run that is there, so none may be there before
            pass
        job = {"data": None, "track": listed_names(track), "progress": progress}
        return train_in_workers(as_worker, whole, place, workers, job, on=on)
    with group_of_workers() as group:
        if out is not None and _goes_on(Path(out), group):
            return resume(Path(out), data=data, network=network, callbacks=callbacks, progress=progress)
        whole = for_workers(whole, group.size)
        if group.rank > 0:
            return _follow(source, whole, group, network=network, choose=choose)
        with claimed(out, source) as new:
            return train_on(
                source, whole, network=network, new=new, callbacks=callbacks, progress=progress,
                choose=choose, own_callbacks=own_callbacks, may_fold=group.size == 1, group=group,
            )  # fmt: skip


def _goes_on(path: Path, group: Group) -> bool:
    """Return whether torchrun has started a worker again, and the first one finds the run that they had begun.

    A worker on a machine that takes the place of a lost one does not know of that.
    """
    return bool(group.largest(int(is_started_again()))) and bool(group.told(has_record(path)))


def train_on(
    source: Source,
    recipe: Recipe,
    *,
    network: nn.Module | None = None,
    new: NewRun | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
    report: bool = True,
    choose: bool = False,
    own_callbacks: bool = False,
    may_fold: bool = True,
    group: Group | None = None,
) -> Run:
    """Train with a recipe on a recognised source; see `train`.

    Args:
        source: the pictures.
        recipe: without derived options.
        network: as for `train`.
        new: the run's folder, already claimed; None: `runs/<data>-<model>-<number>`, which is claimed here.
        callbacks: as for `train`.
        progress: as for `train`.
        report: draw the figures of the data and write a report at the end.
        choose: the network that suits the pictures; see `default_network`.
        own_callbacks: some of the callbacks are the user's.
        may_fold: small sets may be validated in folds.
        group: the workers, of which this is the first; None: there are no others.
    """
    recipe, dataset, notes = _read_for(source, recipe, choose=choose, progress=progress)
    if group is not None:
        group.told(None)  # the others read now what this worker has imported
    recipe, dataset, more = folding.chosen(
        recipe, source, dataset, own_callbacks=own_callbacks, may_fold=may_fold
    )
    dataset = replace(dataset, notes=(*dataset.notes, *more))

    with contextlib.ExitStack() as stack:
        drawing = stack.enter_context(drawing_process(dataset, recipe)) if report else None
        from picturewise.training.start import start  # noqa: PLC0415 (PyTorch is loaded when the data has been read)

        place = new or stack.enter_context(numbered_run(Path("runs"), stem(dataset, recipe, network)))
        trainer = start(
            recipe,
            dataset,
            place,
            callbacks=_with_progress(callbacks, shown=progress),
            network=network,
            notes=notes,
            group=group,
        )
        trainer.run.source = source if source.place is None else None
        with report_at_end(trainer.run, dataset, drawing) if report else contextlib.nullcontext():
            trainer.fit()
    return trainer.run


def _read_for(
    source: Source, recipe: Recipe, *, choose: bool, progress: bool
) -> tuple[Recipe, Dataset, tuple[str, ...]]:
    """Return the recipe, with the network that suits the pictures if it is to be chosen, the pictures, and notes."""
    recipe = folding.reading(recipe, source)
    reading = default_network.reading(recipe.data) if choose else recipe.data
    dataset = load(source, reading, splits=LEARNING_SPLITS, progress=progress)
    recipe, notes = default_network.chosen(recipe, dataset) if choose else (recipe, ())
    return recipe, dataset, notes


def _follow(
    source: Source, recipe: Recipe, group: Group, *, network: nn.Module | None, choose: bool = False
) -> Run:
    """Train as one of the workers besides the first, which writes the run, and return the run."""
    from picturewise.training.start import follow  # noqa: PLC0415 (PyTorch)

    group.told(None)  # the first worker has imported the pictures
    recipe, dataset, _ = _read_for(source, recipe, choose=choose, progress=False)
    follower, path = follow(recipe, dataset, group, network=network)
    follower.fit()
    return Run(path)


def _free_place(source: Source, recipe: Recipe, *, choose: bool, progress: bool) -> Path:
    """Import the pictures, and return the folder for a run with them."""
    recipe, dataset, _ = _read_for(source, recipe, choose=choose, progress=progress)
    number = 1
    while (place := Path("runs") / f"{stem(dataset, recipe, None)}-{number}").exists():
        number += 1
    return place


@contextlib.contextmanager
def claimed(out: str | Path | None, source: Source) -> Iterator[NewRun | None]:
    """Claim the folder of a new run before anything is read; None: its name depends on what is read.

    Raises:
        UsageError: it is among the pictures, is not empty, or another process uses it.
    """
    refuse_inside(Path(out or "runs"), source.place)
    if out is None:
        yield None
        return
    with new_run(Path(out)) as new:
        yield new


@checked
def resume(
    run: str | Path | Run,
    *,
    data: Data | None = None,
    network: nn.Module | None = None,
    callbacks: Sequence[Callback] = (),
    track: str | Sequence[str] = (),
    workers: int = 1,
    on: str | None = None,
    progress: bool = True,
) -> Run:
    """Continue an interrupted run from its newest checkpoint, and return the finished run.

    On the same machine, the weights are bit for bit those of a run that was never interrupted. A finished run is not
    changed, except that a missing report is written.

    Args:
        run: the run or its folder.
        data: the same pictures, if they have moved or were passed from Python.
        network: an instance of the same class, if the run was started with one.
        callbacks: as for `train`.
        track: as for `train`; the log is continued, and missing epochs are added.
        workers: as for `train`; if the recipe has shards, their number may differ from before.
        on: as for `train`.
        progress: as for `train`.

    Raises:
        UsageError: a package for tracking is not installed, or another process uses the run.
        RunError: the run is damaged or of another version, or a folder in it is a link.
        DataError: the pictures are not the ones that the run began with.
        Interrupted, DivergedError, SaveError: as for `train`.
    """
    own_callbacks, callbacks = bool(callbacks), [*callbacks, *trackers(track)]
    run = run.checked() if isinstance(run, Run) else open_run(run)
    if is_done(run):
        return run
    require("Training", *TRAINING)
    check_workers(workers)
    if (workers > 1 or on) and not is_worker():
        check_portable(own_source(run, data), network=network is not None, own_callbacks=own_callbacks)
        _check_resumable(run.recipe, workers)
        moved = None if data is None else str(data)
        job = {"data": moved, "track": listed_names(track), "progress": progress}
        return resume_in_workers(as_worker, run.path, workers, job, on=on)
    with group_of_workers() as group:
        _check_resumable(run.recipe, group.size)
        if group.rank > 0:
            done = run.record.status == "finished"
            return run if done else _follow(own_source(run, data), run.recipe, group, network=network)
        return _resume_alone(run, data, network, callbacks, progress=progress, group=group)


def _check_resumable(recipe: Recipe, workers: int) -> None:
    if workers > 1 and recipe.training.shards is None and recipe.training.distributed == "exact":
        raise UsageError("The run was started by one worker and has no shards. Resume it without --workers.")
    for_workers(recipe, workers)


def _resume_alone(
    run: Run,
    data: Data | None,
    network: nn.Module | None,
    callbacks: Sequence[Callback],
    *,
    progress: bool,
    group: Group,
) -> Run:
    """Resume as the only worker, or as the first of several."""
    with run.locked():
        run.checked()  # again, now that no other process can change it
        if run.record.status == "finished":
            make_up_for_report(run, data, progress=progress)
            return run
        dataset = load(own_source(run, data), run.recipe.data, splits=LEARNING_SPLITS, progress=progress)
        group.told(None)

        with drawing_process(dataset, run.recipe) as drawing:
            from picturewise.training.start import resume as go_on  # noqa: PLC0415 (as in train)

            trainer = go_on(
                run,
                dataset,
                callbacks=_with_progress(callbacks, shown=progress),
                network=network,
                group=group,
            )
            with report_at_end(run, dataset, drawing):
                trainer.fit()
    return run


def as_worker(job: Mapping[str, Any]) -> dict[str, Any] | None:
    """Train or resume as one of several workers, and return what to report to the process that started them.

    Args:
        job: from `train_in_workers` or `resume_in_workers`.

    Returns:
        None for a worker that has nothing to say: the first one reports the run, or its error; another one reports an
        error, unless it is the first one's, too.

    Raises:
        WorkerLostError: another worker has died.
    """
    run, first = path_of(job["out"]), os.environ.get("RANK", "0") == "0"
    track, progress = tuple(job["track"]), bool(job["progress"]) and first
    try:
        if job["task"] == "resume" or has_record(run):  # after a restart, the run exists
            resume(run, data=job["data"], track=track, progress=progress)
        else:
            with tempfile.TemporaryDirectory(prefix="picturewise-") as folder:
                recipe = Path(folder) / "recipe.toml"
                recipe.write_text(job["recipe"], encoding="utf-8")
                train(recipe=recipe, out=run, track=track, progress=progress)
    except WorkerLostError:
        raise
    except PicturewiseError as error:
        if not first and isinstance(error, Interrupted):
            return None
        return {"error": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
    return {"run": job["out"]} if first else None


def trackers(names: str | Sequence[str]) -> list[Callback]:
    """Return the trackers with these names; a run without trackers does not import what they need.

    Raises:
        UsageError: a name is unknown, or a package that the tracker needs is not installed.
    """
    if not names:
        return []
    require("Tracking", "torch")
    from picturewise.tracking.trackers import make_trackers  # noqa: PLC0415 (it loads PyTorch)

    return [*make_trackers(names)]


def _with_progress(callbacks: Sequence[Callback], *, shown: bool) -> list[Callback]:
    if not shown or logs.writes_lines():
        return list(callbacks)
    from picturewise.training.progress import ProgressDisplay  # noqa: PLC0415 (rich is loaded only if it is used)

    return [ProgressDisplay(), *callbacks]


def stem(dataset: Dataset, recipe: Recipe, network: nn.Module | None) -> str:
    """Return the name of a run's folder, without its number."""
    model = "module" if network is not None else recipe.model.name or "layers"
    return f"{dataset.name}-{re.sub(r'[^A-Za-z0-9]+', '-', model)}"
