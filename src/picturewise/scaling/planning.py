"""Making the plan from a source: the shards with their rows, or the names of all picture files."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from picturewise import files
from picturewise.cache_folder import imports_folder, no_room
from picturewise.data.dataset import Skipped
from picturewise.data.hints import Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.shards.inputs import Inputs, find_inputs
from picturewise.data.shards.parquet_rows import ParquetFacts, ParquetRows
from picturewise.data.shards.storage import Found, LocalCopies, Storage
from picturewise.errors import DataError
from picturewise.scaling.plan import NAMES, Plan, TaskName, part_name
from picturewise.split_names import split_of

_TAIL = 1 << 16  # bytes: most footers of Parquet files are shorter
_LONGEST_TAIL = 256 << 20

Tick = Callable[[int], None]
"""Called with the number of files that are planned so far."""


class Planned(NamedTuple):
    """A plan, and what is told about the source.

    Attributes:
        plan: the plan.
        left_out: the first files and folders that are not read, with the reason.
        left_out_count: how many these are.
        notes: decisions, in sentences.
    """

    plan: Plan
    left_out: tuple[Skipped, ...]
    left_out_count: int
    notes: tuple[str, ...]


def make_plan(
    task: TaskName,
    storage: Storage,
    folder: Path,
    *,
    classifier: str,
    options: dict[str, Any],
    hints: Hints,
    read_options: ReadOptions,
    write_names: bool,
    tick: Tick,
) -> Planned:
    """Return the plan for a source; the names of picture files are written to the folder if that is asked for.

    Args:
        task: predict or evaluate.
        storage: where the source is.
        folder: of the results.
        classifier: the SHA-256 of the classifier's file.
        options: see `Plan`.
        hints: how to read the source.
        read_options: of the classifier.
        write_names: write them, because there is no plan yet; files from before are replaced.
        tick: called from time to time.

    Raises:
        DataError: the source cannot be read, or is not fit for the task.
        SaveError: the names cannot be written.
    """
    found = find_inputs(storage, file_column=hints.file_column)
    plan = Plan(task, found.form, storage.shown, classifier, options)
    if found.form == "pictures":
        if task == "evaluate":
            raise DataError(
                f"{storage.shown} contains picture files without labels beside them. Pass shards with labels, or use "
                "'picturewise evaluate', which reads folders of classes and lists."
            )
        made = _of_pictures(plan, found, folder, write_names=write_names, tick=tick)
    elif found.form == "tar":
        shards = []
        for number, file in enumerate(_with_sizes(found, storage), start=1):
            shards.append((*file, None))
            tick(number)
        made = replace(plan, shards=tuple(shards))
    else:
        made = _of_parquet(plan, found, storage, hints, read_options, tick=tick)
    if task == "evaluate":
        _check_one_split(made, storage)
    papers = "file that is" if found.papers == 1 else "files that are"
    passed = f"{found.papers:,} {papers} neither a picture nor a shard, by the file name, was not used."
    notes = () if not found.papers else (passed if found.papers == 1 else passed.replace(" was ", " were "),)
    return Planned(made, tuple(found.left_out), found.left_out_count, notes)


def _with_sizes(found: Inputs, storage: Storage) -> Iterator[Found]:
    """Yield the shards, whose sizes must be known."""
    for file in found.files:
        if file.size < 0:
            raise DataError(
                f"{storage.name(file.path)} cannot be read, or its storage does not tell its size. Pass files that can "
                "be read."
            )
        yield file


def _check_one_split(plan: Plan, storage: Storage) -> None:
    """Check that the names of the shards do not speak of several splits, such as train and test."""
    found = dict[str, str]()
    for path, *_ in plan.shards:
        words = re.split(r"[-_. /]+", path.removeprefix(storage.root))
        split = next((split for word in words if (split := split_of(word)) is not None), None)
        if split is not None:
            found.setdefault(split, path)
    if len(found) > 1:
        raise DataError(
            f"{storage.shown} contains shards of the splits {', '.join(found)}. Pass those of one split, with a "
            f"pattern such as '{storage.shown}/test-*'."
        )


def _of_pictures(plan: Plan, found: Inputs, folder: Path, *, write_names: bool, tick: Tick) -> Plan:
    """Return the plan for picture files, whose names are written in a file for each part."""
    digests, count, step = list[str](), 0, plan.options["part_rows"]
    if write_names:
        files.make_folder(folder / NAMES)
    while chunk := list(itertools.islice(found.files, step)):
        content = "".join(json.dumps(list(file)) + "\n" for file in chunk).encode()
        if write_names:
            files.write_bytes(folder / NAMES / part_name(len(digests), ".jsonl"), content)
        digests.append(hashlib.sha256(content).hexdigest())
        count += len(chunk)
        tick(count)
    return replace(plan, names=tuple(digests), pictures=count)


def _of_parquet(
    plan: Plan, found: Inputs, storage: Storage, hints: Hints, read_options: ReadOptions, *, tick: Tick
) -> Plan:
    """Return the plan for Parquet files, whose rows are counted in their footers."""
    reader, copies = ParquetRows(hints, read_options.learned), LocalCopies(storage)
    shards, scale = [], None
    try:
        for number, file in enumerate(_with_sizes(found, storage), start=1):
            facts = _facts(reader, copies, storage, file, scale=number == 1)
            if number == 1:
                scale = facts.scale
            if facts.lists != (scale is not None):
                raise DataError(
                    f"{storage.name(file.path)} has pictures in another form than the first file. Pass files of "
                    "one form."
                )
            if plan.task == "evaluate" and facts.labels is None:
                raise DataError(
                    f"{storage.name(file.path)} does not have a column of labels. Name it with --label-column, or use "
                    "'picturewise predict-many'."
                )
            shards.append((*file, facts.rows))
            tick(number)
    finally:
        reader.close()
        copies.close()
    return replace(plan, shards=tuple(shards), scale=scale)


def _facts(
    reader: ParquetRows, copies: LocalCopies, storage: Storage, file: Found, *, scale: bool
) -> ParquetFacts:
    """Return what is in a Parquet file; of one at an address, only the end is read, unless it has lists of numbers."""
    shown = storage.name(file.path)
    if storage.is_local:
        return reader.facts(copies.path(file.path), shown, scale=scale)
    with _ends_like(storage, file) as place:
        found = reader.facts(place, shown, scale=False)
    if not (scale and found.lists):
        return found
    return reader.facts(copies.path(file.path), shown, scale=True)


@contextlib.contextmanager
def _ends_like(storage: Storage, file: Found) -> Iterator[Path]:
    """Yield a file as long as one at an address, with the same end and otherwise empty, which takes no room."""
    end = storage.tail(file.path, file.size, _TAIL)
    needed = 8 + int.from_bytes(end[-8:-4], "little")
    if len(end) < needed <= min(file.size, _LONGEST_TAIL):
        end = storage.tail(file.path, file.size, needed)
    with contextlib.ExitStack() as stack:
        try:
            imports_folder().mkdir(parents=True, exist_ok=True)
            copy = stack.enter_context(tempfile.NamedTemporaryFile(dir=imports_folder(), prefix="shard-"))
            copy.write(b"PAR1")
            copy.seek(file.size - len(end))
            copy.write(end)
            copy.flush()
        except OSError as error:
            raise no_room("Cannot create a temporary file in", error) from error
        yield Path(copy.name)
