"""The plan of a study on this machine: which runs, with which recipes and pictures, in which folders."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from picturewise.architectures.layers import Shape, show
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.catalogue import entries
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.recognise import place_of, recognise
from picturewise.errors import DataError, UsageError, unknown
from picturewise.file_names import text_of
from picturewise.recipes.recipe import Recipe
from picturewise.runs.places import inside
from picturewise.split_names import SplitName
from picturewise.studies.study import AS_PUBLISHED, Study, StudyModel
from picturewise.tasks.load import load

LEARNING: tuple[SplitName, ...] = ("train", "valid")


@dataclass(frozen=True)
class Planned:
    """One run: a model with a seed.

    Attributes:
        name: of the run: that of the model, with an ending if it is trained as published.
        model: from the study.
        seed: of the run.
        recipe: complete except for options that are derived from the data; it names the network that it begins with.
        path: the run's folder.
        as_published: whether the published options are used.
        remark: how its pictures differ from those of the published result; empty: they do not, or it is not known.
    """

    name: str
    model: StudyModel
    seed: int
    recipe: Recipe
    path: Path
    as_published: bool = False
    remark: str = ""


def make_plan(
    study: Study,
    folder: Path,
    *,
    data: Mapping[str, str],
    only: Collection[str],
    seeds: int,
    quick: bool,
    as_published: bool = False,
) -> list[Planned]:
    """Return the runs of a study in their order; a run that others begin with comes before them.

    Args:
        study: as it was read.
        folder: of the study's runs.
        data: source name in the study → location of its pictures.
        only: names of the models to train, with the models that they begin with; empty: all. With `as_published`, a
            model's name stands for both of its runs.
        seeds: runs of each model.
        quick: use a small share of the pictures and epochs.
        as_published: after each model with published options, train it with them, too.

    Raises:
        UsageError: a name in `only` or `data` is not in the study, or no model has published options.
    """
    kinds = _kinds(study, as_published=as_published)
    for name in only:
        if name not in kinds:
            raise unknown("model of the study", name, list(kinds))
    both = {run for run, (model, _) in kinds.items() if run in only or model.name in only}
    wanted = _with_beginnings(study, both) if only else set(kinds)
    slid = {model.slides for model in study.models}
    plans: list[Planned] = []
    used: set[str] = set()
    for run, (model, published) in kinds.items():
        for seed in range(seeds):
            recipe = study.recipe_of(model, seed, quick=quick, as_published=published)
            called = named_source(recipe, model.name)
            used.add(called)
            source = place_of(data.get(called, called))
            start = recipe.start
            if model.begins_with is not None:
                start = start.model_copy(
                    update={"source": text_of(_place(folder, model.begins_with, seed).absolute())}
                )
            placed = recipe.data.model_copy(update={"source": source})
            training = recipe.training
            if model.name in slid and training.folds is None:  # readings need a validation split
                training = training.model_copy(update={"folds": 0})
            whole = recipe.model_copy(update={"data": placed, "start": start, "training": training})
            if run in wanted:
                plans.append(Planned(run, model, seed, whole, _place(folder, run, seed), published))
    for name in data:
        if name not in used:
            raise unknown("source of the study", name, sorted(used))
    return plans


def _kinds(study: Study, *, as_published: bool) -> dict[str, tuple[StudyModel, bool]]:
    """Return the name of each run → its model, and whether it is trained as published; in the order of the study."""
    kinds: dict[str, tuple[StudyModel, bool]] = {}
    for model in study.models:
        kinds[model.name] = (model, False)
        if as_published and model.as_published:
            kinds[model.name + AS_PUBLISHED] = (model, True)
    if as_published and len(kinds) == len(study.models):
        raise UsageError(
            "No model of the study has options of a published run, so --as-published has nothing to train. Omit it."
        )
    return kinds


def remarked(plans: list[Planned], datasets: Mapping[DataOptions, Dataset]) -> list[Planned]:
    """Return the runs, those as published with a remark if their training pictures are not as many as the author's."""
    return [
        replace(plan, remark=_remark(plan, datasets[plan.recipe.data])) if plan.as_published else plan
        for plan in plans
    ]


def _remark(plan: Planned, dataset: Dataset) -> str:
    theirs = {result.pictures for result in plan.model.published if result.pictures is not None}
    train, valid = (len(dataset.split(split)) for split in LEARNING)
    # A validation split that was held out counts, because the author counts it.
    if not theirs or theirs & {train, train + valid}:
        return ""
    source = str(plan.recipe.data.source)
    return (
        f"This is not the author's run: it has the same options, but the author's {max(theirs):,} training pictures "
        f"are not here; the {train:,} of {source} are used instead."
    )


def read_all(study: Study, plans: list[Planned], *, progress: bool) -> dict[DataOptions, Dataset]:
    """Return the pictures that the runs are trained on, by the options that they are read with.

    Raises:
        DataError: some do not exist; the message says how to get them.
    """
    found: dict[DataOptions, Dataset] = {}
    for plan in plans:
        if plan.recipe.data not in found:
            place = named_source(plan.recipe, plan.model.name)
            _check_source(study, place)
            found[plan.recipe.data] = load(
                recognise(place, hints=plan.recipe.data.hints),
                plan.recipe.data,
                splits=LEARNING,
                progress=progress,
            )
    return found


def check_all(plans: list[Planned], datasets: Mapping[DataOptions, Dataset]) -> None:
    """Check that every network fits its pictures, before the first one is trained.

    Raises:
        UsageError: one does not fit; the message names the model and the layer line.
    """
    lines: dict[str, tuple[str, ...]] = {}
    for plan in plans:
        if plan.name not in lines and plan.model.slides is None:
            try:
                lines[plan.name] = _lines(plan, lines, datasets[plan.recipe.data].split("train"))
            except UsageError as error:
                raise type(error)(f"Model '{plan.name}' of the study: {error}") from error


def _lines(plan: Planned, known: Mapping[str, tuple[str, ...]], train: ImageSet) -> tuple[str, ...]:
    """Return the layer lines of a model; all fit. `known` holds the lines of the models before it."""
    from picturewise.training.derive import derive_recipe  # noqa: PLC0415
    from picturewise.training.heads import asked_head, labelled_for, with_head  # noqa: PLC0415
    from picturewise.training.pretrained import with_backbone  # noqa: PLC0415 (PyTorch is loaded when the data has been read)

    recipe, first = asked_head(plan.recipe), plan.model.begins_with
    if first is None:
        wanted = with_head(with_backbone(recipe, train.shape)[0], train)
        return derive_recipe(wanted, labelled_for(wanted, train))[0].model.layers or ()
    own = recipe.model.layers or ()
    # If a recipe says how many lines are taken over, it already contains all of them.
    lines = own if recipe.start.lines else (*known[first], *own)
    shape = (*train.shape[:2], 1 if recipe.preparation.grey else train.shape[2])
    features, before = (
        show(_features(some, shape, train.target.output_line)) for some in (lines, known[first])
    )
    if recipe.start.head == "keep" and features != before:
        raise UsageError(
            f"the output layer of '{first}' cannot be kept: it expects {before} inputs, but would get {features}. "
            f"Change the added layers so that they have {before} outputs, or remove start.head."
        )
    return lines


def _features(lines: tuple[str, ...], shape: Shape, output: str) -> Shape:
    """Return the shape of the output layer's input."""
    rows = summarise(parse(lines), shape, output).rows
    return rows[-2].output if len(rows) > 1 else shape


def named_source(recipe: Recipe, model: str) -> str:
    """Return the name that a model's recipe has for its pictures.

    Raises:
        UsageError: it does not name any.
    """
    if recipe.data.source is None:
        raise UsageError(
            f"Model '{model}' of the study does not specify its pictures. Set recipe.data.source."
        )
    return recipe.data.source


def _with_beginnings(study: Study, only: Collection[str]) -> set[str]:
    wanted = set(only)
    for model in reversed(study.models):
        if wanted & {model.name, model.name + AS_PUBLISHED} and model.comes_after is not None:
            wanted.add(model.comes_after)
    return wanted


def _place(folder: Path, name: str, seed: int) -> Path:
    return inside(folder, f"seed-{seed}", name)


def _check_source(study: Study, source: str) -> None:
    """Raise an error that says how to get pictures that a study needs but does not contain."""
    if source in entries.entries() or Path(source).expanduser().exists():
        return  # a catalogue set that is not fetched has its own error
    told = study.needs.get(source)
    if told is not None:
        raise DataError(
            f"The study needs '{source}', which was not found: {told.removesuffix('.')}. Pass its location with "
            f"--data {source}=PATH, or choose other models with --only."
        )
