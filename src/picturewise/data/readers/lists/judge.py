"""What a file beside pictures is: a list of them with labels or without, something else that matters, or nothing."""

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
NAMES = (  # of the column that names the pictures, the most usual one first
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
_TEXTS = 1000  # of a column that are looked up


@dataclass(frozen=True, eq=False)
class PictureList:
    """A list of pictures that are there.

    Attributes:
        table: its text.
        finder: finds them.
        name: the column that names them.
        labels: the columns that say the class, see `FoundLabels`; none: it has no labels.
        splits: the columns that say the split.
        split: which split the file's name, or its folder's, says.
        by_folder: whether the folders of the pictures say their splits.
        notes: what is worth saying about its columns.
        groups: what is worth saying where pictures are held out from it.
        label_folder: whether the folder of a picture is its class.
        doubtful: whether it names pictures by numbers, in a column that is not called as such ones are.
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
    """A file that is no list that can be used, and in words what it is and what could be done."""

    path: Path
    what: str
    is_list: bool = True  # rather than any other table


def judge(path: Path, pictures: Pictures, hints: Hints = NO_HINTS) -> PictureList | Aside | None:
    """Return what a file is to the pictures that there are; None: nothing.

    Raises:
        DataError: a column that the user names is not there.
        OSError: the file cannot be read.
    """
    shown = printable(path)
    if path.suffix.lower() in SPREADSHEETS:
        return Aside(path, f"{shown} is a spreadsheet. Save it as CSV to use it.")
    if path.suffix.lower() in PACKED:
        return Aside(path, f"{shown} is packed. Unpack it to use it.")
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
            f"{shown} describes objects in pictures, as COCO does; Picturewise learns one class per picture. Write a "
            "CSV file with the columns filename and label to use it.",
        )
    if found is None:
        return None
    if found.columns > _MANY_NUMBERS and all(map(is_number, found.sample[0])):
        what = (
            f"{shown} holds numbers, not names of pictures, and was not used. Pass the file itself to use it."
        )
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
        labels = find_labels(found, left, asked_label)
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
    """Return the column that a user names: by its name, or by its number where no line names the columns.

    Raises:
        DataError: there is none.
    """
    names = found.header or tuple(str(place + 1) for place in range(found.columns))
    for same in (str, str.strip, str.casefold):
        for place, name in enumerate(names):
            if same(name) == same(text):
                return place
    numbered = "" if found.header else " (no line names the columns)"
    raise DataError(
        f"{found.shown} does not have the column '{printable(text)}' of {option_of(hint)}; it has {listed(names)}"
        f"{numbered}.{nearest(text, names)}"
    )


def split_of_list(path: Path, beside: str = "") -> SplitName | None:
    """Return the split that a file's name says, or the folders that it lies in.

    >>> split_of_list(Path("trainLabels.csv")), split_of_list(Path("labels.csv"), "set/test")
    ('train', 'test')
    """
    stem = [*words_of(path.stem), *re.split(r"[-_. ]+", path.stem)]
    return next((split for piece in stem if (split := word(piece)) is not None), None) or (
        split_of_folder(beside) if beside else None
    )


def _finds(finder: Finder, text: str) -> bool:
    """Return whether a text means a picture; a mere number must mean one alone, for any table can have numbers."""
    try:
        return finder.find(text) is not None
    except SeveralError:
        return not text.isdecimal()


def _texts(found: Table, column: int) -> list[str]:
    """Return some of a column's texts, from the whole sample."""
    texts = [row[column] for row in found.sample if row[column]]
    return texts[:: max(1, len(texts) // _TEXTS)]


def _naming_columns(found: Table, finder: Finder) -> dict[int, float]:
    """Return the columns that name pictures that are there, and the share of their texts that do."""
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
            continue  # the number of the line
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
    """Return the column that names the pictures, and a note about another that names other ones.

    Raises:
        DataError: nothing decides between two.
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
                f"{found.shown} names pictures in the columns {found.called(best)} and {found.called(other)}. Choose "
                "one with --file-column."
            )
        if not ends_like_picture(_texts(found, other)[0]):
            continue
        note = (
            f"{found.shown}: the pictures are those of the column {found.called(best)}; {found.called(other)} names "
            "others, which --file-column uses."
        )
        return best, (note,)
    return best, ()


def _elsewhere(found: Table, finder: Finder) -> Aside | None:
    """Return what to say about a table that names no picture that is there."""
    for column in range(min(found.columns, _LOOKED_AT)):
        texts = _texts(found, column)
        if texts and sum(map(ends_like_picture, texts)) > len(texts) / 2:
            return Aside(
                found.path,
                f"{found.shown} names pictures such as {printable(texts[0])[:200]}, and none of them lies below "
                f"{printable(finder.pictures.root)}. Put them beside the list or into a folder next to it.",
            )
    if found.columns > 1 and found.path.suffix.lower() in {".csv", ".tsv", ".jsonl"}:
        return Aside(
            found.path,
            f"{found.shown} names none of the pictures below {printable(finder.pictures.root)}. If it is a list of "
            "them, give it a column with their file names.",
            is_list=False,
        )
    return None


def _folders_say_splits(found: Table, finder: Finder, name: int, labels: Sequence[int]) -> bool:
    """Return whether a list's pictures lie in folders of several splits, which hold several classes each."""
    seen: dict[SplitName, set[tuple[str, ...]]] = {}
    for row in found.sample:
        match = finder.find_or_none(row[name])
        split = None if match is None else split_of_folder(match.path.rpartition("/")[0])
        if split is not None:
            seen.setdefault(split, set()).add(tuple(row[column] for column in labels))
    return len(seen) > 1 and all(len(classes) > 1 for classes in seen.values())
