"""Training in several processes on this machine: what the process that starts them does; see `worker`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from picturewise import errors, files
from picturewise.cores import available_cores
from picturewise.data.contract import Source
from picturewise.errors import Interrupted, PicturewiseError, UsageError
from picturewise.file_names import text_of
from picturewise.recipes.recipe import Recipe
from picturewise.runs.run import Run, open_run
from picturewise.scaling.launch import keep_running, start_here
from picturewise.scaling.train_on_ray import RayWorkers, Work
from picturewise.standard_error import STANDARD_ERROR

USUAL_SHARDS, MOST_WORKERS = 8, 256
JOB, ENDED = "job.json", "ended.json"
"""Files in the folder that connects the processes."""


def for_workers(recipe: Recipe, workers: int) -> Recipe:
    """Return the recipe with what several workers need: shards, and a validation split instead of folds.

    Raises:
        UsageError: it does not allow as many workers.
    """
    options = recipe.training
    if workers == 1:
        return recipe
    if options.engine == "numpy":
        raise UsageError(
            "training.engine is 'numpy', which has only one worker. Omit it, or train without --workers."
        )
    if options.folds:
        raise UsageError(
            f"training.folds is {options.folds}, but folds are trained by one worker. Use --no-folds, or train without "
            "--workers."
        )
    if options.distributed == "fast":
        if options.shards:
            raise UsageError(
                f"training.shards is {options.shards}, but with training.distributed=fast each worker has one part of "
                "a batch. Omit one of them."
            )
        threads = options.threads or max(
            1, available_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", workers))
        )
        training = options.model_copy(update={"threads": threads, "folds": 0})
        return recipe.model_copy(update={"training": training})
    shards = options.shards or max(USUAL_SHARDS, 1 << (workers - 1).bit_length())
    if shards % workers:
        fitting = [number for number in range(1, shards + 1) if shards % number == 0]
        raise UsageError(
            f"{workers} workers cannot share {shards} shards equally. Use "
            f"{', '.join(map(str, fitting[:-1]))} or {fitting[-1]} workers, or another training.shards."
        )
    training = options.model_copy(update={"shards": shards, "folds": 0})
    return recipe.model_copy(update={"training": training})


def check_workers(workers: int) -> None:
    """Raise a UsageError if the number of workers is not one."""
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError(f"The number of workers is {workers}. Expected 1 to {MOST_WORKERS}.")


def check_portable(source: Source, *, network: bool, own_callbacks: bool) -> None:
    """Raise a UsageError for what cannot be passed to other processes."""
    for what, there in (
        ("Pictures in memory", source.place is None),
        ("A network of a Python class", network),
        ("Callbacks", own_callbacks),
    ):
        if there:
            raise UsageError(
                f"{what} cannot be passed to the workers, which are other processes. Start a script that calls train "
                "without workers=, with: torchrun --nproc-per-node N SCRIPT"
            )


def listed_names(track: str | Sequence[str]) -> list[str]:
    """Return one or several names as a list."""
    return [track] if isinstance(track, str) else list(track)


def train_in_workers(
    work: Work, recipe: Recipe, out: Path, workers: int, job: Mapping[str, Any], *, on: str | None = None
) -> Run:
    """Train with a recipe whose pictures other processes can read, and return the run.

    Args:
        work: what a worker does with a job.
        recipe: as the user gave it.
        out: the run's folder.
        workers: how many.
        job: the other arguments of `train`.
        on: the address of a Ray cluster; None: on this machine.

    Raises:
        PicturewiseError: what the first worker raised.
    """
    content = {
        "task": "train",
        "out": text_of(out.absolute()),
        "recipe": recipe.to_toml(only_set=True),
        **job,
    }
    return _launched(work, content, out, workers, on)


def resume_in_workers(
    work: Work, run: Path, workers: int, job: Mapping[str, Any], *, on: str | None = None
) -> Run:
    """Resume a run whose pictures other processes can read, and return it; see `train_in_workers`.

    Raises:
        PicturewiseError: what the first worker raised.
    """
    return _launched(work, {"task": "resume", "out": text_of(run.absolute()), **job}, run, workers, on)


def _launched(work: Work, job: Mapping[str, Any], run: Path, workers: int, on: str | None) -> Run:
    ended = _on_ray(work, job, run, workers, on) if on else _here(job, run, workers)
    if "error" in ended:
        raise _error(ended)
    if "run" not in ended:
        raise Interrupted(f"Stopped before the run was finished. Continue with: picturewise resume {run}", 15)
    return open_run(run)


def _here(job: Mapping[str, Any], run: Path, workers: int) -> Mapping[str, Any]:
    """Return what a worker on this machine reports; empty: none does."""
    with tempfile.TemporaryDirectory(prefix="picturewise-") as name:
        folder = Path(name)
        files.write_json(folder / JOB, {**job, "launcher": os.getpid()})
        command = ["-m", "picturewise.tasks.worker", name]
        keep_running(
            lambda: start_here(command, workers),
            reported=(folder / ENDED).exists,
            progress=lambda: _saved(run),
            tell=_tell,
        )
        found: Mapping[str, Any] = files.read_json(folder / ENDED) if (folder / ENDED).exists() else {}
        return found


def _on_ray(work: Work, job: Mapping[str, Any], run: Path, workers: int, address: str) -> Mapping[str, Any]:
    """Return what a worker on a Ray cluster reports; empty: none does."""
    there = RayWorkers(work, job, workers, address)
    keep_running(
        there.start, reported=lambda: there.report is not None, progress=lambda: _saved(run), tell=_tell
    )
    return there.report or {}


def _tell(sentence: str) -> None:
    print(sentence, file=STANDARD_ERROR)


def _saved(run: Path) -> list[str]:
    return sorted(path.name for path in Run(run).checkpoints.glob("*-*"))


def _error(ended: Mapping[str, Any]) -> PicturewiseError:
    """Return the error that a worker has reported."""
    kind = getattr(errors, ended["error"], PicturewiseError)
    if not (isinstance(kind, type) and issubclass(kind, PicturewiseError)):
        kind = PicturewiseError
    if issubclass(kind, Interrupted):
        return Interrupted(ended["message"], ended["exit_code"] - 128)
    error = PicturewiseError.__new__(kind)
    PicturewiseError.__init__(error, ended["message"])
    return error
