"""A CSV file of file names and labels beside a folder of pictures: the usual layout of a Kaggle competition.

`train.csv` or `labels.csv` with a column such as id or filename and one such as label or class; the pictures lie
beside it or in a folder next to it, their names with or without an ending. A file without labels, such as
`test.csv` or a sample submission, is no split.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.labels import MAX_CLASSES
from picturewise.data.contract import Progress, Reading
from picturewise.data.dataset import Skipped
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.pictures.decode import SUFFIXES
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.folder_listing import (
    FolderEntry,
    Listing,
    is_folder,
    looks_like_picture,
    visible_entries,
)
from picturewise.data.readers.listed_pictures import read_listings
from picturewise.errors import DataError, nearest
from picturewise.names import natural_order, slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of
from picturewise.untrusted.regular_file import regular_size

NAME_COLUMNS = (
    *("filename", "file_name", "file", "filepath", "path", "image", "image_id", "imageid", "image_name"),
    *("image_path", "img", "img_name", "picture", "id", "name"),
)
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "category", "target", "breed", "species", "y")
MAX_BYTES = 256 << 20


@dataclass(frozen=True)
class _List:
    """One CSV file: the numbers of its columns, and the folder that its pictures lie in."""

    path: Path
    name: int
    label: int
    columns: int
    folder: Path


@dataclass(frozen=True)
class LabelledFilesReader:
    """Recognised lists of labelled files, see `Reader`."""

    root: Path
    lists: Mapping[SplitName, _List]
    hints: Hints = NO_HINTS

    @property
    def name(self) -> str:
        """The folder's name, or the list's."""
        return slug(self.root if self.root.is_dir() else self.root.with_suffix(""))

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that the lists' names say."""
        return tuple(split for split in SPLITS if split in self.lists)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The split's list and train's, and the folders of their pictures."""
        lists = (self.lists[split], self.lists[self.splits[0]])
        return tuple(dict.fromkeys(place for found in lists for place in (found.path, found.folder)))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read` and `read_listings`."""
        asked = [split for split in self.splits if split in splits]
        first = self.splits[0]
        listings = {split: _listing(self.lists[split]) for split in dict.fromkeys([first, *asked])}
        classes = listings[first].classes
        if not 2 <= len(classes) <= MAX_CLASSES:
            raise DataError(
                f"{printable(self.lists[first].path)} holds {len(classes):,} different labels, expected 2 to "
                f"{MAX_CLASSES:,} classes."
            )
        for split, listing in listings.items():
            for name in listing.classes:
                if name not in classes:
                    raise DataError(
                        f"{printable(self.lists[split].path)} holds the class '{name}', which "
                        f"{printable(self.lists[first].path.name)} does not have.{nearest(name, classes)}"
                    )
        places = {split: printable(found.path) for split, found in self.lists.items()}
        return read_listings(
            listings,
            asked,
            places,
            printable(self.root),
            options,
            progress,
            allocate,
            said=self.hints.value_range,
        )


def recognise(path: Path) -> LabelledFilesReader | None:
    """Return the source for lists at `path`, a folder or one CSV file; None where there are none with pictures.

    Raises:
        DataError: there are two lists for one split, or the only one lacks a column.
        OSError: the folder or a file cannot be read.
    """
    if not path.is_dir():
        if path.suffix.lower() != ".csv":
            return None
        found = _list(path)
        if found is None:
            _refuse_half(path)
            return None
        return LabelledFilesReader(path, {_split(path) or "train": found})
    lists: dict[SplitName, _List] = {}
    for entry in visible_entries(path):
        if not entry.name.lower().endswith(".csv") or "submission" in entry.name.lower():
            continue
        found = _list(path / entry.name)
        if found is None:
            continue
        split = _split(found.path) or "train"
        if split in lists:
            raise DataError(
                f"{printable(path)} holds two lists of pictures for one split, "
                f"{printable(lists[split].path.name)} and {printable(entry.name)}, expected one; name it."
            )
        lists[split] = found
    if (
        not lists and sum(map(is_folder, visible_entries(path))) < 2
    ):  # so there are no folders of classes either
        for entry in visible_entries(path):
            if entry.name.lower().endswith(".csv"):
                _refuse_half(path / entry.name)
    return LabelledFilesReader(path, lists) if lists else None


def _split(path: Path) -> SplitName | None:
    words = re.split(r"[-_. ]+", path.stem)
    return next((split for word in words if (split := split_of(word)) is not None), None)


def _list(path: Path) -> _List | None:
    """Return how a list is laid out, or None where a file is none or its first picture is nowhere."""
    header = _header(path)
    name, label = _place(header, NAME_COLUMNS), _place(header, LABEL_COLUMNS)
    if name is None or label is None:
        return None
    layout = _List(path, name, label, len(header), path.parent)
    first = next(_rows(layout), None)
    if first is None:
        return None
    for folder in _folders(path):
        if _find(first[1], folder, None) is not None:
            return _List(path, name, label, len(header), folder)
    return None


def _header(path: Path) -> list[str]:
    """Return the names of a list's columns, none where a file is no list."""
    if regular_size(path) is None:
        return []
    with path.open("rb") as file:
        start = file.readline(1 << 16)
    if b"\0" in start or not start.endswith(b"\n"):
        return []
    return [cell.strip().strip('"').lower() for cell in start.decode("utf-8-sig", "replace").split(",")]


def _place(header: list[str], words: tuple[str, ...]) -> int | None:
    return next((header.index(word) for word in words if word in header), None)


def _refuse_half(path: Path) -> None:
    """Refuse a list that has names of pictures that are there, but no labels, or labels, but no names."""
    header = _header(path)
    name, label = _place(header, NAME_COLUMNS), _place(header, LABEL_COLUMNS)
    if (name is None) == (label is None):
        return
    what = "file names" if name is None else "labels"
    words = NAME_COLUMNS if name is None else LABEL_COLUMNS
    try:
        first = None if name is None else next(_rows(_List(path, name, name, len(header), path.parent)), None)
    except DataError:  # a table of something else
        return
    if any(_index(folder) if first is None else _find(first[1], folder, None) for folder in _folders(path)):
        shown = ", ".join(printable(cell)[:40] for cell in header[:10])
        raise DataError(
            f"{printable(path)} has the columns {shown}, and none of {what} among them, expected one named "
            f"{', '.join(words)}."
        )


def _folders(path: Path) -> list[Path]:
    """Return where the pictures of a list can be: beside it, then in folders, those named like it first."""
    split = _split(path) or "train"
    folders = [entry.name for entry in visible_entries(path.parent) if is_folder(entry)]
    folders.sort(key=lambda name: (name != path.stem, _split(Path(name)) != split))
    return [path.parent, *(path.parent / name for name in folders)]


def _find(name: str, folder: Path, index: Mapping[str, Path] | None) -> Path | None:
    """Return the picture of that name, with or without its ending, in a folder; `index`: what is there."""
    pure = PurePosixPath(name.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or "\0" in name:
        return None
    if len(pure.parts) == 1:
        return (_index(folder) if index is None else index).get(name)
    for ending in ("", *sorted(SUFFIXES)):
        path = folder / (str(pure) + ending)
        if path.suffix.lower() in SUFFIXES and path.is_file():
            return path
    return None


def _index(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by their names, and by their names without ending."""
    pictures = [Path(entry.path) for entry in visible_entries(folder) if looks_like_picture(entry)]
    return {path.stem: path for path in pictures} | {path.name: path for path in pictures}


def _listing(layout: _List) -> Listing:
    """Return the files and labels of a list, none of them opened."""
    shown, index = printable(layout.path), _index(layout.folder)
    seen: dict[str, int] = {}
    entries, bad, classes = [], [], set()
    for line, name, label in _rows(layout):
        if name in seen:
            raise DataError(
                f"{shown}, line {line:,}: '{printable(name)[:80]}' stands in line {seen[name]:,} already, "
                "expected each picture once."
            )
        seen[name] = line
        class_name = printable(label)
        classes.add(class_name)
        path = _find(name, layout.folder, index)
        if path is None:
            where = printable(layout.folder.name)
            bad.append(
                Skipped(printable(name)[:200], f"named in line {line:,} of {shown}, but not in {where}")
            )
        else:
            entries.append(
                FolderEntry(path, printable(os.fspath(path.relative_to(layout.path.parent))), class_name)
            )
    entries.sort(key=lambda entry: entry.name)
    return Listing(tuple(sorted(classes, key=natural_order)), tuple(entries), tuple(bad))


def _rows(layout: _List) -> Iterator[tuple[int, str, str]]:
    """Yield the line number, the file name and the label of each line below the first.

    Raises:
        DataError: a line has another number of columns, or no name or label; the message names it.
    """
    shown = printable(layout.path)
    if layout.path.stat().st_size > MAX_BYTES:
        raise DataError(f"{shown} is too large for a list of pictures, expected at most {MAX_BYTES:,} bytes.")
    with layout.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file)
        try:
            for row in reader:
                if not row or reader.line_num == 1:
                    continue
                if len(row) != layout.columns:
                    raise DataError(
                        f"{shown}, line {reader.line_num:,}: {len(row):,} columns, expected {layout.columns} as in the "
                        "first line."
                    )
                name, label = row[layout.name].strip(), row[layout.label].strip()
                if not name or not label or len(label) > 200:
                    raise DataError(
                        f"{shown}, line {reader.line_num:,}: the name is '{printable(name)[:80]}' and the label "
                        f"'{printable(label)[:80]}', expected both, the label in at most 200 characters."
                    )
                yield reader.line_num, name, label
        except csv.Error as error:
            raise DataError(f"{shown}, line {reader.line_num:,}: {error}.") from error
