"""What the columns of a CSV file of pixels are for: found by their names, by their values, or named by the user."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.layout import Layout, square
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.readers.csv_numbers import CsvTable, column, look, sample
from picturewise.data.readers.label_column import FEW_ROWS, is_index, label_places
from picturewise.data.readers.split_column import SPLIT_COLUMNS, check_splits, splits_by_value
from picturewise.errors import DataError, UsageError
from picturewise.printable import printable
from picturewise.split_names import SplitName

LABEL_COLUMNS = (
    *(
        "label",
        "labels",
        "class",
        "target",
        "digit",
        "y",
        "category",
        "character",
        "letter",
        "emotion",
        "species",
    ),
    *("class_name", "label_name"),
)
SUFFIXES = frozenset({".csv", ".tsv"})
_ID_COLUMNS = ("id", "imageid", "image_id", "index", "", "unnamed: 0", "idx")
_NUMBERED = re.compile(r"([a-z_]*?)[-_. ]?[0-9]+([x_.-][0-9]+)?")  # pixel0, p_1, 1x1 and so on
_PIXEL_WORDS = frozenset({"pixel", "pixels", "pix", "px", "p"})
_GRID = re.compile(r"[0-9]+x[0-9]+")
_PICTURE = re.compile(r".*\.(png|jpe?g|gif|webp|bmp|tiff?|ppm|pgm)", re.IGNORECASE)
_MANY_PIXELS = 16
_MORE_PIXELS = 64  # if their names do not mention pixels
_TEXTS = 0.1  # share of strings in the cells from which on a column is one of strings
_MOST_SPLITS = 100  # different values of a column of splits


@dataclass(frozen=True)
class PixelTable:
    """One file and the layout of its lines.

    Attributes:
        table: the file.
        layout: of one picture.
        label: the column of labels.
        label_is_text: it does not hold only numbers.
        strings: the column that holds all pixels of a picture, separated by spaces; None: each pixel has its own.
        passed_over: the columns of numbers that are neither pixels nor labels.
        split: the column of splits.
        of_split: the values in that column whose lines are read; None: all lines.
        unlabelled: the labels of some lines mean "no label".
        notes: what to tell the user.
    """

    table: CsvTable
    layout: Layout
    label: int | None
    label_is_text: bool = False
    strings: int | None = None
    passed_over: tuple[int, ...] = ()
    split: int | None = None
    of_split: tuple[str, ...] | None = None
    unlabelled: bool = False
    notes: tuple[str, ...] = ()


@dataclass
class _Found:
    """What is known about the columns so far."""

    shown: str
    header: tuple[str, ...] | None
    cells: list[list[str]]
    label: int | None = None
    split: int | None = None
    pixels: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def name(self, place: int) -> str:
        """Return what to call a column."""
        return f"'{printable(self.header[place])[:40]}'" if self.header is not None else f"{place + 1:,}"

    def is_text(self, place: int) -> bool:
        """Return whether a column holds strings, or numbers with gaps; a rare string among numbers is an error."""
        texts = sum(not _is_number(row[place]) for row in self.cells)
        return texts >= _TEXTS * max(1, len(self.cells)) or any(not row[place] for row in self.cells)


def pixel_table(path: Path, hints: Hints = NO_HINTS) -> PixelTable | None:
    """Return the layout of a CSV file of pixels, or None if the file is something else.

    Raises:
        DataError: its first line does not end, or names pixels that do not form a square; or it is not clear which
            column holds the labels.
        UsageError: there is no column with a name in `hints`.
        OSError: the file cannot be read.
    """
    if path.suffix.lower() not in SUFFIXES:
        return None
    table = look(path)
    if table is None:
        return None
    found = _Found(printable(path), table.header, sample(table))
    if table.numbered:
        found = replace(found, header=None, notes=[_numbered_note(found.shown, table)])
    strings = _strings(found) if table.header is not None and not table.numbered else None
    if strings is None and table.columns < _MANY_PIXELS:
        return None
    if found.header is None:
        layout = _without_names(found, table.columns, hints)
    else:
        layout = _by_names(found, table.columns, hints, strings)
    # A table with a few numbers per line can be anything; 4 pixels are not a picture.
    if layout is None or layout.height < 4:
        return None
    return _table(found, table, layout, strings)


def by_split(pixels: PixelTable, hints: Hints) -> Mapping[SplitName | None, PixelTable]:
    """Return the lines of each split as separate tables; under None all of them, if no column says splits.

    Raises:
        DataError: the requested column says something else.
        OSError: the file cannot be read.
    """
    if pixels.split is None:
        return {None: pixels}
    name = "" if pixels.table.header is None else pixels.table.header[pixels.split]
    values: set[str] = set()
    for value in column(pixels.table, pixels.split):
        values.add(value)
        if len(values) > _MOST_SPLITS:
            break
    where = printable(pixels.table.path)
    found = check_splits(name, sorted(values), where) if hints.split_column else splits_by_value(name, values)
    if found is None:
        note = (
            f"{where}: the column '{printable(name)[:40]}' was not used, because it does not contain train, valid and "
            "test. To use another column for the splits, pass --split-column."
        )
        return {None: replace(pixels, notes=(*pixels.notes, note))}
    of_split: dict[SplitName | None, list[str]] = {}
    for value, split in found.items():
        of_split.setdefault(split, []).append(value)
    return {split: replace(pixels, of_split=tuple(of)) for split, of in of_split.items()}


def _table(found: _Found, table: CsvTable, layout: Layout, strings: int | None) -> PixelTable:
    label = found.label
    text_label = label is not None and found.is_text(label)
    kept = {label, found.split, strings}
    rest = [place for place in found.others if place not in kept]
    texts = [
        place
        for place in [*rest, found.split]
        if place is not None and (place == found.split or found.is_text(place))
    ]
    if text_label and label is not None:
        texts.append(label)
    if strings is not None:
        texts = [place for place in range(table.columns) if place != label or text_label]
    values = [] if label is None else [row[label] for row in found.cells]
    unlabelled = bool(values) and all(value in {"-1", "-1.0", "", "nan"} for value in values)
    return PixelTable(
        replace(table, texts=tuple(sorted(texts))),
        layout,
        label,
        text_label,
        strings,
        tuple(place for place in rest if place not in texts),
        found.split,
        unlabelled=unlabelled,
        notes=tuple(found.notes),
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbered_note(shown: str, table: CsvTable) -> str:
    first = ", ".join((table.header or ())[:3])
    return (
        f"{shown}: the first line ({first}, …) was read as column names written by pandas, not as a picture."
    )


def _strings(found: _Found) -> int | None:
    """Return the column whose cells hold all pixels of a picture."""
    for place in range(len(found.header or ())):
        cells = [row[place].split() for row in found.cells[:5]]
        if cells and all(len(cell) >= _MANY_PIXELS and all(map(_is_number, cell)) for cell in cells):
            return place
    return None


def _by_names(found: _Found, columns: int, hints: Hints, strings: int | None) -> Layout | None:
    """Find out what columns with names are for; None: they are not pixels."""
    names = found.header or ()
    if strings is not None:
        found.pixels = [strings]
        layout = square(len(found.cells[0][strings].split()))
    else:
        found.pixels = _pixels(names)
        layout = None
    found.others = sorted(set(range(columns)) - set(found.pixels))
    said = _asked(hints.label_column, found, columns)
    found.split = _asked(hints.split_column, found, columns)
    labels = [place for word in LABEL_COLUMNS for place in found.others if names[place] == word]
    found.label = said if said is not None else next(iter(labels), None)
    if found.label in found.pixels:
        found.pixels = [place for place in found.pixels if place != found.label]
    if found.split is None:
        found.split = next((place for place in found.others if names[place] in SPLIT_COLUMNS), None)
    if len(found.pixels) < _MANY_PIXELS and strings is None:  # names of another kind
        left = {found.label, found.split, *(place for place in found.others if names[place] in _ID_COLUMNS)}
        pixels = [place for place in range(columns) if place not in left]
        if square(len(pixels)) is None or any(map(found.is_text, pixels)):
            return None
        found.pixels = pixels
        found.others = sorted(set(range(columns)) - set(pixels))
    if strings is None:
        layout = square(len(found.pixels))
    if any(_PICTURE.fullmatch(row[place]) for row in found.cells[:5] for place in found.others):
        return None  # a list of files with facts about them
    if layout is None:
        if strings is None and not _say_pixels(names, found.pixels):
            return None
        raise _no_square(found)
    ids = [place for place in found.others if names[place] in _ID_COLUMNS]
    rest = [place for place in found.others if place not in {found.label, found.split, *ids}]
    if found.label is None and rest:
        found.label = _only_label(rest, found)
        rest = [place for place in rest if place != found.label]
    found.notes += [
        f"{found.shown}: the column {found.name(place)} was not used. If it contains the labels, pass "
        f"--label-column {printable(names[place])[:40]}."
        for place in rest[:3]
    ]
    if len(rest) > 3:
        more = ", ".join(found.name(place) for place in rest[3:10])
        which = f"column {more} was" if len(rest) == 4 else f"columns {more} were"
        found.notes.append(f"{found.shown}: the {which} also not used.")
    return layout


def _pixels(names: Sequence[str]) -> list[int]:
    """Return the columns whose names are a number each, or one word and a number."""
    found = {place: match[1] for place, name in enumerate(names) if (match := _NUMBERED.fullmatch(name))}
    if not found:
        return []
    word, count = Counter(found.values()).most_common(1)[0]
    pixels = [place for place, one in found.items() if one == word]
    return pixels if count >= (_MANY_PIXELS if _say_pixels(names, pixels) else _MORE_PIXELS) else []


def _say_pixels(names: Sequence[str], places: Sequence[int]) -> bool:
    """Return whether the names of columns mention pixels."""
    named = [names[place] for place in places]
    return all(_GRID.fullmatch(name) or re.sub(r"[^a-z]", "", name) in _PIXEL_WORDS for name in named)


def _only_label(rest: Sequence[int], found: _Found) -> int:
    """Return the only column that can be the labels, because it is neither a pixel nor another known column."""
    if len(rest) > 1:
        raise DataError(
            f"{found.shown}: any of the columns {', '.join(found.name(place) for place in rest[:5])} could be the "
            "labels. Choose one with --label-column."
        )
    found.notes.append(f"{found.shown}: the column {found.name(rest[0])} was used as the labels.")
    return rest[0]


def _asked(asked: str | None, found: _Found, columns: int) -> int | None:
    """Return the requested column: by its name, as first or last, or by its number from 1.

    Raises:
        UsageError: there is no such column.
    """
    if asked is None:
        return None
    name = asked.strip().casefold()
    if found.header is not None and name in found.header:
        return found.header.index(name)
    if name in {"first", "last"}:
        return 0 if name == "first" else columns - 1
    if name.isdecimal() and 1 <= int(name) <= columns:
        return int(name) - 1
    raise UsageError(
        f"{found.shown} does not have a column '{printable(asked)[:40]}'. Pass one of its {columns:,} "
        "columns by name or number, or as first or last."
    )


def _without_names(found: _Found, columns: int, hints: Hints) -> Layout | None:
    """Find out what columns without names are for; None: they are not pixels."""
    found.split = _asked(hints.split_column, found, columns)
    found.label = _asked(hints.label_column, found, columns)
    numbers = _numbers(found.cells, found.split)
    left = [place for place in range(columns) if place != found.split]
    if found.label is not None:
        left.remove(found.label)
    elif square(len(left)) is None:
        left = _labelled(found, left, numbers)
    layout = square(len(left))
    if layout is not None:
        found.pixels = left
        found.others = [place for place in range(columns) if place not in left]
    return layout


def _labelled(found: _Found, left: list[int], numbers: NDArray[Any] | None) -> list[int]:
    """Return the columns of pixels; the label, and a column that counts the lines, are found by their values."""
    texts = [place for place in (left[0], left[-1]) if found.is_text(place)]
    if len(left) > 2 and square(len(left) - 2) is not None and len(texts) == 0:
        if numbers is None or not is_index(numbers[:, left[0]]) or square(len(left) - 1) is not None:
            return left
        found.notes.append(f"{found.shown}: the first column contains line numbers and was not used.")
        left, numbers = left[1:], numbers[:, 1:]
    if square(len(left) - 1) is None:
        return left
    if texts:
        found.label = texts[0] if len(texts) == 1 else None
    elif numbers is not None:
        possible = label_places(numbers)
        if len(possible) == 2:
            raise DataError(
                f"{found.shown}: either the first or the last column could be the labels. Pass --label-column first or "
                "--label-column last."
            )
        if not possible and len(numbers) >= FEW_ROWS:
            raise DataError(
                f"{found.shown}: neither the first nor the last column looks like labels. Pass --label-column first or "
                "--label-column last."
            )
        found.label = left[possible[0]] if possible else left[0]
        if found.label != left[0]:
            found.notes.append(f"{found.shown}: the labels were found in the last column.")
    else:  # an error in a line is reported when it is read
        found.label = left[0]
    return left if found.label is None else [place for place in left if place != found.label]


def _numbers(cells: Sequence[Sequence[str]], split: int | None) -> NDArray[Any] | None:
    """Return the cells of a sample as numbers, or None if some are not numbers."""
    if not cells:
        return None
    try:
        return np.array([[float(cell) for place, cell in enumerate(row) if place != split] for row in cells])
    except ValueError:
        return None


def _no_square(found: _Found) -> DataError:
    shown = ", ".join(found.name(place) for place in found.others[:5])
    return DataError(
        f"{found.shown} has {len(found.pixels):,} pixel columns{f' (and {shown})' * bool(shown)}, which do not make a "
        "square picture (such as 784 for 28x28, three times as many in colour). Check whether a column is missing."
    )
