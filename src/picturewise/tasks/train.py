"""Train a network on a data set, or resume a run."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.data.recognise import Data, recognise
from picturewise.errors import DataError, UsageError
from picturewise.recipes.overrides import plain_settings
from picturewise.recipes.presets import preset as preset_named
from picturewise.recipes.recipe import Recipe, make_recipe, recipe_from_toml
from picturewise.runs.new_run import NewRun, new_run, numbered_run
from picturewise.runs.run import Run, open_run
from picturewise.split_names import SplitName
from picturewise.tasks.load import load, own_source, refuse_inside, with_place

if TYPE_CHECKING:
    from torch import nn

    from picturewise.training.trainer import Callback

LEARNING_SPLITS: tuple[SplitName, ...] = ("train", "valid")


def train(
    data: Data | None = None,
    *,
    preset: str | None = None,
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
    progress: bool = True,
) -> Run:
    """Train a network and return its run, a folder with everything in it.

    The test split is not read. What is left out of the recipe is derived from the data and written to the run's
    recipe.toml. If options overlap, the last one of this list wins: preset, recipe, named arguments, settings.

    Args:
        data: a catalogue name, a path, or pictures in memory as `make_dataset` takes them, several splits in a dict;
            not needed if the recipe names it.
        preset: `fast` for a smaller network and fewer steps, `best` for a larger one that takes several times as long
            (docs/train.md).
        model: a network by name: `cnn` (the default), `mlp`, `mlp 256 128`, `vgg16`, `resnet18`, … (docs/train.md).
        layers: layer lines, instead of a name.
        network: any module, instead of a name: (B, C, H, W) floats in, (B, K) logits out.
        epochs: passes over the training split.
        seed: of all random choices; equal seeds give equal weights.
        group_by: what stays in the same split, as for `read_dataset`.
        out: the run's folder, new or empty; none: `runs/<data>-<model>-<number>`.
        recipe: a recipe, or a TOML file with a complete or partial recipe.
        settings: `key=value` texts, or a mapping of dotted keys to values, for any keys of a recipe.
        callbacks: called around epochs and batches.
        track: also log metrics to other programs: `tensorboard`, `mlflow` (docs/train.md).
        progress: show the progress of training on the standard error output.

    Raises:
        UsageError: an option is unknown or does not fit the data, or a package for tracking is not installed.
        DataError: the data cannot be read.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was written, and `resume` continues from it.
        DivergedError: the loss is NaN or infinite.
        SaveError: something could not be written.
    """
    callbacks = [*callbacks, *trackers(track)]
    whole, source = wanted(
        data, preset=preset, model=model, layers=layers, network=network, epochs=epochs, seed=seed,
        group_by=group_by, recipe=recipe, settings=settings,
    )  # fmt: skip
    with claimed(out, source) as new:
        return train_on(source, whole, network=network, new=new, callbacks=callbacks, progress=progress)


def train_on(
    source: Source,
    recipe: Recipe,
    *,
    network: nn.Module | None = None,
    new: NewRun | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
) -> Run:
    """Train with a recipe on a recognised source; see `train`.

    Args:
        source: the pictures.
        recipe: without derived options.
        network: as for `train`.
        new: the run's folder, already claimed; None: `runs/<data>-<model>-<number>`, which is claimed here.
        callbacks: as for `train`.
        progress: as for `train`.
    """
    dataset = load(source, recipe.data, splits=LEARNING_SPLITS, progress=progress)

    from picturewise.training.start import start  # noqa: PLC0415 (PyTorch is loaded when the data has been read)

    with contextlib.ExitStack() as stack:
        place = new or stack.enter_context(numbered_run(Path("runs"), stem(dataset, recipe, network)))
        trainer = start(
            recipe, dataset, place, callbacks=_with_progress(callbacks, shown=progress), network=network
        )
        trainer.run.source = source if source.place is None else None
        with _report_at_end(trainer.run, dataset):
            trainer.fit()
    return trainer.run


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


def resume(
    run: str | Path | Run,
    *,
    data: Data | None = None,
    network: nn.Module | None = None,
    callbacks: Sequence[Callback] = (),
    track: str | Sequence[str] = (),
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
        progress: as for `train`.

    Raises:
        UsageError: a package for tracking is not installed, or another process uses the run.
        RunError: the run is damaged or of another version, or a folder in it is a link.
        DataError: the pictures are not the ones that the run began with.
        Interrupted, DivergedError, SaveError: as for `train`.
    """
    callbacks = [*callbacks, *trackers(track)]
    run = run.checked() if isinstance(run, Run) else open_run(run)
    if _is_done(run):
        return run
    with run.locked():
        run.checked()  # again, now that no other process can change it
        if run.record.status == "finished":
            _make_up_for_report(run, data, progress=progress)
            return run
        dataset = load(own_source(run, data), run.recipe.data, splits=LEARNING_SPLITS, progress=progress)

        from picturewise.training.start import resume as go_on  # noqa: PLC0415 (as in train)

        trainer = go_on(run, dataset, callbacks=_with_progress(callbacks, shown=progress), network=network)
        with _report_at_end(run, dataset):
            trainer.fit()
    return run


def wanted(
    data: Data | None,
    *,
    preset: str | None,
    model: str | None,
    layers: str | Sequence[str] | None,
    network: nn.Module | None,
    epochs: int | None,
    seed: int | None,
    group_by: str | None,
    recipe: str | Path | Recipe | None,
    settings: Sequence[str] | Mapping[str, Any],
) -> tuple[Recipe, Source]:
    """Return the recipe that the options of `train` describe, without derived options, and where its pictures are.

    Raises:
        UsageError: an option is unknown, several options name the network, or none names the pictures.
        DataError: the pictures do not exist, or are in a form that Picturewise does not read.
    """
    if sum(choice is not None for choice in (model, layers, network)) > 1:
        raise UsageError("model, layers and network each name the network. Pass only one of them.")
    named: dict[str, Any] = {"data": {}, "model": {}, "training": {}}
    if model is not None:
        named["model"] = {"name": model, "layers": None}
    if layers is not None:
        named["model"] = {"name": None, "layers": [layers] if isinstance(layers, str) else list(layers)}
    if epochs is not None:
        named["training"]["epochs"] = epochs
    if group_by is not None:
        named["data"]["group_by"] = group_by
    if seed is not None:
        named["seed"] = seed
    below = {} if preset is None else preset_named(preset)
    read_with = data.read_with if isinstance(data, Dataset) else None
    as_read = (
        {} if read_with is None else {"data": read_with.model_dump(exclude={"source", "limit", "classes"})}
    )
    whole = make_recipe(below, as_read, _plain(recipe), named, *plain_settings(settings))
    place = whole.data.source if data is None else data
    if place is None:
        raise UsageError(
            "No pictures were passed. Pass them as data, or name them in the recipe as data.source."
        )
    source = recognise(place, hints=whole.data.hints)
    options = whole.data.model_copy(update={"source": source.place})
    source = with_place(place, source, options)
    return whole.model_copy(update={"data": options.model_copy(update={"source": source.place})}), source


def _is_done(run: Run) -> bool:
    return run.record.status == "finished" and (run.path / "report.html").is_file()


def _make_up_for_report(run: Run, data: Data | None, *, progress: bool) -> None:
    """Write the missing report of a finished run, without figures of its pictures if they no longer exist."""
    if _is_done(run):  # by another process, just now
        return
    try:
        dataset = load(own_source(run, data), run.recipe.data, splits=LEARNING_SPLITS, progress=progress)
        run.check_pictures(dataset)
    except DataError:
        from picturewise.reporting.run_report import write_run_report  # noqa: PLC0415 (as in _report)

        write_run_report(run)
    else:
        _report(run, dataset)


def _report(run: Run, dataset: Dataset) -> None:
    """Draw the figures of the data, unless they already exist, and write the report.

    Drawing takes seconds and its imports half a second, so it is done after training.
    """
    from picturewise.reporting.album import Album  # noqa: PLC0415 (see above)
    from picturewise.reporting.run_report import write_run_report  # noqa: PLC0415

    album = Album(run.figures)
    if not album.path("counts").exists():  # the last one that is drawn
        album.draw_data(dataset, seed=run.recipe.seed, in_grey=run.recipe.preparation.grey)
    write_run_report(run)


def _plain(recipe: str | Path | Recipe | None) -> dict[str, Any]:
    if recipe is None:
        return {}
    return recipe.model_dump() if isinstance(recipe, Recipe) else recipe_from_toml(Path(recipe))


def trackers(names: str | Sequence[str]) -> list[Callback]:
    """Return the trackers with these names; a run without trackers does not import what they need.

    Raises:
        UsageError: a name is unknown, or a package that the tracker needs is not installed.
    """
    if not names:
        return []
    from picturewise.tracking.trackers import make_trackers  # noqa: PLC0415 (it loads PyTorch)

    return [*make_trackers(names)]


def _with_progress(callbacks: Sequence[Callback], *, shown: bool) -> list[Callback]:
    if not shown:
        return list(callbacks)
    from picturewise.training.progress import ProgressDisplay  # noqa: PLC0415 (rich is loaded only if it is used)

    return [ProgressDisplay(), *callbacks]


def stem(dataset: Dataset, recipe: Recipe, network: nn.Module | None) -> str:
    """Return the name of a run's folder, without its number."""
    model = "module" if network is not None else recipe.model.name or "layers"
    return f"{dataset.name}-{re.sub(r'[^A-Za-z0-9]+', '-', model)}"


@contextlib.contextmanager
def _report_at_end(run: Run, dataset: Dataset) -> Iterator[None]:
    """Write a report whether training succeeds or fails; an error in the report does not hide the first error."""
    try:
        yield
    except (
        KeyboardInterrupt
    ) as interrupt:  # the second Ctrl-C, which does not wait for a checkpoint or a report
        interrupt.add_note(f"Continue with: picturewise resume {run.path}")
        raise
    except BaseException:
        with contextlib.suppress(Exception, KeyboardInterrupt):
            _report(run, dataset)
        raise
    try:
        for part in dataset.splits().values():
            part.check_pixels()  # now, because training has read every picture anyway
        _report(run, dataset)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(
            f"Training is complete and saved, but the report is missing. Write it with: picturewise resume {run.path}"
        )
        raise
