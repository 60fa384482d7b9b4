"""The store: a source is imported once; from then on its pictures are mapped, and start-up takes no time.

imports/
  <source>/                  named after what is read, and how
    <split>-<state>/         named after the state of its files; see `stored_split`

So a changed source finds nothing under its new name and is imported again, and imports of its older state are
deleted. The user's own folders are never written to.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import filelock

from picturewise import files, logs
from picturewise.cache_folder import imports_folder, no_room
from picturewise.catalogue import entries
from picturewise.data.contract import Part, Progress, Reader, Reading
from picturewise.data.pictures.background import WHITE
from picturewise.data.pictures.resize_mode import mode_for
from picturewise.data.read_options import ReadOptions
from picturewise.data.store import change_detection, stored_split
from picturewise.data.store.stored_split import Facts, Workshop
from picturewise.errors import DataError, Interrupted, SaveError
from picturewise.file_names import text_of
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName
from picturewise.stopping import shown, signal_of
from picturewise.workshop import locked_workshop

_DIGITS = 24  # hexadecimal digits of a name


def read_stored(
    reader: Reader,
    place: str,
    splits: Collection[SplitName],
    options: ReadOptions,
    progress: Progress | None = None,
) -> Reading:
    """Return what `reader.read` returns, mapped from the store; splits that are missing there are imported first.

    Several processes may ask at once: one imports, the others wait and then find the import. An interrupted import
    does not leave anything that could be mistaken for one.

    Raises:
        DataError: as for `reader.read`; or the source changed while it was imported.
        Interrupted: Ctrl-C came while pictures were imported.
        SaveError: the store cannot be written.
        OSError: the source cannot be accessed.
    """
    folder = _folder(reader, place, options)
    places = _places(reader, splits, folder)
    found = _found(places)
    if options.skip_bad and len(found) < len(places):  # nothing was bad where nothing may be left out
        strict = _folder(reader, place, options, skip_bad=False)
        whole = _found({split: strict / path.name for split, path in places.items()})
        found = whole if len(whole) == len(places) else found
    if len(found) < len(places):
        with _told_if_interrupted(place), _alone(folder) as workshop:
            found = _found(places)  # another process may have imported it
            missing = {split: place for split, place in places.items() if split not in found}
            if missing:
                _import(reader, place, missing, options, progress, Workshop(workshop))
        found = _found(places)
        if len(found) < len(places):
            raise DataError(
                f"The new import in {folder} no longer exists. Check whether another program removes files there."
            )
    notes = [note for _, facts in found.values() for note in facts.notes]
    background = next((facts.background for _, facts in found.values()), WHITE)
    values = next((facts.values for _, facts in found.values()), None)
    cut = next((facts.cut for _, facts in found.values()), None)
    parts = {split: part for split, (part, _) in found.items()}
    return Reading(parts, tuple(dict.fromkeys(notes)), background=background, values=values, cut=cut)


@dataclass(frozen=True)
class Import:
    """The imports of one source, read in one way."""

    folder: Path
    source: str
    shape: tuple[int, int, int]
    pictures: Mapping[SplitName, int]
    bytes: int


def imports() -> list[Import]:
    """Return the imports in the store by source; damaged ones are under the source `?`."""
    found = []
    for folder in sorted(path for path in imports_folder().glob("[0-9a-f]*") if path.is_dir()):
        facts = {
            path.name.partition("-")[0]: stored_split.read_facts(path) for path in sorted(folder.iterdir())
        }
        known = [one for one in facts.values() if one is not None]
        found.append(
            Import(
                folder,
                source=known[0].source if known else "?",
                shape=known[0].shape[1:] if known else (0, 0, 0),
                pictures={split: one.shape[0] for split in SPLITS if (one := facts.get(split)) is not None},
                bytes=sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
            )
        )
    return sorted(found, key=lambda one: (one.source, one.shape))


def remove(one: Import) -> None:
    """Delete an import; a program that has its pictures mapped keeps them. The next reading imports again.

    Raises:
        SaveError: it cannot be deleted.
    """
    try:
        with _lock(one.folder.name):
            shutil.rmtree(one.folder)
    except FileNotFoundError:  # another process deleted it
        pass
    except OSError as error:
        raise SaveError(f"{one.folder} cannot be deleted: {error.strerror or error}.") from error


def _folder(reader: Reader, place: str, options: ReadOptions, *, skip_bad: bool | None = None) -> Path:
    """Return the folder of the imports of one source, read in one way; `skip_bad` replaces that of the options.

    Photographs that were resized to the size of published networks are those that are asked for with that size.
    """
    skip_bad = options.skip_bad if skip_bad is None else skip_bad
    identity = functools.partial(_identity, reader, place, options, skip_bad)
    own = imports_folder() / identity(options.size, options.photographs)
    if options.size is None or own.exists():
        return own
    derived = imports_folder() / identity(None, options.size)
    facts = [stored_split.read_facts(path) for path in sorted(derived.glob("*"))]
    same = [one is not None and one.shape[1:3] == options.size for one in facts]
    return derived if same and all(same) else own


def _identity(
    reader: Reader,
    place: str,
    options: ReadOptions,
    skip_bad: bool,
    size: tuple[int, int] | None,
    photographs: tuple[int, int] | None,
) -> str:
    """Return the name of the imports of one source, in any state, read in one way and reached by any link."""
    inputs = [item for split in reader.splits for item in reader.inputs(split)]
    places = [item if isinstance(item, str) else _reached(item) for item in inputs]
    # A path gives a source its name, which differs for other links; a catalogue name decides what is read.
    name = reader.name if place in entries.entries() else None
    resize = mode_for(options.resize, sequences=reader.hints.sequences)
    said: list[object] = [type(reader).__name__, name, places, size, resize, skip_bad]
    hints = {
        hint: value for hint, value in reader.hints.given().items() if (hint, value) != ("target", "class")
    }
    said += [
        given for given in (hints, options.background) if given
    ]  # classes are read alike without that hint
    said += [] if options.learned is None else [{"learned": options.learned}]
    said += (
        []
        if options.symbols is None
        else [{"symbols": options.symbols.alphabet, "places": options.symbols.places}]
    )
    said += [] if photographs is None else [{"photographs": photographs}]
    return _short(json.dumps([stored_split.FORMAT, *said]))


def _reached(place: Path) -> str:
    """Return the target of links; a file keeps its own name, because some readers use it."""
    reached = os.path.realpath(place) if place.is_dir() else Path(os.path.realpath(place.parent)) / place.name
    return text_of(reached)


def _places(reader: Reader, splits: Collection[SplitName], folder: Path) -> dict[SplitName, Path]:
    """Return where each split is, or would be, with the source as it is now."""
    state = functools.cache(change_detection.signature)
    return {
        split: folder / f"{split}-{_short(repr([state(place) for place in reader.inputs(split)]))}"
        for split in SPLITS
        if split in splits
    }


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]


def _found(places: Mapping[SplitName, Path]) -> dict[SplitName, tuple[Part, Facts]]:
    read = {split: stored_split.read_part(place) for split, place in places.items()}
    return {split: found for split, found in read.items() if found is not None}


def _import(
    reader: Reader,
    place: str,
    places: Mapping[SplitName, Path],
    options: ReadOptions,
    progress: Progress | None,
    workshop: Workshop,
) -> None:
    reading = reader.read([*places], options, progress, workshop.allocate)
    ready = {
        split: workshop.write(
            split,
            part,
            reading.notes,
            place,
            background=reading.background,
            values=reading.values,
            cut=reading.cut,
        )
        for split, part in reading.parts.items()
    }
    folder = next(iter(places.values())).parent
    if _places(reader, places, folder) != places:
        raise DataError(
            f"{printable(place)} changed while it was imported, so the import may mix old and new pictures. "
            "Wait until the program that writes it has finished, and run again."
        )
    for split, finished in ready.items():
        for older in folder.glob(f"{split}-*"):  # of another state, or damaged
            _clear(older)
        files.adopt_folder(finished, places[split])
    pictures = {split: len(part.pictures) for split, part in reading.parts.items()}
    logs.log("imported", source=printable(place), pictures=pictures, left_out=len(reading.skipped))


@contextlib.contextmanager
def _told_if_interrupted(source: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise Interrupted(
            f"Stopped by {shown(signal_of(interrupt))} while importing the pictures of {printable(source)}. Unfinished "
            "files were removed; the next run imports the pictures again.",
            signal_of(interrupt),
        ) from interrupt


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to work in, while no other process imports the same source."""
    workshop = folder.with_name(f"{files.TEMPORARY_PREFIX}{folder.name}")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked_workshop(workshop, _lock(folder.name)))
        except OSError as error:
            raise no_room("Cannot import pictures to", error) from error
        sweep()
        yield workshop


def _clear(path: Path) -> None:
    """Remove a folder, or a file where a folder should be."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sweep() -> None:
    """Remove unfinished imports of killed processes."""
    for leftover in imports_folder().glob(f"{files.TEMPORARY_PREFIX}*"):
        lock = _lock(leftover.name.removeprefix(files.TEMPORARY_PREFIX))
        with contextlib.suppress(filelock.Timeout), lock.acquire(blocking=False):
            shutil.rmtree(leftover, ignore_errors=True)


def _lock(name: str) -> filelock.FileLock:
    return filelock.FileLock(imports_folder() / f".{name}.lock")
