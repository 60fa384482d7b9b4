"""The store: what a source holds, imported once; from then on its pictures are mapped, and start-up takes no time.

An import lies in a folder named after what it was read from and how, and after the state of the files at that
time. So a changed source finds nothing under its new name and is imported again, and what was imported of its
older state goes away. The user's own folders are never written to.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import filelock

from sightline import files
from sightline.data import stored
from sightline.data.changes import signature
from sightline.data.dataset import SPLITS, SplitName
from sightline.data.home import imports_folder
from sightline.data.names import printable
from sightline.data.options import DataOptions
from sightline.data.readers.contract import Part, Progress, Reading, Source
from sightline.data.stored import Facts, Workshop, no_room
from sightline.errors import DataError

_DIGITS = 20  # hexadecimal ones of each half of a name


def read_stored(
    source: Source, splits: Collection[SplitName], options: DataOptions, progress: Progress | None = None
) -> Reading:
    """Return what `source.read` returns, mapped from the store; what is not there yet is imported first.

    Several processes may ask at once: one imports, the others wait and find it done. An import that is
    interrupted leaves nothing that could be taken for one.

    Raises:
        DataError: as for `source.read`; or the source changed while it was imported.
        SaveError: the store cannot be written.
        OSError: the source cannot be looked at.
    """
    state = signature(source.inputs)
    entry = imports_folder() / f"{_identity(source, options)}-{state[:_DIGITS]}"
    wanted = [split for split in SPLITS if split in splits]
    found = _found(entry, wanted)
    if len(found) < len(wanted):
        with _alone(entry) as folder:
            found = _found(entry, wanted)  # another process may have been at it
            missing = [split for split in wanted if split not in found]
            if missing:
                _import(source, missing, options, progress, Workshop(folder), entry, state)
        found = _found(entry, wanted)
        if len(found) < len(wanted):
            raise DataError(
                f"What was just imported into {entry} is not there any more; is another program removing it?"
            )
    notes = [note for _, facts in found.values() for note in facts.notes]
    return Reading({split: part for split, (part, _) in found.items()}, tuple(dict.fromkeys(notes)))


def _found(entry: Path, wanted: Sequence[SplitName]) -> dict[SplitName, tuple[Part, Facts]]:
    return {split: found for split in wanted if (found := stored.read_part(entry / split)) is not None}


def _identity(source: Source, options: DataOptions) -> str:
    """Return what names the imports of one source, whatever its state, read in one way."""
    places = [place if isinstance(place, str) else os.path.abspath(place) for place in source.inputs]  # noqa: PTH100
    said = [type(source).__name__, source.name, places, options.size, options.fit, options.skip_bad]
    content = json.dumps([stored.FORMAT, *said]).encode()
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _import(
    source: Source,
    splits: Sequence[SplitName],
    options: DataOptions,
    progress: Progress | None,
    workshop: Workshop,
    entry: Path,
    state: str,
) -> None:
    reading = source.read(splits, options, progress, workshop.room)
    ready = [
        (split, workshop.write(split, part, reading.notes, options.source))
        for split, part in reading.parts.items()
    ]
    if signature(source.inputs) != state:
        raise DataError(
            f"{printable(options.source)} changed while it was read, so what was read may be neither old nor new; "
            "wait until the program that writes it is done, and start again."
        )
    for split, folder in ready:
        shutil.rmtree(entry / split, ignore_errors=True)  # a damaged one
        files.adopt_folder(folder, entry / split)
    identity = entry.name.partition("-")[0]
    for other in entry.parent.glob(f"{identity}-*"):
        if other != entry:
            shutil.rmtree(other, ignore_errors=True)


@contextlib.contextmanager
def _alone(entry: Path) -> Iterator[Path]:
    """Yield an empty folder to work in, while no other process imports the same."""
    workshop = entry.with_name(f"{files.TEMPORARY_PREFIX}{entry.name}")
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        lock = _lock(entry.name)
        lock.acquire()
    except OSError as error:
        raise no_room(entry, error) from error
    try:
        _sweep()
        shutil.rmtree(workshop, ignore_errors=True)  # of a process that was killed
        try:
            workshop.mkdir()
        except OSError as error:
            raise no_room(workshop, error) from error
        yield workshop
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
        lock.release()


def _sweep() -> None:
    """Remove what killed processes left behind of other imports."""
    for leftover in imports_folder().glob(f"{files.TEMPORARY_PREFIX}*"):
        lock = _lock(leftover.name.removeprefix(files.TEMPORARY_PREFIX))
        with contextlib.suppress(filelock.Timeout), lock.acquire(blocking=False):
            shutil.rmtree(leftover, ignore_errors=True)


def _lock(name: str) -> filelock.FileLock:
    return filelock.FileLock(imports_folder() / f".{name}.lock")
