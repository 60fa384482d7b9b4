"""What is in a folder, and what kind of files are below it, known from names alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from picturewise.data.readers.folder_listing import (
    identity,
    is_folder,
    is_paper,
    is_visible,
    looks_like_picture,
    visible_entries,
)

Kind = Literal["pictures", "files", "papers", "empty"]
Enters = Callable[[list[str], str, bool], list[str]]


@dataclass(frozen=True)
class Contents:
    """The names of what is visible in a folder, in order.

    Attributes:
        folder: the folder.
        folders: the folders in it.
        pictures: the files whose endings are those of pictures.
        files: the others.
    """

    folder: Path
    folders: tuple[str, ...]
    pictures: tuple[str, ...]
    files: tuple[str, ...]


def look(folder: Path) -> Contents:
    """Return what is in a folder.

    Raises:
        OSError: it cannot be read.
    """
    folders: list[str] = []
    pictures: list[str] = []
    files: list[str] = []
    for entry in visible_entries(folder):
        kind = folders if is_folder(entry) else pictures if looks_like_picture(entry) else files
        kind.append(entry.name)
    return Contents(folder, tuple(folders), tuple(pictures), tuple(files))


def kind_of(folder: Path) -> Kind:
    """Return what is in or below a folder: pictures; no pictures, but files that may be; only papers; or no file.

    Raises:
        OSError: a folder cannot be read.
    """
    found: Kind = "empty"
    for _, entry in walk(folder):
        if looks_like_picture(entry):
            return "pictures"
        if not is_paper(entry.name):
            found = "files"
        elif found == "empty":
            found = "papers"
    return found


def pictures_below(folder: Path) -> list[str]:
    """Return the paths, below a folder, of the pictures in and below it, sorted, with `/` between.

    Raises:
        OSError: a folder cannot be read.
    """
    return sorted(name for name, entry in walk(folder) if looks_like_picture(entry))


def holds_only_folders(folder: Path) -> bool:
    """Return whether there are folders in a folder, without pictures beside them."""
    folders = False
    with os.scandir(folder) as entries:  # not sorted, because a class can have a million pictures
        for entry in filter(is_visible, entries):
            if looks_like_picture(entry):
                return False
            folders = folders or is_folder(entry)
    return folders


def innermost(folder: Path) -> Path:
    """Return the folder that holds the pictures, below single folders."""
    for _ in range(8):
        found = look(folder)
        if found.pictures or len(found.folders) != 1:
            break
        folder /= found.folders[0]
    return folder


def folders_inside(folder: Path) -> tuple[str, ...]:
    """Return the names of the folders with files in a folder, after stepping through single folders."""
    for _ in range(8):
        found = look(folder)
        inside = [name for name in found.folders if kind_of(folder / name) != "empty"]
        if len(inside) != 1 or found.pictures:
            return tuple(inside)
        folder /= inside[0]
    return ()


def _all(names: list[str], above: str, pictures: bool) -> list[str]:
    del above, pictures
    return names


def walk(folder: Path, enters: Enters = _all) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield the path below a folder, with `/` as separator, and the entry of each visible file in and below it.

    The order is not defined. Links are followed, but not in circles.

    Args:
        folder: where to begin.
        enters: receives the names of the folders of a level, the path above them with a `/` at its end, and whether
            there are pictures beside them; returns the folders to go into.
    """
    waiting = [("", str(folder), frozenset({identity(str(folder))}))]
    while waiting:
        above, path, circle = waiting.pop()
        folders = {}
        pictures = False
        with os.scandir(path) as entries:
            for entry in filter(is_visible, entries):
                if is_folder(entry):
                    folders[entry.name] = entry.path
                else:
                    pictures = pictures or looks_like_picture(entry)
                    yield above + entry.name, entry
        numbers = {name: identity(folders[name]) for name in enters(sorted(folders), above, pictures)}
        waiting += [
            (f"{above}{name}/", folders[name], circle | {number})
            for name, number in numbers.items()
            if number not in circle
        ]
