"""Millions of pictures in parts: what `predict_many` and `evaluate_many` share."""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from picturewise import errors, files, logs
from picturewise.cores import available_cores
from picturewise.data.dataset import Skipped
from picturewise.data.hints import Hints
from picturewise.data.shards.storage import Storage
from picturewise.errors import DataError, Interrupted, PicturewiseError, UsageError
from picturewise.file_names import is_address, text_of
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.computation import LibraryName, library_named
from picturewise.prediction.engine import EngineName
from picturewise.printable import printable
from picturewise.runs.lock import FolderLock
from picturewise.scaling.job import Job
from picturewise.scaling.local import compute_here, compute_locally
from picturewise.scaling.part_facts import PartFacts, WrittenParts, numbers_there
from picturewise.scaling.plan import CLASSIFIER, PLAN, Plan, TaskName, check_same, part_name, read_plan
from picturewise.scaling.planning import Planned, make_plan
from picturewise.scaling.results import Failure, Results
from picturewise.stopping import shown, signal_of
from picturewise.tasks.many_checks import check, parse_slice, portable
from picturewise.tasks.many_progress import Advance

if TYPE_CHECKING:
    from numpy.typing import NDArray

PART_ROWS = 10_000
LEARNED = "learned.npy"
_NAMED = 5
_LONG_AGO = 3600.0  # seconds; writing a file never takes that long
_UNKNOWN = 100_000  # pictures in tars, which are not counted before they are read
_PLAN_LOCK = ".plan.lock"
_PATIENCE = 3600.0  # seconds in which another process makes the plan


@dataclass(frozen=True)
class Wanted:
    """What is to be done.

    Attributes:
        task: predict or evaluate.
        classifier: the classifier.
        source: a path or an address.
        out: the folder of the results.
        hints: how to read the source.
        engine: what computes.
        part_rows: pictures in a part.
        workers: processes on this machine; None: one for each core.
        on: the address of a Ray cluster, or 'ray'; None: this machine.
        slice: such as '3/16': only the parts of one process of an array job.
        learned: (N, 16) digests of the pictures that the classifier was trained on; None: unknown.
    """

    task: TaskName
    classifier: Classifier
    source: str | Path
    out: str | Path
    hints: Hints
    engine: EngineName
    part_rows: int
    workers: int | None
    on: str | None
    slice: str | None
    learned: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Done:
    """What was done, and what is there now.

    Attributes:
        plan: the plan.
        folder: of the results.
        facts: about the parts that are there and were asked for, by their numbers.
        computed: the numbers of those that were computed now.
        there: how many of all parts are there.
        seconds: of the computation.
        notes: decisions, in sentences.
        left_out: the first files and folders that are not read, with the reason.
        left_out_count: how many these are.
    """

    plan: Plan
    folder: Path
    facts: dict[int, PartFacts]
    computed: frozenset[int]
    there: int
    seconds: float
    notes: tuple[str, ...]
    left_out: tuple[Skipped, ...]
    left_out_count: int

    @property
    def unreadable(self) -> int:
        """How many rows could not be read."""
        return sum(facts.unreadable for facts in self.facts.values())

    @property
    def rows(self) -> int:
        """How many rows there are in the parts."""
        return sum(facts.rows for facts in self.facts.values())

    @property
    def rows_computed(self) -> int:
        """How many of these were computed now."""
        return sum(self.facts[number].rows for number in self.computed)

    def first_unreadable(self) -> tuple[Skipped, ...]:
        """Return the first rows that could not be read."""
        found = [facts.first for _, facts in sorted(self.facts.items()) if facts.first is not None]
        return tuple(Skipped(f"{path}, row {row}", reason) for path, row, reason in found[:_NAMED])


def compute(wanted: Wanted, advance: Advance) -> Done:
    """Compute the parts that are missing, and return what is there.

    Args:
        wanted: what is to be done.
        advance: is told how far the work is.

    Raises:
        UsageError: options do not fit together, a package is missing, or the folder has another plan.
        DataError: the source cannot be read, or some parts could not be computed; all others are written.
        SaveError: the folder cannot be written, or cannot replace a file in one step.
        Interrupted: a signal stopped it; what is written is kept.
    """
    chosen = parse_slice(wanted.slice)
    check(wanted.task, out=wanted.out, part_rows=wanted.part_rows, workers=wanted.workers, on=wanted.on)
    folder = Path(wanted.out).expanduser().absolute()
    content = portable(wanted.classifier)
    digest = hashlib.sha256(content).hexdigest()
    storage = Storage(text_of(wanted.source) if isinstance(wanted.source, Path) else wanted.source)
    if storage.in_this_process and wanted.on is not None:
        raise UsageError(
            f"{storage.shown} is in the memory of this process, so --on cannot be used. Omit it."
        )
    files.make_folder(folder)
    doing = "computing parts in" if wanted.slice is None else "computing the same slice in"
    file = ".lock" if wanted.slice is None else f".slice-{wanted.slice.replace('/', '-of-')}.lock"
    with FolderLock(folder, doing=doing, file=file).held():
        files.check_renames(folder)
        if wanted.slice is None:
            files.sweep(folder)
        else:
            files.sweep(folder, older_than=_LONG_AGO)
        planned = _planned(wanted, storage, folder, digest, content, advance)
        return _computed(wanted, storage, folder, planned, chosen, advance)


def _computed(
    wanted: Wanted,
    storage: Storage,
    folder: Path,
    planned: Planned,
    chosen: tuple[int, int],
    advance: Advance,
) -> Done:
    plan = planned.plan
    asked = [part.number for part in plan.parts if part.number % chosen[1] == chosen[0]]
    looking = WrittenParts(plan, folder)
    try:
        facts = looking.facts(asked, advance.looked_at(len(asked)))
    finally:
        looking.close()
    missing = [number for number in asked if number not in facts]
    known = [plan.parts[number].rows for number in asked]
    total = None if None in known else sum(filter(None, known))
    advance.begin(sum(found.rows for found in facts.values()), total, len(facts), len(asked))
    logs.log("planned", parts=len(plan.parts), missing=len(missing), source=plan.source)
    began, before = time.monotonic(), len(facts)
    results = Results(advance.rows, _noting(advance, plan, len(asked) - len(missing), len(asked)))
    learned = None if wanted.learned is None else _learned(folder, wanted.learned)
    address = str(wanted.source) if is_address(str(wanted.source)) else storage.root
    job = Job(plan, address, folder, learned)
    try:
        if missing:
            _compute(wanted, job, storage, missing, results)
    except KeyboardInterrupt as interrupt:
        number = signal_of(interrupt)
        raise Interrupted(
            f"Stopped by {shown(number)}. {before + len(results.facts):,} of {len(asked):,} parts are in "
            f"{printable(folder)}; the same command computes the rest.",
            number,
        ) from interrupt
    except PicturewiseError as error:
        error.add_note(
            f"{before + len(results.facts):,} of {len(asked):,} parts are in {printable(folder)}; the same command "
            "computes the rest."
        )
        raise
    seconds = time.monotonic() - began
    if results.failed:
        raise _failed(results.failed, len(asked), folder)
    facts |= results.facts
    return Done(
        plan=plan, folder=folder, facts=facts, computed=frozenset(results.facts), there=numbers_there(plan, folder),
        seconds=seconds, notes=planned.notes, left_out=planned.left_out, left_out_count=planned.left_out_count,
    )  # fmt: skip


def _compute(wanted: Wanted, job: Job, storage: Storage, missing: list[int], results: Results) -> None:
    if storage.in_this_process:
        compute_here(job, missing, results)
    elif wanted.on is not None:
        from picturewise.scaling.on_ray import compute_on_ray  # noqa: PLC0415 (an extra)

        compute_on_ray(job, missing, results, address=wanted.on)
    else:
        compute_locally(job, missing, results, workers=wanted.workers or available_cores())


def _planned(
    wanted: Wanted, storage: Storage, folder: Path, digest: str, content: bytes, advance: Advance
) -> Planned:
    """Return the plan in a folder, checked, or write it, with the classifier beside it."""
    with contextlib.ExitStack() as stack:
        if not (folder / PLAN).exists():  # whoever comes first makes it
            lock = FolderLock(folder, doing="making the plan in", file=_PLAN_LOCK, patience=_PATIENCE)
            stack.enter_context(lock.held())
        kept = read_plan(folder) if (folder / PLAN).exists() else None
        if kept is not None and kept.classifier != digest:  # at once: reading a large source takes a while
            check_same(kept, Plan(kept.task, kept.form, "", digest, {}), folder)
        planned = make_plan(
            wanted.task,
            storage,
            folder,
            classifier=digest,
            options=_options(wanted),
            hints=wanted.hints,
            read_options=wanted.classifier.description.read_options(skip_bad=True),
            write_names=kept is None,
            tick=advance.planned,
        )
        library = _library(wanted, planned.plan.rows) if kept is None else kept.library
        if library is not None:
            options = {**planned.plan.options, "library": library}
            planned = planned._replace(plan=replace(planned.plan, options=options))
        if kept is not None:
            check_same(kept, planned.plan, folder)
        place = folder / CLASSIFIER
        if not place.is_file() or files.sha256(place) != digest:
            files.write_bytes(place, content)
        if kept is None:
            files.write_json(folder / PLAN, planned.plan.content())
    return planned


def _options(wanted: Wanted) -> dict[str, Any]:
    """Return the options that change the results."""
    return {
        "engine": wanted.engine,
        "part_rows": wanted.part_rows,
        **{name: getattr(wanted.hints, name) for name in ("value_range", "file_column", "label_column")},
    }


def _library(wanted: Wanted, rows: int | None) -> LibraryName | None:
    """Return the library of a new plan.

    OpenVINO is imported by each worker, so it must be worth it for all pictures, whose number may be unknown.

    Args:
        wanted: what is to be done.
        rows: pictures; None: unknown, because they are in tars.

    Returns:
        None: not OpenVINO, which is the only other library that obeys the number of cores.
    """
    description = wanted.classifier.description
    if wanted.engine != "auto" or description.layers is None or description.number_format != "bfloat16":
        return None
    pictures = _UNKNOWN if rows is None else rows
    chosen = Classifier(wanted.classifier.arrays, description).computation(pictures)
    return "openvino" if library_named(chosen.library) == "openvino" else None


def _learned(folder: Path, digests: NDArray[np.uint8]) -> Path:
    """Write the digests of the pictures that the classifier was trained on for the workers, and return the file."""
    content = io.BytesIO()
    np.save(content, digests, allow_pickle=False)
    files.write_bytes(folder / LEARNED, content.getvalue())
    return folder / LEARNED


def _noting(advance: Advance, plan: Plan, before: int, asked: int) -> Callable[[int], None]:
    done = before

    def finished(number: int) -> None:
        nonlocal done
        done += 1
        advance.part(done)
        logs.log("part written", part=part_name(number, ""), done=done, of=asked, of_all=len(plan.parts))

    return finished


def _failed(failed: dict[int, Failure], asked: int, folder: Path) -> PicturewiseError:
    """Return the error for parts that could not be computed."""
    number, first = min(failed.items())
    found = getattr(errors, first.kind, DataError)
    kind = found if isinstance(found, type) and issubclass(found, PicturewiseError) else DataError
    if kind in {errors.PictureError, errors.Interrupted}:
        kind = DataError
    others = "; the others are written" if len(failed) < asked else ""
    error: PicturewiseError = kind(
        f"{len(failed):,} of {asked:,} parts could not be computed{others}. The first is {part_name(number, '')}: "
        f"{first.sentence}"
    )
    error.add_note(f"What is written is kept in {printable(folder)}; the same command tries the rest again.")
    return error
