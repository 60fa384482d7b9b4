"""Which files are lists of pictures, which split each belongs to, and when class folders are used instead."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from picturewise.data.arrays.symbols import OPTIONS, refuse_if_ambiguous
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.readers.folder_listing import is_folder
from picturewise.data.readers.lists.class_folders import (
    PICTURE_WORDS,
    any_list,
    parted,
    saying_more,
    splits_of_folders,
    train_folder,
)
from picturewise.data.readers.lists.judge import ENDINGS, PACKED, SPREADSHEETS, Aside, PictureList, judge
from picturewise.data.readers.lists.labels import words_of
from picturewise.data.readers.lists.pictures import Pictures
from picturewise.data.readers.lists.reader import ListReader, top_folder
from picturewise.data.readers.lists.rows import splits_of
from picturewise.data.readers.lists.splits import FoundSplits, word
from picturewise.errors import DataError
from picturewise.names import listed
from picturewise.printable import printable
from picturewise.split_names import SplitName, split_of

_COLUMNS = ("label_column", "file_column", "split_column")
_OBEYED = (*_COLUMNS, "value_range", "target")
_DEEPEST = 3  # levels of folders in which lists are searched for
_MOST_OF_A_KIND = 16  # files with one ending in a folder: if there are more, each describes one picture
_MOST_ABOVE = 200_000  # files in the folder above that of a list
_MOST_BESIDE = 2_000_000
_LIST_WORDS = frozenset(
    {"label", "labels", "list", "metadata", "annotation", "annotations", "class", "classes"}
)


def recognise(path: Path, hints: Hints = NO_HINTS) -> ListReader | None:
    """Return the source for lists at `path`, a folder or one list; None if there are no lists of pictures.

    Raises:
        DataError: there are several lists for one split, or the only one cannot be used.
        OSError: the folder or a file cannot be read.
    """
    columns = _columns(hints)
    if path.is_dir():
        found = _in_folder(path, columns, last=False)
    else:
        found = _single(path, columns) if path.suffix.lower() in ENDINGS else None
    return None if found is None else replace(found, hints=hints.only(*_OBEYED))


def refuse_unused(path: Path, hints: Hints = NO_HINTS) -> None:
    """Refuse a folder of pictures whose only list cannot be used, if nothing else says their classes.

    Raises:
        DataError: there is such a list; the message says what is wrong with it.
        OSError: the folder or a file cannot be read.
    """
    if path.is_dir():
        _in_folder(path, _columns(hints), last=True)


def _columns(hints: Hints) -> Hints:
    """Return the hints that say what the columns are: their names, and that one holds sequences."""
    return hints.only(*_COLUMNS, *(("target",) if hints.sequences else ()))


def _single(path: Path, hints: Hints) -> ListReader | None:
    """Return the source for one list, whose pictures are in its folder or in folders beside that."""
    if not path.is_file():
        return None
    pictures = Pictures(path.parent, _MOST_BESIDE)
    found = judge(path, pictures, hints)
    if not isinstance(found, PictureList) and _can_look_above(path, found):
        above = Pictures(path.absolute().parent.parent, _MOST_ABOVE)
        again = judge(path.absolute(), above, hints) if above.whole else None
        if isinstance(again, PictureList):
            found, pictures = again, above
    if isinstance(found, Aside):
        if found.is_list:
            raise DataError(found.what)
        return None
    if found is None:
        return None
    scope = (path, *_folders_of(pictures, found))
    if found.labelled:
        return ListReader(path, pictures, dict.fromkeys(splits_of(found), found), (), scope)
    found = replace(found, split="train", splits=FoundSplits(), by_folder=False)
    others = [found.table.called(column) for column in range(found.table.columns) if column != found.name]
    lacks = (
        f"none of the columns {listed(others)} repeats"
        if len(others) > 1
        else f"the column {listed(others)} does not repeat"
    )
    note = (
        f"{found.table.shown}: {lacks} a small number of values, as labels do. Choose the column of labels with "
        f"--label-column{_or_sequences(found)}."
    )
    return ListReader(path, pictures, {"train": found}, (), scope, (note,) if others else ())


def _or_sequences(found: PictureList) -> str:
    """Return the option for a list of numbers, if there is a column of numbers without a decimal point."""
    rows = found.table.sample
    others = [column for column in range(found.table.columns) if column != found.name]
    numbers = any(all(row[column].isdecimal() for row in rows) for column in others)
    return ", pass --target sequence for numbers that are read digit by digit" if numbers else ""


def _can_look_above(path: Path, found: Aside | None) -> bool:
    above = path.absolute().parent.parent
    return (
        isinstance(found, Aside)
        and found.is_list
        and path.suffix.lower() not in SPREADSHEETS
        and above != above.parent
    )


def _folders_of(pictures: Pictures, found: PictureList) -> tuple[Path, ...]:
    """Return the folders beside a list that hold the pictures of its sample; other files there do not belong to it."""
    matches = (found.finder.find_or_none(row[found.name]) for row in found.table.sample)
    tops = sorted({top_folder(match.path) for match in matches if match is not None})
    return (pictures.root,) if "" in tops else tuple(pictures.root / top for top in tops)


def _in_folder(root: Path, hints: Hints, *, last: bool) -> ListReader | None:
    files = _list_files(root)
    if not files:
        return None
    pictures = Pictures(root)
    if not pictures.paths:
        return None
    judged = [_judged(file, pictures, hints) for file in files if not _is_of_one_picture(file, pictures)]
    lists = [found for found, _ in judged if isinstance(found, PictureList)]
    asides = [found for found, _ in judged if isinstance(found, Aside)]
    labelled = [
        found for found, lacks in judged if isinstance(found, PictureList) and found.labelled and not lacks
    ]
    if not hints.given():
        labelled = saying_more(labelled, pictures) or ([] if any_list(asides) else splits_of_folders(lists))
    if not labelled:
        if last:
            _refuse(pictures, lists, [lacks for _, lacks in judged if lacks], asides)
        return None
    labelled = parted(labelled, [found for found in lists if not found.labelled])
    chosen, notes = _chosen(labelled, root)
    if chosen is None:
        return None
    used = {found.path for one in chosen.values() for found in (one, *one.parted_by)}
    others = tuple(found for found in lists if found.path not in used and not found.labelled)
    train = None if "train" in chosen else train_folder(root, set(chosen.values()), pictures)
    if train is not None:
        others = tuple(found for found in others if not found.path.is_relative_to(train))
    notes += [_left_over(found, chosen) for found in others]
    notes += [aside.what for aside in asides]
    said = tuple(note for note in notes if note)
    return ListReader(root, pictures, chosen, others, (root,), said, train_folder=train)


def _judged(file: Path, pictures: Pictures, hints: Hints) -> tuple[PictureList | Aside | None, str]:
    """Return what `judge` returns and, if the file does not have a column that the user names, a sentence about that.

    Such a column must be in one of the files, not in all.
    """
    try:
        return judge(file, pictures, hints), ""
    except DataError as error:
        return judge(file, pictures), str(error)


def _list_files(root: Path) -> list[Path]:
    """Return the files that could be lists, sorted by path, the highest folders first."""
    found: list[Path] = []
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop(0)
        inside: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                stem, ending = os.path.splitext(name)  # noqa: PTH122 (a million of them)
                if ending.lower() in ENDINGS or (
                    ending.lower() in PACKED and Path(stem).suffix.lower() in ENDINGS
                ):
                    if not is_folder(entry):
                        inside.append(name)
                elif depth < _DEEPEST and is_folder(entry):
                    waiting.append((folder / name, depth + 1))
        found += [folder / name for name in _few(sorted(inside))]
    return sorted(found, key=lambda path: (len(path.parts), path))


def _few(names: list[str]) -> list[str]:
    """Return the names of a folder's files without files for single pictures and sample submissions."""
    kinds = Counter(os.path.splitext(name)[1].lower() for name in names)  # noqa: PTH122
    return [
        name
        for name in names
        if "submission" not in name.lower()
        and not (os.path.splitext(name)[1].lower() in PACKED and os.path.splitext(name)[0] in names)  # noqa: PTH122
        and (
            kinds[os.path.splitext(name)[1].lower()] <= _MOST_OF_A_KIND  # noqa: PTH122
            or any(piece in _LIST_WORDS or word(piece) for piece in words_of(name))
        )
    ]


def _is_of_one_picture(file: Path, pictures: Pictures) -> bool:
    return file.suffix.lower() in {".txt", ".json"} and bool(pictures.of_stem(file.stem.casefold()))


def _chosen(
    lists: Sequence[PictureList], root: Path
) -> tuple[dict[SplitName, PictureList] | None, list[str]]:
    """Return the list of each split, and notes about other lists.

    Raises:
        DataError: there are two lists for one split.
    """
    notes: list[str] = []
    named = [found for found in lists if found.split is not None and not found.says_splits]
    plain = [found for found in lists if found.split is None and not found.says_splits]
    if plain and any(found.split == "train" for found in named):
        classes = {row[column] for found in named for row in found.table.sample for column in found.labels}
        notes += [_extra(found, classes) for found in plain]
        lists = [found for found in lists if found not in plain]
    chosen: dict[SplitName, PictureList] = {}
    for found in lists:
        for split in splits_of(found):
            other = chosen.setdefault(split, found)
            if other is not found and not _alike(other, found):
                raise DataError(
                    f"{printable(root)} contains two lists of pictures for {split}: {_below(other.path, root)} and "
                    f"{_below(found.path, root)}. Pass the one to use, or move the other to another folder."
                )
    return chosen or None, notes


def _extra(found: PictureList, classes: set[str]) -> str:
    """Return a note about a list that is not one of the splits' lists."""
    for column in range(found.table.columns if len(found.table.sample) <= len(classes) else 0):
        if {row[column] for row in found.table.sample} <= classes:
            return f"{found.table.shown} seems to list the class names, but was not used."
    return f"{found.table.shown} also lists these pictures, but was not used. Pass the file itself to use it."


def _below(path: Path, root: Path) -> str:
    return printable(path.relative_to(root).as_posix())


def _alike(one: PictureList, other: PictureList) -> bool:
    """Return whether two lists say the same, for example one in CSV and one in JSON."""
    said = []
    for found in (one, other):
        matches = ((found.finder.find_or_none(row[found.name]), row) for row in found.table.sample)
        said.append(
            {
                match.path: [row[column] for column in found.labels]
                for match, row in matches
                if match is not None
            }
        )
    return said[0] == said[1] and one.label_folder == other.label_folder


def _left_over(found: PictureList, chosen: dict[SplitName, PictureList]) -> str:
    """Return a note about a list without labels, unless another list has the labels of its split."""
    if found.split in chosen or (found.split is None and not found.table.columns > 1):
        return ""
    split = f", so it was not used as the {found.split} split" if found.split else ", so it was not used"
    return (
        f"{found.table.shown} does not have labels{split}. Classify its pictures with: picturewise predict RUN "
        f"{found.table.shown}"
    )


def _refuse(
    pictures: Pictures, lists: Sequence[PictureList], lacks: Sequence[str], asides: Sequence[Aside]
) -> None:
    """Refuse the first list that cannot be used, unless there are folders that may be classes."""
    if lacks:
        raise DataError(lacks[0])
    folders = {name.casefold() for path in pictures.paths for name in path.split("/")[:-1]}
    if len({name for name in folders if split_of(name) is None and name not in PICTURE_WORDS}) > 1:
        return
    if any_list(asides):
        raise DataError(next(aside.what for aside in asides if aside.is_list))
    for found in lists:
        for column in range(found.table.columns):
            if column != found.name:
                values = {row[column] for row in found.table.sample} - {""}
                refuse_if_ambiguous(values, found.table.shown, options=OPTIONS)
    if lists:
        found = lists[0]
        names = ", ".join(printable(name)[:40] for name in (found.table.header or ())[:10])
        has = f"has the columns {names}" if names else f"has {found.table.columns} columns"
        raise DataError(
            f"{found.table.shown} {has}, but none of them repeats a small number of values, as labels do. Choose the "
            f"column of labels with --label-column{_or_sequences(found)}, or run predict on the pictures."
        )
