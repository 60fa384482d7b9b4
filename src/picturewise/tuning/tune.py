"""`tune`: search for a recipe within a budget; what was begun is kept, and continued later."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from picturewise import circumstances, files
from picturewise.arguments import checked
from picturewise.data.contract import Source
from picturewise.data.recognise import Data, recognise
from picturewise.errors import Interrupted, MissingPackageError, UsageError, WorkerLostError
from picturewise.extras import TRAINING, install_command, require
from picturewise.printable import printable
from picturewise.recipes.keywords import RecipeKeywords, from_keywords
from picturewise.recipes.recipe import Recipe, make_recipe, recipe_from_toml
from picturewise.runs.lock import FolderLock, is_trace
from picturewise.tasks import default_network, folding
from picturewise.tasks.load import load, refuse_inside
from picturewise.tasks.train import LEARNING_SPLITS
from picturewise.tasks.wanted_recipe import wanted
from picturewise.toml_files import read_text
from picturewise.tuning.crew import MOST_WORKERS, Crew, crew_for
from picturewise.tuning.record import (
    FILE,
    RECIPE,
    SPACE,
    USUAL_MINUTES,
    Clock,
    SearchRecord,
    fingerprints,
    read_record,
)
from picturewise.tuning.space import Space, default_space, parse_space, read_space
from picturewise.tuning.start_limit import StartLimit

if TYPE_CHECKING:
    from picturewise.tuning.results import TuningResult
    from picturewise.tuning.told import Told

RESERVE, SHARE_OF_RESERVE = 4.0, 0.1
"""Seconds, and at most this share of the budget, for pausing trials and for the report at the end."""
RESERVE_TO_START = 0.5
"""On a machine that is busy, more: this share of the time that starting took, which is slowed down, too."""


@checked
def tune(
    data: Data | None = None,
    *,
    minutes: float | None = None,
    trials: int | None = None,
    space: str | Path | None = None,
    workers: int | None = None,
    on: str | None = None,
    seeds: int = 0,
    model: str | None = None,
    layers: str | Sequence[str] | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    group_by: str | None = None,
    recipe: str | Path | Recipe | None = None,
    settings: Sequence[str] | Mapping[str, Any] = (),
    out: str | Path | None = None,
    resume: str | Path | None = None,
    tell: Callable[[Told], None] | None = None,
    progress: bool = True,
    **options: Unpack[RecipeKeywords],
) -> TuningResult:
    """Search for a recipe that suits the data, and return what was found.

    Each trial is an ordinary run in the folder of the search. The first one is the default recipe. One half of the
    validation split chooses between epochs and trials; the other half chooses nothing, and only the comparison over
    several seeds uses it. The test split is not read. When the time is over, trials are paused after the batch.

    Args:
        data: as for `train`; with `resume`, the new place of the pictures.
        minutes: of the search in all sessions, from the start of the command to its end; 10 if neither minutes nor
            trials are passed. Training with several seeds comes afterwards.
        trials: number of trials in all sessions.
        space: a search space in TOML; none: the packaged one (docs/how-to/search.md).
        workers: processes that train at the same time, each with its share of the cores; none: as many as there are
            cores, up to 8, but only one on a GPU or for pictures in memory.
        on: train the trials on a Ray cluster instead: `ray`, the one that this machine belongs to, or
            `ray://host:port`. All its machines need the pictures, and the search's folder, at the same place. Each
            worker has one core, or a GPU too if there is one for each; by default, there are as many as the cluster has
            room for, up to 256.
        seeds: train the best recipe and the default again with this many seeds, and compare them.
        model: as for `train`; it is then not searched, as every option that is set.
        layers: as for `train`.
        epochs: as for `train`.
        seed: of all trials and of the suggestions. With one worker and `trials`, equal seeds give equal searches.
        group_by: as for `train`.
        recipe: as for `train`.
        settings: as for `train`.
        out: the folder of the search, new or empty; none: `searches/<data>-<number>`.
        resume: the folder of a search to continue. Its options cannot be changed, but its budget can.
        tell: called after each trial.
        progress: show the progress of reading, on a terminal.
        options: as for `train`.

    Raises:
        UsageError: an option, the space or the budget is not valid, or the budget was too short for a single trial.
        DataError: the pictures cannot be read, or there are too few validation pictures.
        RunError: the folder to be continued is damaged.
        Interrupted: Ctrl-C or SIGTERM; the search can be continued.
        SaveError: something could not be written.
        WorkerLostError: the Ray cluster can no longer be reached; the search can be continued.
    """
    began = time.monotonic() - circumstances.seconds_of_command()
    require("Searching", *TRAINING)
    if find_spec("optuna") is None:
        raise MissingPackageError(
            f"Searching needs Optuna, which is not installed. Install it with: {install_command('tune')}"
        )
    _check_numbers(minutes, trials, workers, seeds)
    if resume is not None:
        own: dict[str, object] = {
            "space": space,
            "model": model,
            "layers": layers,
            "epochs": epochs,
            "seed": seed,
        }
        own |= {"recipe": recipe, "group_by": group_by, "out": out, "settings": settings or None, **options}
        begun = _continued(Path(resume), data, {name for name, value in own.items() if value is not None})
    else:
        keywords = from_keywords(options, "tune", tune.__kwdefaults__)
        whole, source = wanted(
            data, preset=None, model=model, layers=layers, network=None, epochs=epochs, seed=seed, group_by=group_by,
            recipe=recipe, keywords=keywords, settings=settings,
        )  # fmt: skip
        found = default_space() if space is None else read_space(Path(space))
        begun = _Begun(None, whole, source, found)
    _check_recipe(begun.recipe)
    limited = resume is None and (minutes is not None or trials is None)
    limit = StartLimit((minutes or USUAL_MINUTES) if limited else None)
    working = crew_for(workers, on, in_memory=begun.source.place is None, device=begun.recipe.training.device)
    with _told_to_go_on(begun), contextlib.closing(limit), working as crew:
        return _tuned(
            begun, out, began=began, limit=limit, minutes=minutes, trials=trials, seeds=seeds, tell=tell,
            progress=progress, crew=crew,
        )  # fmt: skip


@dataclass
class _Begun:
    """What a search is begun or continued with; the folder of a new one is None until it exists."""

    folder: Path | None
    recipe: Recipe
    source: Source
    space: Space


def _tuned(
    begun: _Begun,
    out: str | Path | None,
    *,
    began: float,
    limit: StartLimit,
    minutes: float | None,
    trials: int | None,
    crew: Crew | None,
    seeds: int,
    tell: Callable[[Told], None] | None,
    progress: bool,
) -> TuningResult:
    refuse_inside(begun.folder or Path(out or "searches"), begun.source.place)
    with contextlib.ExitStack() as stack:
        if begun.folder is not None:
            stack.enter_context(FolderLock(begun.folder, doing="searching in").held())
        elif out is not None:
            _check_new(Path(out))
        recipe = folding.reading(begun.recipe, begun.source)
        is_open = default_network.is_open(recipe)
        reading = default_network.reading(recipe.data) if is_open else recipe.data
        halved = reading.model_copy(update={"valid_half": "choosing"})
        opened = time.monotonic()
        dataset = load(begun.source, halved, splits=LEARNING_SPLITS, progress=progress)
        seconds_to_read = time.monotonic() - opened

        from picturewise.tuning.candidates import make_candidates  # noqa: PLC0415 (it loads PyTorch)
        from picturewise.tuning.searching import Searching  # noqa: PLC0415 (the same)
        from picturewise.tuning.trial import Pictures  # noqa: PLC0415 (the same)

        candidates = make_candidates(begun.space, recipe, dataset)
        if begun.folder is None:
            record = _new_record(recipe.seed, dataset.name, fingerprints(dataset), minutes, trials)
            begun.folder = _new_folder(out, dataset.name)
            stack.enter_context(FolderLock(begun.folder, doing="searching in").held())
            files.write_text(begun.folder / RECIPE, begun.recipe.to_toml(only_set=True))
            files.write_text(begun.folder / SPACE, begun.space.text)
        else:
            record = read_record(begun.folder)
            record.check(dataset, begun.folder)
            record = _with_budget(record, minutes, trials)
        files.write_json(begun.folder / FILE, record.model_dump())
        limit.folder = begun.folder
        pictures = Pictures(begun.source, {})

        def told(one: Told) -> None:
            if one.state == "finished":
                limit.close()
            if tell is not None:
                tell(one)

        searching = Searching(begun.folder, candidates, record, pictures, crew=crew, tell=told)
        searching.keep(dataset)
        reserve = _reserve(record.minutes, time.monotonic() - began - seconds_to_read)
        clock = Clock(searching.search.seconds, record.minutes, reserve=reserve, began=began)
        searching.run(clock)
        return searching.result(clock.seconds, seeds=seeds)


def _reserve(minutes: float | None, starting: float) -> float:
    """Return the seconds at the end of a budget in which trials are no longer trained.

    Args:
        minutes: of the budget; None: it has none.
        starting: seconds that the command took to start, without reading the pictures.
    """
    if minutes is None:
        return 0.0
    seconds = max(min(RESERVE, SHARE_OF_RESERVE * 60 * minutes), RESERVE_TO_START * starting)
    return min(seconds, 60 * minutes / 2)


def _check_numbers(minutes: float | None, trials: int | None, workers: int | None, seeds: int) -> None:
    if minutes is not None and not 0 < minutes <= 100_000:
        raise UsageError(f"minutes is {minutes:g}. Expected more than 0 and at most 100,000.")
    if trials is not None and not 1 <= trials <= 100_000:
        raise UsageError(f"trials is {trials}. Expected 1 to 100,000.")
    if workers is not None and not 1 <= workers <= MOST_WORKERS:
        raise UsageError(f"workers is {workers}. Expected 1 to {MOST_WORKERS}.")
    if seeds != 0 and not 2 <= seeds <= 100:
        raise UsageError(f"seeds is {seeds}. Expected 2 to 100 for a comparison, or 0 for none.")


def _check_recipe(recipe: Recipe) -> None:
    if recipe.training.folds:
        raise UsageError(
            f"training.folds is {recipe.training.folds}, but a search needs a validation split. Remove training.folds."
        )
    if recipe.data.valid_half is not None:
        raise UsageError("data.valid_half is set, but a search uses both halves. Remove data.valid_half.")
    if recipe.training.epochs == 0:
        raise UsageError("training.epochs is 0, but trials must be trained. Use at least 1.")


def _continued(folder: Path, data: Data | None, changed: set[str]) -> _Begun:
    """Return what the search in a folder was begun with.

    Raises:
        UsageError: there is no search, or options were passed that cannot be changed.
    """
    if changed:
        raise UsageError(
            f"{', '.join(sorted(changed))} cannot be changed when a search is continued. Begin a new search instead."
        )
    read_record(folder)
    recipe = make_recipe(recipe_from_toml(folder / RECIPE))
    place = recipe.data.source if data is None else data
    if place is None:
        raise UsageError(
            f"The pictures of {printable(folder)} were passed from Python and are not stored. Pass them again as data."
        )
    source = recognise(place, hints=recipe.data.hints)
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"source": source.place})})
    text = read_text(folder / SPACE, "search space")
    return _Begun(folder, recipe, source, parse_space(text, f"The search space {folder / SPACE}"))


def _new_record(
    seed: int, data: str, prints: tuple[str, str], minutes: float | None, trials: int | None
) -> SearchRecord:
    if minutes is None and trials is None:
        minutes = USUAL_MINUTES
    return SearchRecord(
        data=data, train_sha256=prints[0], valid_sha256=prints[1], seed=seed, minutes=minutes, trials=trials
    )


def _with_budget(record: SearchRecord, minutes: float | None, trials: int | None) -> SearchRecord:
    """Return the record with a new budget, if one was passed: it replaces the old one."""
    if minutes is None and trials is None:
        return record
    return record.model_copy(update={"minutes": minutes, "trials": trials})


def _check_new(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{printable(folder)} is a file, but a search needs a folder. Choose another --out.")
    if folder.exists() and not all(is_trace(path) for path in folder.iterdir()):
        way_out = (
            f"Continue with --resume {printable(folder)}, or choose" if (folder / FILE).exists() else "Choose"
        )
        raise UsageError(f"{printable(folder)} already exists and is not empty. {way_out} another --out.")


def _new_folder(out: str | Path | None, name: str) -> Path:
    if out is None:
        return files.new_folder(Path("searches"), name)
    _check_new(Path(out))
    files.make_folder(Path(out))
    return Path(out)


@contextlib.contextmanager
def _told_to_go_on(begun: _Begun) -> Iterator[None]:
    """Add to an interruption how the search is continued."""
    try:
        yield
    except Interrupted as stopped:
        raise Interrupted(
            f"{str(stopped).partition(' Continue with')[0]}{_go_on(begun)}", stopped.exit_code - 128
        ) from stopped
    except (KeyboardInterrupt, WorkerLostError) as interrupt:
        interrupt.add_note(_go_on(begun).strip())
        raise


def _go_on(begun: _Begun) -> str:
    return (
        "" if begun.folder is None else f" Continue with: picturewise tune --resume {printable(begun.folder)}"
    )
