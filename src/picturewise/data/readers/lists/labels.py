"""Which column of a list says the class: found by its values, and by its name if several are possible."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from picturewise.data.readers.lists.table import Table, is_number
from picturewise.errors import DataError
from picturewise.names import listed
from picturewise.printable import printable

NAMES = (  # most usual first
    *(
        "label",
        "labels",
        "class",
        "class_name",
        "classname",
        "category",
        "target",
        "breed",
        "species",
        "diagnosis",
    ),
    *("dx", "fine_label", "ground_truth", "y"),
)
NUMBER_NAMES = (  # of the column with sequences, most usual first
    *(
        "number",
        "numbers",
        "text",
        "transcription",
        "sequence",
        "digits",
        "string",
        "reading",
        "plate",
        "code",
    ),
)
_WORDS = frozenset(
    {
        "label",
        "labels",
        "class",
        "classes",
        "category",
        "categories",
        "target",
        "breed",
        "species",
        "diagnosis",
        "gt",
    }
)
_SEVERAL = frozenset({"labels", "tags", "classes", "categories", "attributes", "targets", "findings"})
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "<na>", "unlabeled", "unlabelled"})
DOUBTFUL = frozenset({"unknown", "none", "?", "-", "undefined", "unsure", "todo"})
_MOST_MEASURED = 10  # different numbers, some not whole, that can still be classes
_MOST_NUMBERS = 1000  # different numbers in a column of labels without a usual name
_GROUPS = (
    "patient patients subject person lesion case study series source video clip session group individual donor slide "
    "scan sequence track animal writer speaker"
)
_BOXES = "xmin ymin xmax ymax x1 y1 x2 y2 x y w h bbox box width height roi left top right bottom"
GROUP_WORDS, BOX_WORDS = frozenset(_GROUPS.split()), frozenset(_BOXES.split())


@dataclass(frozen=True)
class FoundLabels:
    """The columns that say the class: one column; several of ones and zeros, one for each class; or none."""

    columns: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def is_missing(text: str) -> bool:
    """Return whether a cell means that there is no label."""
    return text.casefold() in _MISSING


def words_of(name: str) -> list[str]:
    """Return the words of a column's name, in lower case.

    >>> words_of("ClassId"), words_of("image_label")
    (['class', 'id'], ['image', 'label'])
    """
    return [piece.casefold() for piece in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", name)]


def find_labels(
    table: Table, others: Sequence[int], chosen: int | None, *, sequences: bool = False
) -> FoundLabels:
    """Return which columns say the class.

    Args:
        table: the list.
        others: its columns without those that name the pictures or say the split.
        chosen: the column that the user names; None: it is found automatically.
        sequences: the labels are sequences of symbols, so they need not repeat.

    Raises:
        DataError: several columns are possible, or a picture has several labels.
    """
    if chosen is not None:
        return FoundLabels((chosen,))
    if sequences:
        return _find_sequences(table, others)
    columns = {column: Column(table, column) for column in others}
    usual = sorted(
        (column for column in columns.values() if column.rank < len(NAMES) and not column.tells_each_apart),
        key=lambda column: column.rank,
    )
    if usual:
        found = _preferred(usual[0], columns.values())
        _check_not_measured(table, found)
        alike = [other for other in columns.values() if other.named and other is not found]
        return FoundLabels((found.place,), (*_several(table, found), *_left(table, found, alike)))
    flags = [column for column in columns.values() if column.is_flag and not all(map(flag, column.cells))]
    if len(flags) > 1 and (found_flags := _one_hot(table, flags)) is not None:
        return found_flags
    named = [column for column in columns.values() if column.named and not column.tells_each_apart]
    candidates = named or [column for column in columns.values() if column.could_be]
    if not candidates and len(columns) == 1:  # no matter what its name is
        candidates = [column for column in columns.values() if column.repeats]
    if not candidates:
        return FoundLabels()
    apart = _apart(candidates)
    if len(apart) > 1:
        shown = listed([table.called(column.place) for column in apart])
        raise DataError(
            f"{table.shown}: several columns could be the labels: {shown}. Choose one with --label-column."
        )
    found, notes = apart[0], list(_several(table, apart[0]))
    if not named and any(
        len(columns[other].values) > 1 and not columns[other].tells_each_apart
        for other in others
        if other != found.place
    ):
        notes.append(
            f"{table.shown}: the classes were taken from the column {table.called(found.place)}. To use another "
            "column, pass --label-column."
        )
    return FoundLabels((found.place,), tuple(notes))


def _find_sequences(table: Table, others: Sequence[int]) -> FoundLabels:
    """Return the column of sequences: the one with the most usual name, or the only one."""
    known = [*NUMBER_NAMES, *NAMES]
    names = {column: "_".join(words_of(table.header[column] if table.header else "")) for column in others}
    usual = sorted(
        (column for column in others if names[column] in known), key=lambda at: known.index(names[at])
    )
    if usual or len(others) == 1:
        return FoundLabels(tuple(usual or others)[:1])
    if others:
        shown = listed([table.called(column) for column in others])
        raise DataError(
            f"{table.shown}: several columns could be the numbers: {shown}. Choose one with --label-column."
        )
    return FoundLabels()


class Column:
    """The values of a column in the sample."""

    def __init__(self, table: Table, place: int) -> None:
        self.place = place
        self.cells = [row[place] for row in table.sample]
        self.filled = [cell for cell in self.cells if not is_missing(cell)]
        self.values = set(self.filled)
        name = "" if table.header is None else table.header[place]
        self.words = words_of(name)
        joined = "_".join(self.words) or name.casefold()
        self.rank = NAMES.index(joined) if joined in NAMES else len(NAMES)
        self.named = self.rank < len(NAMES) or not _WORDS.isdisjoint(self.words)
        self.numbers = bool(self.values) and all(map(is_number, self.values))
        self.is_flag = 1 <= len(self.values) <= 2 and all(_flag(value) is not None for value in self.values)

    @property
    def tells_each_apart(self) -> bool:
        """Whether every line has a different value, like titles and line numbers."""
        return len(self.values) == len(self.filled) > 9 or not self.filled

    @property
    def could_be(self) -> bool:
        """Whether it repeats a few values, and is not named like boxes or groups."""
        if not GROUP_WORDS.isdisjoint(self.words) or (self.numbers and not BOX_WORDS.isdisjoint(self.words)):
            return False
        return self.repeats

    @property
    def repeats(self) -> bool:
        """Whether it repeats a few values."""
        if len(self.values) < 2:
            return False
        if self.numbers and (len(self.values) > _MOST_NUMBERS or any(map(_is_broken, self.values))):
            return False
        most = len(self.filled) / 2 if len(self.filled) > 3 else len(self.filled)
        return len(self.values) <= most


def _is_broken(number: str) -> bool:
    """Return whether a number is not whole."""
    return number.casefold() in {"inf", "-inf", "infinity", "-infinity"} or not float(number).is_integer()


def _check_not_measured(table: Table, column: Column) -> None:
    """Refuse a column of labels that holds measurements."""
    broken = sorted(value for value in column.values if is_number(value) and _is_broken(value))
    if column.numbers and len(column.values) > _MOST_MEASURED and broken:
        raise DataError(
            f"{table.shown}: the column {table.called(column.place)} contains measurements such as {broken[0]}, not "
            "classes. To use each number as a class, or to use another column, pass --label-column."
        )


def _flag(value: str) -> bool | None:
    return {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False, "-1": False}.get(
        value.casefold()
    )


def flag(value: str) -> bool:
    """Return whether a cell of ones and zeros is a one."""
    return _flag(value) is True


def _one_hot(table: Table, flags: Sequence[Column]) -> FoundLabels | None:
    """Return the columns of ones and zeros if they say one class for each picture; None: they are something else.

    Raises:
        DataError: they say several classes for some pictures.
    """
    sums = [sum(map(flag, cells)) for cells in zip(*(column.cells for column in flags), strict=True)]
    if max(sums) > 1:
        if len(flags) < 3 and max(sums) < 3:  # two yes-or-no questions
            return None
        row = next(place for place, total in enumerate(sums) if total > 1)
        both = [column for column in flags if flag(column.cells[row])]
        raise DataError(
            f"{table.shown} assigns several classes to some pictures, such as "
            f"{' and '.join(table.called(column.place) for column in both[:2])}, but Picturewise needs one class per "
            "picture. Choose one column with --label-column."
        )
    if sums.count(1) < len(sums) / 2:
        return None
    places = tuple(column.place for column in flags)
    shown = listed([table.called(place).strip("'") for place in places])
    return FoundLabels(
        places,
        (f"{table.shown}: the classes are the columns {shown}; each line has a 1 in one of them.",),
    )


def _preferred(usual: Column, columns: Collection[Column]) -> Column:
    """Return a column with the names of the same classes, if the usual one has their numbers."""
    if not usual.numbers:
        return usual
    same = [column for column in columns if column.named and not column.numbers and _same(usual, column)]
    return same[0] if same else usual


def _apart(candidates: Sequence[Column]) -> list[Column]:
    """Return the columns that say different things; of columns that say the same, the one with names."""
    found: list[Column] = []
    for column in sorted(candidates, key=lambda column: (column.numbers, column.place)):
        if not any(_same(column, other) for other in found):
            found.append(column)
    return found


def _same(one: Column, other: Column) -> bool:
    """Return whether two columns divide the lines in the same way."""
    pairs = set(zip(one.cells, other.cells, strict=True))
    return len(pairs) == len(set(one.cells)) == len(set(other.cells))


def _left(table: Table, found: Column, others: Sequence[Column]) -> tuple[str, ...]:
    """Return a note about other columns that look like labels and say something else."""
    others = [other for other in others if other.filled and not _same(found, other)]
    if not others:
        return ()
    shown = listed([table.called(other.place) for other in others])
    note = (
        f"{table.shown}: the classes were taken from the column {table.called(found.place)}, not from {shown}. To use "
        "another column, pass --label-column."
    )
    return (note,)


def _several(table: Table, column: Column) -> tuple[str, ...]:
    """Return a note if each string could be several labels.

    Raises:
        DataError: they are, according to their form or the column's name.
    """
    example = several_labels(column.values)
    if example is None:
        return ()
    shown = printable(example)[:60]
    if "|" in example or ";" in example or not _SEVERAL.isdisjoint(column.words):
        raise DataError(
            f"{table.shown}: the column {table.called(column.place)} contains several labels for one picture, such as "
            f"'{shown}', but Picturewise needs one class per picture. To use each such string as a class, "
            "pass --label-column."
        )
    called = table.called(column.place)
    return (f"{table.shown}: each string in the column {called}, such as '{shown}', was used as one class.",)


def several_labels(values: Collection[str]) -> str | None:
    """Return a string that looks like several labels, or None if each looks like one.

    >>> several_labels(["disc", "disc blue", "square", "square blue"])
    'disc blue'
    >>> several_labels(["sea lion", "sea horse", "lion"])
    """
    for separator in ("|", ";", ",", " "):
        parted = {value: [part for part in value.split(separator) if part.strip()] for value in values}
        several = sorted(value for value, parts in parted.items() if len(parts) > 1)
        if not several:
            continue
        alone = {value.strip() for value, parts in parted.items() if len(parts) == 1}
        pieces = {part.strip() for parts in parted.values() for part in parts}
        joined = {part.strip() for value in several for part in parted[value]}
        if len(pieces) < len(values) and (separator in "|;" or len(alone & joined) > 1):
            return several[0]
    return None
