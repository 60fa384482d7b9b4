"""Running a study: train, evaluate and compare its models; finished runs are kept, interrupted ones are resumed."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picturewise import files
from picturewise.arguments import checked
from picturewise.errors import Interrupted, RunError, UsageError
from picturewise.runs.lock import FolderLock, is_trace
from picturewise.runs.places import is_folder
from picturewise.runs.run import Run, open_run
from picturewise.studies.plan import Planned, check_all, make_plan, named_source, read_all, remarked
from picturewise.studies.results import StudyResult, gather
from picturewise.studies.sliding import check_sliding, slid
from picturewise.studies.study import Study, read_study
from picturewise.tasks.evaluate import evaluate
from picturewise.tasks.load import refuse_inside
from picturewise.tasks.train import resume, train

if TYPE_CHECKING:
    from picturewise.training.trainer import Callback

FORMAT = 1
FILE = "study.json"
GOES_ON = "Run the same command again to continue the study."
BEGUN = ("splits.csv", "skipped.csv", "recipe.toml")
"""Files that older versions wrote into a run's folder before run.json; without run.json it is not a run."""


@checked
def study(
    name: str | Path,
    *,
    data: str | Path | Mapping[str, str | Path] | None = None,
    out: str | Path | None = None,
    only: Sequence[str] = (),
    seeds: int | None = None,
    quick: bool = False,
    as_published: bool = False,
    callbacks: Sequence[Callback] = (),
    track: str | Sequence[str] = (),
    tell: Callable[[Planned, Run | None], None] | None = None,
    progress: bool = True,
) -> StudyResult:
    """Train and evaluate every model of a study, and write one report about them.

    Called again with the same folder, it continues: finished runs are kept, and an interrupted one is resumed.

    Args:
        name: of a study that comes with Picturewise, or a study file (docs/how-to/studies.md).
        data: where the pictures are; for a study with several sources, a mapping from source names to locations.
        out: the study's folder; none: `studies/<name>`, or `studies/<name>-quick` with `quick`.
        only: names of the models to train; none: all. With `as_published`, `<name>-as-published` trains a model only
            as published.
        seeds: runs of each model, with the seeds 0, 1, …; none: as many as the study says.
        quick: use a small share of the pictures and epochs, for a first look; the report says so.
        as_published: train each model with a published result a second time, with the author's split, options and
            number of epochs; the last epoch counts.
        callbacks: as for `train`.
        track: as for `train`.
        tell: called before each run with None, and after it with the run.
        progress: show the progress on the standard error output.

    Raises:
        UsageError: the study is unknown, its file or a model is not valid, or the folder holds another study.
        DataError: the pictures cannot be read.
        Interrupted, DivergedError, SaveError: as for `train`; finished models are kept.
    """
    tell = tell or (lambda plan, run: None)
    called, content = read_study(name)
    folder = Path(out) if out is not None else Path("studies") / (called + "-quick" * quick)
    plans = make_plan(
        content,
        folder,
        data=_places(content, data),
        only=only,
        seeds=content.seeds if seeds is None else _positive(seeds),
        quick=quick,
        as_published=as_published,
    )
    for plan in plans:
        refuse_inside(folder, plan.recipe.data.source)
    _check_folder(folder, content, quick=quick)  # before anything is created in it
    with _alone(folder), _told_to_go_on():
        _check_folder(folder, content, quick=quick)
        _sweep(folder)
        datasets = read_all(content, plans, progress=progress)
        check_all(plans, datasets)
        check_sliding(plans, datasets)
        plans = plans if quick else remarked(plans, datasets)
        _begin(folder, called, content, quick=quick)
        runs = list[Run]()
        for plan in plans:
            tell(plan, None)
            if plan.model.slides is not None:
                run: Run = slid(plan, plans, runs, datasets, progress=progress)
            else:
                run = _trained(plan, callbacks, track, progress=progress)
            if run.evaluated() is None:
                evaluate(run, progress=progress)
            tell(plan, run)
            runs.append(run)
        return gather(content, folder, plans, runs, datasets, quick=quick, progress=progress)


@contextlib.contextmanager
def _told_to_go_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(GOES_ON)
        raise


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """In the block, no other process works on the study in a folder; a new folder without a study is removed.

    Raises:
        UsageError: another process works on it.
    """
    lock = FolderLock(folder, doing="working on the study in", make=True)
    made = not folder.exists()
    with lock.held():
        try:
            yield
        finally:
            if not (folder / FILE).exists():
                lock.forget()
                if made:
                    with contextlib.suppress(OSError):
                        folder.rmdir()


def _sweep(folder: Path) -> None:
    """Remove what a killed process left of its reports; the runs clean up after themselves."""
    for place in (folder, *folder.glob("comparison*"), *folder.glob("comparison*/figures")):
        if is_folder(place) and is_folder(place.parent):
            files.sweep(place)


def _trained(
    plan: Planned, callbacks: Sequence[Callback], track: str | Sequence[str], *, progress: bool
) -> Run:
    """Return the finished run of a plan: train it, resume it, or take it as it is."""
    try:
        if (plan.path / "run.json").exists():
            return resume(open_run(plan.path), callbacks=callbacks, track=track, progress=progress)
        _clear(plan.path)
        return train(recipe=plan.recipe, out=plan.path, callbacks=callbacks, track=track, progress=progress)
    except Interrupted as stopped:
        raise Interrupted(
            f"{stopped} {GOES_ON}",
            stopped.exit_code - 128,
        ) from stopped


def _clear(path: Path) -> None:
    """Remove what an older version left of a start that was killed before its first batch."""
    if any((path / begun).exists() for begun in BEGUN):
        with FolderLock(path).held():
            if not (path / "run.json").exists():
                for begun in BEGUN:
                    (path / begun).unlink(missing_ok=True)


def _places(content: Study, data: str | Path | Mapping[str, str | Path] | None) -> dict[str, str]:
    """Return source name in the study → location."""
    if data is None:
        return {}
    if isinstance(data, Mapping):
        return {called: str(place) for called, place in data.items()}
    sources = sorted(
        {named_source(content.recipe_of(model, 0, quick=False), model.name) for model in content.models}
    )
    if len(sources) > 1:
        raise UsageError(
            f"The study has several sources ({', '.join(sources)}). Specify which one to use: "
            f"--data {sources[0]}={data}"
        )
    return {sources[0]: str(data)}


def _positive(seeds: int) -> int:
    if not 1 <= seeds <= 100:
        raise UsageError(f"seeds is {seeds}. Expected 1 to 100 runs of each model.")
    return seeds


def _facts(content: Study, *, quick: bool) -> dict[str, Any]:
    """Return what must be equal for runs of the same study; more seeds may be added."""
    said = content.model_copy(update={"seeds": 1}).to_toml()
    return {"format": FORMAT, "quick": quick, "sha256": hashlib.sha256(said.encode()).hexdigest()}


def _check_folder(folder: Path, content: Study, *, quick: bool) -> None:
    """Check that a folder is new, or was created for the same study.

    Raises:
        UsageError: it is neither.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, but a study needs a folder. Choose another --out.")
    if not folder.exists() or all(is_trace(path) for path in folder.iterdir()):
        return
    path = folder / FILE
    if not path.exists():
        raise UsageError(f"{folder} already exists and is not a study folder. Choose another --out.")
    try:
        found = files.read_json(path)
    except RunError as error:
        raise RunError(f"{error} Choose another --out, or remove the folder.") from error
    wanted = _facts(content, quick=quick)
    if not isinstance(found, dict) or {key: found.get(key) for key in wanted} != wanted:
        raise UsageError(
            f"{folder} contains runs of another study, or of another version of this one. Nothing was overwritten; "
            "choose another --out."
        )


def _begin(folder: Path, called: str, content: Study, *, quick: bool) -> None:
    if not (folder / FILE).exists():
        files.write_json(folder / FILE, {"name": called, **_facts(content, quick=quick)})
    if not (folder / "study.toml").exists():
        files.write_text(folder / "study.toml", content.to_toml())
