"""Notes about unused files and folders beside folders of pictures, so that nothing is ignored silently."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path

from picturewise.data.readers.folders.contents import Contents, innermost, look, pictures_below
from picturewise.data.readers.folders.words import means_annotations
from picturewise.names import listed, pictures
from picturewise.printable import printable
from picturewise.split_names import split_in, word_set, words_of
from picturewise.untrusted.regular_file import regular_size

_MOST = 4  # notes about one folder
_START = 1 << 16  # bytes of a file that are looked at
_TABLES = frozenset({".csv", ".tsv"})
_READ_BY_NAME = frozenset({".npz", ".h5", ".hdf5", ".parquet", ".pkl", ".pickle"})
_DATA = frozenset(
    {".json", ".jsonl", ".ndjson", ".xml", ".xls", ".xlsx", ".ods", ".mat", ".npy", ".db", ".sqlite"}
)
_TEXTS = frozenset({".txt", ".lst", ".list", ".names", ""})
_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz"})
_UNREAD = frozenset(
    {".heic", ".heif", ".avif", ".svg", ".psd", ".dng", ".cr2", ".nef", ".dcm", ".jp2", ".exr", ".ico"}
)
_ABOUT = word_set(
    "readme license licence licenses copying notice changelog citation authors credits about attribution "
    "terms info source sources requirements version contact agreement makefile dockerfile"
)
_LISTS = word_set("split splits list lists fold folds annotation annotations label labels bbox boxes")
_NAMES = word_set("classes class names synset synsets wnids words mapping categories")
_PICTURE_NAME = re.compile(r"[\w/\\ .()-]+\.(?:jpe?g|png|gif|webp|bmp|tiff?|ppm|pgm)\b", re.IGNORECASE)
_MOVE = "To use such splits, move the pictures into train/<class> and test/<class>."


def notes_on(here: Contents, root: Path, papers: Collection[str], classes: Collection[str] = ()) -> list[str]:
    """Return a note for each file and folder without pictures that may say something about the pictures.

    Texts about the whole set, programs and archives are not among them.

    Args:
        here: what is in the folder.
        root: the source; names are relative to it.
        papers: the folders in it that hold files, but no pictures.
        classes: the names of the class folders, if they are here: a file that only lists them says nothing new.
    """
    found = [*_on_folders(here, root, papers), *_on_files(here, root, classes)]
    more = [name for name, _ in found[_MOST:]]
    notes = [note for _, note in found[:_MOST]]
    return [*notes, f"{listed(more)} {_were(more)} also not used."] if more else notes


def aside(folder: Path, root: Path) -> str:
    """Return the note about a folder of masks or other pictures that annotate others."""
    count = len(pictures_below(folder))
    if not count:
        return _on_folder(folder, root)
    shown = f"{below(folder, root)} ({pictures(count)})"
    return f"The folder {shown} was not used, because it seems to contain masks or annotations."


def unlabelled(folder: Path, root: Path, split: str) -> str:
    """Return the note about a split's folder whose pictures do not have classes."""
    inner = innermost(folder)
    count, name = len(pictures_below(folder)), {"valid": "validation"}.get(split, split)
    lists = [
        below(place / file, root) for place in dict.fromkeys((folder, inner)) for file in _lists(look(place))
    ]
    may = f" {listed(lists)} may contain their classes, but {_were(lists)} not used." if lists else ""
    return (
        f"The folder {below(inner, root)} contains {pictures(count)} without classes, so it was not used as the "
        f"{name} split.{may} Classify these pictures with: picturewise predict RUN {shlex.quote(printable(inner))}"
    )


def strays(here: Contents, root: Path) -> list[str]:
    """Return the note about pictures above the class folders, if there are any."""
    if not here.pictures:
        return []
    count, first = len(here.pictures), below(here.folder / here.pictures[0], root)
    if count == 1:
        return [f"The picture {first} is outside the class folders and was not used."]
    return [f"{count:,} pictures are outside the class folders and were not used; the first is {first}."]


def below(path: Path, root: Path) -> str:
    """Return a path below the source, safe to print; for the source itself, its name."""
    return printable(path.name if path == root else path.relative_to(root).as_posix())


def tables_in(here: Contents) -> list[str]:
    """Return the names of the tables and lists in a folder that may hold labels."""
    return [name for name in here.files if _ending(name) in _TABLES | _DATA and not _is_about(name)]


def _lists(here: Contents) -> list[str]:
    texts = [name for name in here.files if _ending(name) in _TEXTS and not _LISTS.isdisjoint(words_of(name))]
    return [*tables_in(here), *texts]


def _on_folders(here: Contents, root: Path, papers: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in papers:
        yield below(here.folder / name, root), _on_folder(here.folder / name, root)


def _on_folder(folder: Path, root: Path) -> str:
    inside = look(folder)
    names = [*inside.files, *(f"{name}/" for name in inside.folders)]
    what = "annotations" if means_annotations(folder.name) else "files"
    note = f"The folder {below(folder, root)} was not used, because it contains {what} ({_few(names)}) but no pictures."
    return f"{note} {_MOVE}" if any(_names_a_split(name) for name in inside.files) else note


def _on_files(here: Contents, root: Path, classes: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in here.files:
        ending, path = _ending(name), here.folder / name
        shown = below(path, root)
        if _is_about(name):
            continue
        if ending in _TABLES:
            yield shown, _on_table(path, shown)
        elif ending in _READ_BY_NAME:
            unused = f"{shown} was not used, because the classes are taken from the folders."
            yield shown, f"{unused} To use it instead, pass {printable(path)}."
        elif ending in _DATA:
            yield (
                shown,
                f"{shown} was not used, because the classes are taken from the folders.",
            )
        elif ending in _TEXTS and (note := _on_text(path, shown, classes)):
            yield shown, note
        elif ending in _UNREAD:
            yield shown, f"{shown} was not used, because it is outside the class folders."
        elif ending in _ARCHIVES and _names_a_split(name) and not _unpacked(name, here):
            yield shown, f"{shown} was not used. If its pictures belong to the data set, unpack it."


def _on_table(path: Path, shown: str) -> str:
    if "submission" in shown.casefold():
        return f"{shown} was not used, because it looks like a sample submission without real labels."
    text = _start(path)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    columns = [cell.strip().strip('"').strip()[:40] for cell in first.split(delimiter)]
    has = f" (columns {_few(columns)})" if any(cell and not _is_number(cell) for cell in columns) else ""
    pictures = " lists pictures, but" if _PICTURE_NAME.search(text) else ""
    return (
        f"{shown}{has}{pictures} was not used, because the classes are taken from the folders. To use its labels, pass "
        f"{printable(path)} with --file-column and --label-column."
    )


def _on_text(path: Path, shown: str, classes: Collection[str]) -> str | None:
    words, text = set(words_of(path.stem)), _start(path)
    lines = {line.strip() for line in text.splitlines()} - {""}
    if not lines or lines == set(classes):
        return None
    if _names_a_split(path.name) or words & {"split", "splits", "fold", "folds"}:
        return f"{shown} seems to list the pictures of a split, but was not used. {_MOVE}"
    if words & _NAMES and any(name in line for line in lines for name in list(classes)[:1]):
        return (
            f"{shown} seems to list the class names, but was not used, because the class names are taken from the "
            "folders."
        )
    if _PICTURE_NAME.search(text) or words & _LISTS:
        return (
            f"{shown} seems to list pictures or labels, but was not used, because the classes are taken from the "
            "folders."
        )
    return None


def _start(path: Path) -> str:
    """Return the first characters of a text file, or "" if it is not a text file."""
    try:
        if regular_size(path) is None:
            return ""
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        return ""
    return "" if b"\0" in start else start.decode("utf-8-sig", "replace")


def _unpacked(name: str, here: Contents) -> bool:
    return any(name.startswith(folder + ".") for folder in here.folders)


def _names_a_split(name: str) -> bool:
    return split_in(name.partition(".")[0]) is not None or not {"split", "splits"}.isdisjoint(words_of(name))


def _is_about(name: str) -> bool:
    return any(word in _ABOUT for word in words_of(name))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 (names, not paths)


def _few(names: Collection[str]) -> str:
    shown = [printable(name)[:40] for name in list(names)[:3]]
    return ", ".join(shown) + (", …" if len(names) > 3 else "")


def _were(names: Collection[str]) -> str:
    return "were" if len(names) > 1 else "was"
