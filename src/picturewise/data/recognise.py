"""The one place where a name, a path or a Python object becomes a `Source`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from picturewise.data.contract import Reader, Source, WithFreshNotes
from picturewise.data.dataset import Dataset
from picturewise.data.hints import NO_HINTS, Hints, does_not_apply, with_target
from picturewise.data.pictures.decode import SUFFIXES
from picturewise.data.pictures.file_kinds import START, kind_of
from picturewise.data.readers.files_in import FilesIn
from picturewise.data.readers.folder_listing import is_folder, is_visible, looks_like_picture, visible_entries
from picturewise.data.readers.loose_pictures import OBEYED, LoosePictures, joined
from picturewise.errors import DataError, UsageError, nearest
from picturewise.file_names import is_address, path_of, text_of, without_credentials
from picturewise.printable import printable

if TYPE_CHECKING:
    from picturewise.data.in_memory.in_memory_source import DataObject

_DEEPEST = 8  # nested folders that are stepped through
_LOST_SLASH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/[^/]")  # an address that was taken for a path
_ABOUT = frozenset({".md", ".txt", ".pdf", ".html"})  # files beside a folder that do not affect its form

Data: TypeAlias = "str | Path | Dataset | DataObject"
"""A catalogue name, a path, or pictures in memory."""


def recognise(
    data: Data,
    *,
    hints: Hints = NO_HINTS,
    labelled: bool = True,
    strict: bool = True,
    sequences: bool | None = None,
) -> Source:
    """Return the source for `data`, recognised without opening a picture.

    Args:
        data: a catalogue name; a path; a `Dataset`; a pair (pictures, labels) of arrays or tensors; a PyTorch or
            Hugging Face data set; a list of pictures; or a dict of several of these by split.
        hints: what the user specifies if the data are ambiguous.
        labelled: labels are needed. Otherwise, a folder means the pictures directly in it, if there are any.
        strict: each hint must apply to the source; otherwise, hints that do not apply are left out.
        sequences: whether the pictures are for a classifier of sequences or of classes, so that no hint is needed;
            None: they are not for a classifier.

    Raises:
        UsageError: it is an object of another kind, or a hint does not apply to it.
        DataError: a text is neither a name nor a path, a set is not fetched yet, or the files at a path do not have
            a form that Picturewise reads.
    """
    known = hints if sequences is None else with_target(hints, sequences=sequences)
    source = _found(data, known, labelled=labelled)
    if strict and not isinstance(data, Dataset):
        check_obeyed(hints, source)
    return source


def _found(data: Data, hints: Hints, *, labelled: bool) -> Source:
    try:
        if isinstance(data, str) and is_address(data):
            return _at_address(data, hints)
        if isinstance(data, str | Path):
            path = path_of(os.path.expanduser(data))  # noqa: PTH111 (Path's own raises an error without a home)
            return _picture(path, hints) or _stored(str(data), path, hints, labelled=labelled)
    except OSError as error:
        raise cannot_be_read(error, printable(data)) from error
    from picturewise.data.in_memory.in_memory_source import (  # noqa: PLC0415 (files do not need it)
        DatasetSource,
        in_memory_source,
    )

    return (
        DatasetSource(data, data.place) if isinstance(data, Dataset) else in_memory_source(data, hints=hints)
    )


def _at_address(address: str, hints: Hints) -> Source:
    """Return the source for files at an address, which are copied to the cache folder; a recipe keeps the address.

    Raises:
        UsageError, DataError, SaveError: as for `recognise` and `local_copy`.
    """
    from picturewise.data.shards.copies import local_copy  # noqa: PLC0415 (only addresses need it)
    from picturewise.data.store.stored_source import StoredSource  # noqa: PLC0415 (see _stored)

    reader = find_reader(local_copy(address), hints)
    fresh = reader.fresh_notes if isinstance(reader, WithFreshNotes) else ()
    return StoredSource(reader, without_credentials(address), fresh)


def check_obeyed(hints: Hints, source: Source) -> None:
    """Check that the given hints apply to a source's form.

    Raises:
        UsageError: a hint does not apply to it.
    """
    given = [name for name in hints.given() if name != "target" or hints.sequences]  # all others have classes
    unused = [name for name in given if name not in source.hints.given()]
    if unused:
        them = "it" if len(unused) == 1 else "them"
        why = f"Omit {them}; docs/reference/data.md lists the options for each format."
        raise does_not_apply(printable(source.place or source.name), unused, why)


def recognise_each(
    paths: Sequence[str | Path],
    *,
    hints: Hints = NO_HINTS,
    recursive: bool = False,
    sequences: bool | None = None,
) -> list[Source]:
    """Return the sources for several paths in order; labels are not needed.

    Consecutive picture files and folders of pictures form one source.

    Args:
        paths: the paths.
        hints: as for `recognise`.
        recursive: a folder means the pictures in it and in its subfolders at any depth, whatever their names.
        sequences: as for `recognise`.

    Raises:
        UsageError, DataError: as for `recognise`; or `recursive` is set, but none of the paths is a folder.
    """
    sources: list[Source] = []
    loose: list[LoosePictures] = []
    folders = 0
    for path in paths:
        below = _pictures_below(path, hints) if recursive else None
        folders += below is not None
        found = recognise(path, hints=hints, labelled=False, sequences=sequences) if below is None else below
        if isinstance(found, LoosePictures):
            loose.append(found)
            continue
        sources += [*([joined(loose)] if loose else []), found]
        loose = []
    if recursive and not folders:
        raise UsageError(
            "--recursive applies to folders, but no folder was passed. Omit it, or pass a folder."
        )
    return [*sources, *([joined(loose)] if loose else [])]


def folder_of_names(source: Source, name: str) -> Path | None:
    """Return the folder in which a source's file with this name is; None: it is not a file there."""
    if source.place is None or isinstance(source, LoosePictures):
        return None
    place = path_of(source.place)
    folders = _single_folders(place) if place.is_dir() else [place.parent]
    return next((folder for folder in folders if (folder / path_of(name)).is_file()), None)


def place_of(data: str | Path) -> str:
    """Return the name of data in a recipe: a catalogue name unchanged, a path made absolute. They need not exist.

    An address loses its credentials.
    """
    from picturewise.catalogue import entries  # noqa: PLC0415 (see _stored)

    if isinstance(data, str) and is_address(data):
        return without_credentials(data)
    if str(data) in entries.entries() or not str(data).strip() or not path_of(data).exists():
        return str(data)
    return text_of(path_of(data).absolute())


def cannot_be_read(error: OSError, place: str) -> DataError:
    """Return the error for what the operating system refuses."""
    where = printable(Path(os.fsdecode(error.filename))) if error.filename else place
    return DataError(f"{where} cannot be read: {error.strerror or error}.")


def _picture(path: Path, hints: Hints) -> LoosePictures | None:
    """Return a single picture file, without loading what other forms need."""
    if path.suffix.lower() in SUFFIXES and path.is_file():
        return LoosePictures(((path,),), text_of(path.absolute()), hints=hints.only(*OBEYED))
    return None


def _pictures_in(folder: Path, hints: Hints) -> LoosePictures | None:
    """Return the pictures directly in a folder, or in the only folder in it; None: there are none."""
    if not folder.is_dir():
        return None
    folder = _single_folders(folder)[-1]
    with os.scandir(folder) as entries:
        if not any(is_visible(entry) and looks_like_picture(entry) for entry in entries):
            return None
    return LoosePictures((FilesIn(folder),), text_of(folder.absolute()), hints=hints.only(*OBEYED))


def _pictures_below(place: str | Path, hints: Hints) -> LoosePictures | None:
    """Return the pictures in a folder and its subfolders; None: it is not a folder.

    Raises:
        UsageError: as for `recognise`.
        DataError: there are no pictures, or the folder cannot be read.
    """
    folder = path_of(os.path.expanduser(place))  # noqa: PTH111 (as in `recognise`)
    try:
        if not str(place).strip() or not folder.is_dir():
            return None
        found = LoosePictures(
            (FilesIn(folder, below=True),), text_of(folder.absolute()), hints=hints.only(*OBEYED)
        )
        check_obeyed(hints, found)
        if next(found.files, None) is None:
            raise DataError(
                f"{printable(place)} and its subfolders do not contain pictures. Pass another folder."
            )
    except ValueError:  # a zero byte
        return None
    except OSError as error:
        raise cannot_be_read(error, printable(place)) from error
    return found


def _stored(data: str, path: Path, hints: Hints, *, labelled: bool) -> Source:
    from picturewise.catalogue import entries  # noqa: PLC0415 (loads pydantic; predicting does not need it)
    from picturewise.data.catalogue_reader import open_installed  # noqa: PLC0415 (the same)
    from picturewise.data.store.stored_source import StoredSource  # noqa: PLC0415 (the same)

    if (entry := entries.entries().get(data)) is not None:
        notes = (
            f"'{data}' was read as the catalogue name of a data set. For the folder of that name, pass './{data}'.",
        )
        return StoredSource(
            open_installed(data, entry, find_reader), data, notes if Path(data).exists() else ()
        )
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a zero byte
        raise _not_found(data, entries.entries()) from error
    if not data.strip():
        raise _not_found(data, entries.entries())
    loose = None if labelled or hints.label_from is not None else _pictures_in(path, hints)
    if loose is not None:
        return loose
    reader = find_reader(path, hints) if labelled else _unlabelled_reader(path, hints)
    fresh = reader.fresh_notes if isinstance(reader, WithFreshNotes) else ()
    return StoredSource(reader, text_of(path.absolute()), fresh)


def _unlabelled_reader(path: Path, hints: Hints) -> Reader:
    """Return the reader of files to be predicted; if a folder has none, the error says how to pass pictures."""
    try:
        return find_reader(path, hints)
    except DataError as error:
        if not path.is_dir() or not _holds_pictures(path):
            raise
        found = str(error).partition(". ")[0].removesuffix(".")
        raise DataError(
            f"{found}. To classify pictures without labels, pass one folder that contains them, or use --recursive for "
            "all pictures in its subfolders."
        ) from error


def _holds_pictures(folder: Path) -> bool:
    """Return whether a file in a folder or below is named like a picture."""
    files = (item for item in FilesIn(folder, below=True) if isinstance(item, Path))
    return any(file.suffix.lower() in SUFFIXES for file in files)


def find_reader(path: Path, hints: Hints = NO_HINTS) -> Reader:
    """Return the reader of the files at `path`; it obeys the hints that apply to its form.

    Raises:
        DataError: it does not have a form that Picturewise reads.
        OSError: it cannot be read.
    """
    from picturewise.data.readers.known_forms import READERS  # noqa: PLC0415 (dozens of modules)

    places = _single_folders(path)
    for recognised in READERS:
        for place in places:
            reader = recognised(place, hints)
            if reader is not None:
                return reader
    from picturewise.data.shards import tar_reader  # noqa: PLC0415 (the same)

    for place in places:
        if (tars := tar_reader.recognise(place, hints)) is not None:
            return tars
    inside = _files_in(places[-1])
    if len(inside) == 1:  # a folder with only one data file means that file; of several, one must be named
        for recognised in READERS:
            reader = recognised(inside[0], hints)
            if reader is not None:
                return reader
    raise DataError(
        f"{printable(path)} is not in a format that Picturewise reads: found {_contents(path)}. Pass a folder with "
        "one folder of pictures per class (optionally in train, valid and test folders), or files in one of the "
        "formats listed in docs/reference/data.md, such as MNIST's."
    )


def _single_folders(path: Path) -> list[Path]:
    """Return a path, and the folders in it while they hold only one folder and texts: `archive/flowers`."""
    places = [path]
    while len(places) <= _DEEPEST and places[-1].is_dir():
        entries = visible_entries(places[-1])
        folders = [entry for entry in entries if is_folder(entry)]
        files = [Path(entry.path) for entry in entries if not is_folder(entry)]
        if len(folders) != 1 or not all(file.suffix.lower() in _ABOUT for file in files):
            break
        places.append(Path(folders[0].path))
    return places


def _files_in(path: Path) -> list[Path]:
    """Return what is in a folder and not hidden, or nothing if `path` is not a folder."""
    return sorted(item for item in path.iterdir() if not item.name.startswith(".")) if path.is_dir() else []


def _not_found(data: str, names: Mapping[str, object]) -> DataError:
    if _LOST_SLASH.match(data):
        return DataError(
            f"'{printable(data)}' looks like an address, but addresses are not read here. Pass it to predict-many."
        )
    return DataError(
        f"'{printable(data)}' is neither an existing path nor a catalogue name "
        f"({', '.join(names)}).{nearest(data, names)}"
    )


def _contents(path: Path) -> str:
    """Describe in a few words what is at `path`."""
    if path.is_file():
        with path.open("rb") as file:
            kind = kind_of(file.read(START))
        return f"{kind.words} ({kind.way_out})" if kind.way_out else kind.words
    if not path.is_dir():
        return "neither a file nor a folder"
    names = sorted(os.listdir(path))  # noqa: PTH208 (names, not paths)
    shown = ", ".join(printable(name) for name in names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names):,} file{'s' * (len(names) > 1)} ({shown})" if names else "an empty folder"
