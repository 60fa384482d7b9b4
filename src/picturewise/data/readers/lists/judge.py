"""What a file beside pictures is: a list of them with or without labels, something else worth a note, or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from picturewise.data.hints import NO_HINTS, Hints, option_of
from picturewise.data.readers.lists import records, table
from picturewise.data.readers.lists.labels import find_labels, words_of
from picturewise.data.readers.lists.pictures import Finder, Pictures, SeveralError, split_of_folder
from picturewise.data.readers.lists.remarks import boxes, groups
from picturewise.data.readers.lists.splits import FoundSplits, find_splits, word
from picturewise.data.readers.lists.table import Table, ends_like_picture, is_number
from picturewise.errors import DataError, nearest
from picturewise.names import listed
from picturewise.printable import printable
from picturewise.split_names import SplitName

SPREADSHEETS = frozenset({".xlsx", ".xls", ".xlsm", ".ods", ".numbers"})
PACKED = frozenset({".gz", ".zip", ".bz2", ".xz"})
ENDINGS = table.ENDINGS | records.ENDINGS | SPREADSHEETS
NAMES = (  # names of the column that names the pictures, most usual first
    *(
        "filename",
        "file_name",
        "file",
        "filepath",
        "file_path",
        "path",
        "image",
        "image_id",
        "imageid",
        "image_name",
    ),
    *("image_path", "img", "img_name", "picture", "id", "name"),
)
_WORDS = frozenset({"file", "filename", "path", "image", "images", "img", "picture", "photo", "id", "uuid"})
_LOOKED_AT = 64  # columns
_MANY_NUMBERS = 16  # columns of pixels
_TEXTS = 1000  # strings of a column that are looked up


@dataclass(frozen=True, eq=False)
class PictureList:
    """A list of existing pictures.

    Attributes:
        table: its text.
        finder: finds them.
        name: the column that names them.
        labels: the columns that say the class, see `FoundLabels`; empty: the list does not have labels.
        splits: the columns that say the split.
        split: the split in the name of the file or of its folder.
        by_folder: whether the folders of the pictures say their splits.
        notes: what to tell the user about its columns.
        groups: what to tell the user if splits are held out from it.
        label_folder: whether the folder of a picture is its class.
        doubtful: whether it names pictures by numbers, in a column without a usual name.
        parted_by: lists without labels that say the splits of its pictures.
    """

    table: Table
    finder: Finder
    name: int
    labels: tuple[int, ...]
    splits: FoundSplits
    split: SplitName | None
    by_folder: bool
    notes: tuple[str, ...]
    groups: tuple[str, ...]
    doubtful: bool = False
    label_folder: bool = False
    parted_by: tuple[PictureList, ...] = ()

    @property
    def path(self) -> Path:
        """The file."""
        return self.table.path

    @property
    def labelled(self) -> bool:
        """Whether it says the classes."""
        return bool(self.labels) or self.label_folder

    @property
    def says_splits(self) -> bool:
        """Whether its lines belong to several splits."""
        return self.by_folder or bool(self.splits.columns) or bool(self.parted_by)


@dataclass(frozen=True)
class Aside:
    """A file that is not a usable list; `what` says what it is and what to do."""

    path: Path
    what: str
    is_list: bool = True  # rather than any other table


def judge(path: Path, pictures: Pictures, hints: Hints = NO_HINTS) -> PictureList | Aside | None:
    """Return what a file says about the existing pictures; None: nothing.

    Raises:
        DataError: a column that the user names does not exist.
        OSError: the file cannot be read.
    """
    shown = printable(path)
    if path.suffix.lower() in SPREADSHEETS:
        return Aside(path, f"{shown} is a spreadsheet. Save it as CSV to use it.")
    if path.suffix.lower() in PACKED:
        return Aside(path, f"{shown} is compressed. Unpack it to use it.")
    beside = path.parent.relative_to(pictures.root).as_posix() if path.parent != pictures.root else ""
    split = split_of_list(path, beside)
    finder = Finder(pictures, beside, path.stem.casefold(), split)
    try:
        found = (
            records.look(path)
            if path.suffix.lower() in records.ENDINGS
            else table.look(path, lambda text: _finds(finder, text))
        )
    except records.DetectionError:
        return Aside(
            path,
            f"{shown} describes objects in pictures (COCO), but Picturewise needs one class per picture. Write a "
            "CSV file with the columns filename and label instead.",
        )
    if found is None:
        return None
    if found.columns > _MANY_NUMBERS and all(map(is_number, found.sample[0])):
        what = f"{shown} was not used, because it contains numbers, not file names. To use it, pass the file itself."
        return Aside(path, what, is_list=False)
    return _judge_table(found, finder, split, hints)


def _judge_table(
    found: Table, finder: Finder, split: SplitName | None, hints: Hints
) -> PictureList | Aside | None:
    naming = _naming_columns(found, finder)
    if hints.file_column is not None:
        name = column_called(found, hints.file_column, "file_column")
        more: tuple[str, ...] = ()
    elif not naming:
        return _elsewhere(found, finder)
    else:
        try:
            name, more = _chosen(found, finder, naming)
        except DataError as error:
            return Aside(found.path, str(error))
    finder.learn(_texts(found, name))
    others = [column for column in range(found.columns) if column not in {name, *naming}]
    asked_label = (
        None if hints.label_column is None else column_called(found, hints.label_column, "label_column")
    )
    asked_split = (
        None if hints.split_column is None else column_called(found, hints.split_column, "split_column")
    )
    splits = find_splits(found, [column for column in others if column != asked_label], asked_split)
    left = [column for column in others if column not in splits.looked_at]
    try:
        labels = find_labels(found, left, asked_label, sequences=hints.sequences)
    except DataError as error:
        return Aside(found.path, str(error))
    by_folder = (
        not splits.columns and split is None and _folders_say_splits(found, finder, name, labels.columns)
    )
    unused = [column for column in left if column not in labels.columns]
    return PictureList(
        found, finder, name, labels.columns, splits, split, by_folder,
        (*more, *_on_encoding(found), *splits.notes, *labels.notes, *boxes(found, unused)), groups(found, unused),
        doubtful=_rank(found, name) > len(NAMES) and all(map(is_number, _texts(found, name))),
    )  # fmt: skip


def _on_encoding(found: Table) -> tuple[str, ...]:
    return (
        (f"{found.shown} is not UTF-8, so it was read as Windows-1252.",)
        if found.encoding == table.WINDOWS
        else ()
    )


def column_called(found: Table, text: str, hint: str) -> int:
    """Return the column that the user names: by its name, or by its number if the table has no header.

    Raises:
        DataError: there is no such column.
    """
    names = found.header or tuple(str(place + 1) for place in range(found.columns))
    for same in (str, str.strip, str.casefold):
        for place, name in enumerate(names):
            if same(name) == same(text):
                return place
    numbered = "" if found.header else " (the table has no header)"
    raise DataError(
        f"{found.shown} does not have a column '{printable(text)}' ({option_of(hint)}). Its columns are "
        f"{listed(names)}{numbered}.{nearest(text, names)}"
    )


def split_of_list(path: Path, beside: str = "") -> SplitName | None:
    """Return the split in a file's name, or in the folders that contain it.

    >>> split_of_list(Path("trainLabels.csv")), split_of_list(Path("labels.csv"), "set/test")
    ('train', 'test')
    """
    stem = [*words_of(path.stem), *re.split(r"[-_. ]+", path.stem)]
    return next((split for piece in stem if (split := word(piece)) is not None), None) or (
        split_of_folder(beside) if beside else None
    )


def _finds(finder: Finder, text: str) -> bool:
    """Return whether a string names a picture; a number must match exactly one, because any table can have numbers."""
    try:
        return finder.find(text) is not None
    except SeveralError:
        return not text.isdecimal()


def _texts(found: Table, column: int) -> list[str]:
    """Return some of a column's strings, from the whole sample."""
    texts = [row[column] for row in found.sample if row[column]]
    return texts[:: max(1, len(texts) // _TEXTS)]


def _naming_columns(found: Table, finder: Finder) -> dict[int, float]:
    """Return the columns that name existing pictures, and the share of their strings that do."""
    shares = {}
    for column in range(min(found.columns, _LOOKED_AT)):
        texts = _texts(found, column)
        if not texts:
            continue
        share = sum(_finds(finder, text) for text in texts) / len(texts)
        endings = sum(map(ends_like_picture, texts)) / len(texts)
        apart = len(set(texts)) / len(texts)
        rank = _rank(found, column)
        usual = rank < len(NAMES)
        if found.header is not None and not found.header[column] and all(map(is_number, texts)):
            continue  # the line number
        if (share > 0 and endings > 1 / 2) or (
            apart > 1 / 2 and (share > 1 / 2 or (usual and share > 0.1)) and (usual or len(texts) > 2)
        ):
            shares[column] = share
    return shares


def _rank(found: Table, column: int) -> int:
    if found.header is None:
        return len(NAMES)
    words = words_of(found.header[column])
    joined = "_".join(words) or found.header[column].casefold()
    if joined in NAMES or joined.replace("_", "") in NAMES:
        return NAMES.index(joined if joined in NAMES else joined.replace("_", ""))
    return len(NAMES) + _WORDS.isdisjoint(words)


def _chosen(found: Table, finder: Finder, naming: dict[int, float]) -> tuple[int, tuple[str, ...]]:
    """Return the column that names the pictures, and a note about another column that names other pictures.

    Raises:
        DataError: two columns are equally likely.
    """
    ranked = sorted(naming, key=lambda column: (-round(naming[column], 1), _rank(found, column), column))
    best = ranked[0]
    for other in ranked[1:]:
        if naming[other] < naming[best] - 0.1:
            continue
        pairs = [
            (finder.find_or_none(row[best]), finder.find_or_none(row[other])) for row in found.sample[:_TEXTS]
        ]
        if all(one is None or two is None or one.path == two.path for one, two in pairs):
            continue
        if _rank(found, other) == _rank(found, best):
            raise DataError(
                f"{found.shown} has two columns with file names of pictures, {found.called(best)} and "
                f"{found.called(other)}. Choose one with --file-column."
            )
        if not ends_like_picture(_texts(found, other)[0]):
            continue
        note = (
            f"{found.shown}: the pictures were taken from the column {found.called(best)}. To use the column "
            f"{found.called(other)}, pass --file-column."
        )
        return best, (note,)
    return best, ()


def _elsewhere(found: Table, finder: Finder) -> Aside | None:
    """Return the note about a table that does not name any existing picture."""
    for column in range(min(found.columns, _LOOKED_AT)):
        texts = _texts(found, column)
        if texts and sum(map(ends_like_picture, texts)) > len(texts) / 2:
            return Aside(
                found.path,
                f"{found.shown} lists pictures such as {printable(texts[0])[:200]}, but none of them is in "
                f"{printable(finder.pictures.root)}. Put them in the same folder as the list, or in a folder next to "
                "it.",
            )
    if found.columns > 1 and found.path.suffix.lower() in {".csv", ".tsv", ".jsonl"}:
        return Aside(
            found.path,
            f"{found.shown} does not list any of the pictures in {printable(finder.pictures.root)}. If it is a list "
            "of them, add a column with their file names.",
            is_list=False,
        )
    return None


def _folders_say_splits(found: Table, finder: Finder, name: int, labels: Sequence[int]) -> bool:
    """Return whether a list's pictures are in folders of several splits, each with several classes."""
    seen: dict[SplitName, set[tuple[str, ...]]] = {}
    for row in found.sample:
        match = finder.find_or_none(row[name])
        split = None if match is None else split_of_folder(match.path.rpartition("/")[0])
        if split is not None:
            seen.setdefault(split, set()).add(tuple(row[column] for column in labels))
    return len(seen) > 1 and all(len(classes) > 1 for classes in seen.values())
