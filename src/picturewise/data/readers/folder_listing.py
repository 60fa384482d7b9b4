"""What lies in a folder of class folders: classes in natural order, files in the order of their names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from picturewise.data.dataset import Skipped
from picturewise.data.pictures.decode import SUFFIXES
from picturewise.errors import DataError
from picturewise.file_names import text_of
from picturewise.names import natural_order
from picturewise.printable import printable
from picturewise.untrusted.confined.protocol import Item

_LITTER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})  # what systems leave behind; lower case


@dataclass(frozen=True)
class FolderEntry:
    """One picture file, or its content; `name` is its path below the source, fit to print, with `/` between."""

    path: Item
    name: str
    class_name: str


@dataclass(frozen=True)
class Listing:
    """The class folders of one split.

    Attributes:
        classes: the names of the class folders, in natural order.
        entries: the files in them, sorted by name.
        bad: what can be seen not to belong without opening it.
    """

    classes: tuple[str, ...]
    entries: tuple[FolderEntry, ...]
    bad: tuple[Skipped, ...]


def visible_entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder, without hidden files and what systems leave behind, in the order of names.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        found = [e for e in entries if not e.name.startswith(".") and e.name.casefold() not in _LITTER]
    return sorted(found, key=lambda entry: entry.name)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder or a link to one; a link that leads nowhere is none."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def looks_like_picture(entry: os.DirEntry[str]) -> bool:
    """Return whether a file's name ends like a picture's."""
    return os.path.splitext(entry.name)[1].lower() in SUFFIXES and not is_folder(entry)  # noqa: PTH122 (no Path)


def list_classes(folder: Path, root: Path) -> Listing:
    """Return the classes in `folder` and their files; none of them is opened.

    Files in deeper folders belong to the class above. Pictures beside the class folders are bad, for they
    have no class; other files there, such as a README, are passed over.

    Args:
        folder: holds the class folders.
        root: the source; names are relative to it.

    Raises:
        DataError: there are no class folders.
        OSError: a folder cannot be read.
    """
    found = visible_entries(folder)
    folders = [entry for entry in found if is_folder(entry)]
    pictures = [entry for entry in found if looks_like_picture(entry)]
    shown = printable(folder)
    if not folders:
        holds = "pictures, but no folder per class" if pictures else "no folder per class"
        raise DataError(f"{shown} holds {holds}; expected {shown}/<class>/<picture>.")
    above = "" if folder == root else text_of(folder.relative_to(root).as_posix()) + "/"
    bad = [
        Skipped(
            printable(above + text_of(entry.name)), "a picture beside the class folders, so without a class"
        )
        for entry in pictures
    ]
    entries = []
    for class_folder in folders:
        called = printable(text_of(class_folder.name))
        for file in _files_below(class_folder, above + text_of(class_folder.name)):
            if isinstance(file, Skipped):
                bad.append(file)
            else:
                path, name = file
                entries.append(FolderEntry(Path(path), printable(name), called))
    classes = sorted({printable(text_of(entry.name)) for entry in folders}, key=natural_order)
    return Listing(tuple(classes), tuple(sorted(entries, key=lambda entry: entry.name)), tuple(bad))


def _files_below(folder: os.DirEntry[str], name: str) -> Iterator[tuple[str, str] | Skipped]:
    """Yield the path and the name of each file in or below `folder`; links are followed, but not in circles."""
    waiting = [(folder.path, name, frozenset({_identity(folder.path)}))]
    while waiting:
        path, prefix, above = waiting.pop()
        for entry in visible_entries(Path(path)):
            name = f"{prefix}/{text_of(entry.name)}"
            if not is_folder(entry):
                yield entry.path, name
            elif (identity := _identity(entry.path)) in above:
                yield Skipped(printable(name), "a link back to a folder that it lies in")
            else:
                waiting.append((entry.path, name, above | {identity}))


def _identity(path: str) -> tuple[int, int]:
    """Return what two paths to one folder have in common."""
    status = os.stat(path)  # noqa: PTH116 (paths are strings here, for there can be a million)
    return status.st_dev, status.st_ino
