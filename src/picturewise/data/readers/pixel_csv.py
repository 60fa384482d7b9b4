"""CSV files with a picture's pixels in a line: Kaggle's digit-recognizer, Fashion-MNIST and Sign-MNIST, and others.

A column named label holds the classes, or the first or last column of a file without names; the others are the pixels
of a square, grey or in colour, row by row; see `pixel_columns`. In FER-2013, one column holds all pixels. A file
without labels, such as the digit-recognizer's `test.csv`, is never a test split: it can be predicted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.find_layout import FoundLayout, evenly, find_layout
from picturewise.data.arrays.find_value_range import BYTE, Seen, decide
from picturewise.data.arrays.labels import (
    MAX_CLASSES,
    GivenLabels,
    Numbering,
    check_labelled,
    given_labels,
    number_classes,
)
from picturewise.data.arrays.layout import Layout
from picturewise.data.arrays.value_range import Conversion, Ends, ValueRange
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.array_part import array_part
from picturewise.data.readers.csv_numbers import column, count_rows, rows, rows_with_texts
from picturewise.data.readers.pixel_columns import SUFFIXES, PixelTable, by_split, pixel_table
from picturewise.errors import DataError
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of

OBEYED = ("label_column", "split_column", "value_range", "layout")
_TELLING = 100  # integers above it, up to 255, are 0..255
_ADVICE = "Pass the values of black and white with --value-range {ends}."


@dataclass(frozen=True)
class PixelCsvReader:
    """CSV files of pixels, see `Reader`; a single file without labels is train without labels."""

    name: str
    tables: Mapping[SplitName, PixelTable]
    notes: tuple[str, ...] = ()
    hints: Hints = NO_HINTS

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in the files' names."""
        return tuple(split for split in SPLITS if split in self.tables)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The split's file, and that of train."""
        return (self.tables[split].table.path, self.tables[self.splits[0]].table.path)

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read`. The classes are those of train."""
        first = self.splits[0]
        asked = [split for split in self.splits if split in splits]
        known = _Known(self.hints, options.learned)
        read: dict[SplitName, tuple[NDArray[np.uint8], GivenLabels | None]] = {}
        if first in asked:
            images, labels, found = _read_first(self.tables[first], known, progress, allocate)
            read[first] = images, labels
        else:
            found = _look_through(self.tables[first], known)
        for split in asked:
            if split != first:
                read[split] = read_pixels(self.tables[split], found, progress, allocate)
        numbering = number_classes(
            read[first][1] if first in read else _read_labels(self.tables[first]),
            None,
            printable(self.tables[first].table.path),
        )
        parts = {split: self._part(split, *read[split], numbering, options, allocate) for split in asked}
        notes = (*self.notes, *numbering.notes, *found.order.notes, *found.scale.notes)
        return Reading(parts, notes, values=found.scale.kept)

    def _part(
        self,
        split: SplitName,
        images: NDArray[np.uint8],
        given: GivenLabels | None,
        numbering: Numbering,
        options: ReadOptions,
        allocate: Allocate,
    ) -> Part:
        where, labels = printable(self.tables[split].table.path), None
        if given is not None and given.are_there:
            labels = numbering.of(given, where)
            check_labelled(labels, where, given.mark, skip_bad=options.skip_bad)
        elif given is not None and split != self.splits[0]:
            raise DataError(
                f"{where} does not have labels (only {given.mark}), so it cannot be the {split} split. Pass only the "
                f"train file, so that a {split} split is held out from it, and pass this file to predict."
            )
        return array_part(images, labels, numbering.classes, where, options, allocate)


def recognise(path: Path, hints: Hints = NO_HINTS) -> PixelCsvReader | None:
    """Return the source for CSV files of pixels at `path`, a folder or one file; None if there are none.

    Raises:
        DataError: there are two files for one split, or the purpose of a column is not clear.
        UsageError: there is no column with a name in `hints`.
        OSError: the folder or a file cannot be read.
    """
    obeyed = hints.only(*OBEYED)
    if not path.is_dir():
        table = pixel_table(path, hints)
        if table is None:
            return None
        tables = _of_file(table, hints)
        return PixelCsvReader(slug(path.with_suffix("")), tables, _notes(tables), obeyed)
    files = _files(path)
    found = {file: table for file in files if (table := pixel_table(file, hints)) is not None}
    labelled = {file: table for file, table in found.items() if table.label is not None}
    dropped = {
        file
        for file, table in labelled.items()
        if table.unlabelled and _split_of_name(file) not in {None, "train"}
    }
    if len(dropped) == len(labelled):
        return None
    if len(labelled) == 1:
        tables = _of_file(next(iter(labelled.values())), hints)
    else:
        tables = {}
        for file in [file for file in labelled if file not in dropped]:
            split = _split_of_name(file) or "train"
            if split in tables:
                raise DataError(
                    f"{printable(path)} contains two files of pictures for the same split: "
                    f"{printable(tables[split].table.path.name)} and {printable(file.name)}. Pass the one to use."
                )
            tables[split] = labelled[file]
    notes = [
        f"{printable(file.name)} does not have labels, so it was not used as a split. To classify its pictures, pass "
        "it to predict."
        for file in found
        if file not in labelled or file in dropped
    ]
    notes += [
        f"{printable(file)} is not a table of pixels like the others, so it was not used."
        for file in files
        if file not in found and "submission" not in file.name.casefold()
    ]
    return PixelCsvReader(slug(path), tables, (*notes, *_notes(tables)), obeyed)


def recognise_unlabelled(path: Path, hints: Hints = NO_HINTS) -> PixelCsvReader | None:
    """Return the reader of the one CSV file of pixels without labels in a folder, such as Kaggle's `test.csv`."""
    if not path.is_dir():
        return None
    tables = [table for file in _files(path) if (table := pixel_table(file, hints)) is not None]
    if len(tables) != 1:
        return None
    return PixelCsvReader(slug(path), {"train": tables[0]}, tables[0].notes, hints.only(*OBEYED))


def _files(folder: Path) -> list[Path]:
    with os.scandir(folder) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if os.path.splitext(entry.name)[1].lower() in SUFFIXES and entry.is_file()  # noqa: PTH122 (no Path)
        )
    return [folder / name for name in names]


def _of_file(table: PixelTable, hints: Hints) -> Mapping[SplitName, PixelTable]:
    """Return the tables of the splits in one file: those in a column, or the one in its name."""
    named = _split_of_name(table.table.path) if table.label is not None else None
    return {split or named or "train": one for split, one in by_split(table, hints).items()}


def _notes(tables: Mapping[SplitName, PixelTable]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for table in tables.values() for note in table.notes))


@dataclass(frozen=True)
class _Known:
    """What is known about the numbers of train before they are read."""

    hints: Hints
    learned: Ends | None


@dataclass(frozen=True)
class _Found:
    """What train's numbers decide for all splits."""

    order: FoundLayout
    scale: ValueRange


def read_pixels(
    pixels: PixelTable,
    found: _Found,
    progress: Progress | None = None,
    allocate: Allocate = allocate_in_memory,
) -> tuple[NDArray[np.uint8], GivenLabels | None]:
    """Return pictures (N, H, W, C) uint8 and their labels, or None if the file has none.

    The lines are counted first, so that the pictures are written directly to the array from `allocate`.

    Raises:
        DataError: a line has too many or too few columns, or a value is not a pixel or not a label; the message names
            the line.
    """
    shown, scale = printable(pixels.table.path), found.scale
    layout = _turned(pixels.layout, found.order)
    conversion = Conversion(scale, shown)
    images, labels, filled = _room(pixels, allocate)
    for line, values, of_block in _blocks(pixels):
        beyond = 0.5 / scale.factor if values.dtype.kind == "f" else 0.0
        _check(values, scale.low - beyond, scale.high + beyond, "a pixel", line, shown)
        part = conversion.to_bytes(layout.arrange(values), 0)
        filled = _put(part, images, filled, shown)
        labels += of_block
        if progress is not None:
            progress(filled, len(images))
    _finished(filled, images, shown)
    conversion.finish()
    return images, _given(pixels, labels)


def _read_first(
    pixels: PixelTable, known: _Known, progress: Progress | None, allocate: Allocate
) -> tuple[NDArray[np.uint8], GivenLabels | None, _Found]:
    """Return the result of `read_pixels` for train, and what it decides; unless it is 0..255, it is read twice."""
    if known.hints.value_range is not None:
        found = _look_through(pixels, known)
        return *read_pixels(pixels, found, progress, allocate), found
    shown, seen, order = printable(pixels.table.path), _new_seen(), None
    images, labels, filled = _room(pixels, allocate)
    for line, values, of_block in _blocks(pixels):
        seen.add(line, values, shown)
        order = order or _order(pixels, values, len(images), known)
        part = ValueRange().scaled(_turned(pixels.layout, order).arrange(values))
        filled = _put(part, images, filled, shown)
        labels += of_block
        if progress is not None:
            progress(filled, len(images))
    _finished(filled, images, shown)
    assert order is not None  # noqa: S101 (there is a line, or _room would have refused the file)
    found = _Found(order, _decided(seen, shown, known))
    if (found.scale.low, found.scale.high) != (0, 255):
        del images  # before the memory for them is allocated again
        return *read_pixels(pixels, found, progress, allocate), found
    return images, _given(pixels, labels), found


def _look_through(pixels: PixelTable, known: _Known) -> _Found:
    """Return what the numbers of train decide, without its pictures."""
    shown, seen, order = printable(pixels.table.path), _new_seen(), None
    count = _count(pixels)
    for line, values, _ in _blocks(pixels):
        order = order or _order(pixels, values, count, known)
        if known.hints.value_range is not None:
            return _Found(order, ValueRange.said(known.hints.value_range))
        seen.add(line, values, shown)
        if seen.whole and _TELLING < seen.high <= BYTE and known.learned is None:
            return _Found(order, ValueRange(bright=True))
    if order is None:
        raise _empty(shown)
    return _Found(order, _decided(seen, shown, known))


def _new_seen() -> Seen:
    return Seen(np.dtype(np.float64), place="line {:,}")


def _decided(seen: Seen, shown: str, known: _Known) -> ValueRange:
    """Return the range of the numbers; a table does not show which type they had."""
    typed = replace(seen, dtype=np.dtype(np.int64)) if seen.whole else seen
    return decide(typed, shown, learned=known.learned, advice=_ADVICE)


def _order(pixels: PixelTable, values: NDArray[Any], count: int, known: _Known) -> FoundLayout:
    """Return the layout of the numbers in a line, found from lines of the first block."""
    return find_layout(
        (count, values.shape[1]),
        values.dtype,
        lambda rows: values[evenly(len(values), len(rows))],
        printable(pixels.table.path),
        known.hints.layout,
    )


def _turned(layout: Layout, order: FoundLayout) -> Layout:
    return replace(layout, channels_first=bool(order.channels_first) and layout.channels > 1)


def _blocks(pixels: PixelTable) -> Iterator[tuple[int, NDArray[Any], list[Any]]]:
    """Yield the line of the first row, the pixels (n, numbers) and the labels, n or none, block by block."""
    table = pixels.table
    kept = [place for place in range(table.columns) if place not in table.texts]
    label = kept.index(pixels.label) if pixels.label in kept else None
    others = [kept.index(place) for place in pixels.passed_over] + ([] if label is None else [label])
    for first, numbers, texts in rows_with_texts(table):
        line, block, cells = first, numbers, dict(zip(table.texts, texts, strict=False))
        if pixels.of_split is not None and pixels.split is not None:
            chosen = [row for row, value in enumerate(cells[pixels.split]) if value in pixels.of_split]
            line, block = first + (chosen[0] if chosen else 0), block[chosen]
            cells = {place: [values[row] for row in chosen] for place, values in cells.items()}
        if not len(block):
            continue
        labels: list[Any] = []
        if label is not None:
            labels = _checked_labels(block[:, [label]], line, printable(table.path)).tolist()
        elif pixels.label is not None:
            labels = cells[pixels.label]
        if pixels.strings is not None:
            values = _from_strings(cells[pixels.strings], pixels, line)
        else:
            values = np.delete(block, others, axis=1) if others else block
        yield line, values, labels


def _from_strings(cells: Sequence[str], pixels: PixelTable, line: int) -> NDArray[Any]:
    """Return the pixels (n, numbers) of cells that each hold a picture."""
    count = pixels.layout.height * pixels.layout.width * pixels.layout.channels
    found = np.empty((len(cells), count))
    for row, cell in enumerate(cells):
        try:
            found[row] = cell.split()
        except ValueError as error:
            raise DataError(
                f"{printable(pixels.table.path)}, line {line + row:,} has {len(cell.split()):,} values, or one of them "
                f"is not a number. Expected {count:,} numbers."
            ) from error
    return found.astype(np.int64) if (found == np.floor(found)).all() else found


def _count(pixels: PixelTable) -> int:
    """Return how many rows `_blocks` yields."""
    if pixels.of_split is None or pixels.split is None:
        return count_rows(pixels.table)
    return sum(value in pixels.of_split for value in column(pixels.table, pixels.split))


def _given(pixels: PixelTable, labels: list[Any]) -> GivenLabels | None:
    """Return labels from numbers or strings, which may be numbers with some missing."""
    if pixels.label is None:
        return None
    where = printable(pixels.table.path)
    if pixels.label_is_text and all(
        re.fullmatch(r"-?[0-9]+(\.0*)?|nan|", text, re.IGNORECASE) for text in labels
    ):
        labels = [None if text in {"", "nan", "NaN"} else float(text) for text in labels]
    given = given_labels(labels, len(labels), where)
    return replace(given, mark="empty") if given.mark == "nan" else given


def _room(pixels: PixelTable, allocate: Allocate) -> tuple[NDArray[np.uint8], list[Any], int]:
    """Return the array to be filled with pictures, a list for labels, and the number of pictures so far: 0."""
    count, layout = _count(pixels), pixels.layout
    if not count:
        raise _empty(printable(pixels.table.path))
    return allocate(count, (layout.height, layout.width), layout.channels), [], 0


def _put(part: NDArray[np.uint8], images: NDArray[np.uint8], filled: int, shown: str) -> int:
    """Append pictures to the filled part; return the new number of pictures."""
    if filled + len(part) > len(images):
        raise _changed(shown)
    images[filled : filled + len(part)] = part
    return filled + len(part)


def _finished(filled: int, images: NDArray[np.uint8], shown: str) -> None:
    if filled < len(images):
        raise _changed(shown)


def _empty(shown: str) -> DataError:
    return DataError(f"{shown} does not contain any lines of pixels. Expected one line for each picture.")


def _read_labels(pixels: PixelTable) -> GivenLabels | None:
    """Return only the labels; the pixels do not matter."""
    if pixels.label is None:
        return None
    shown, found = printable(pixels.table.path), []
    if pixels.of_split is not None:
        found = [label for _, _, labels in _blocks(pixels) for label in labels]
    elif pixels.label_is_text:
        found = [*column(pixels.table, pixels.label)]
    else:
        for line, block in rows(pixels.table, pixels.label):
            found += _checked_labels(block, line, shown).tolist() if len(block) else []
    return _given(pixels, found)


def _checked_labels(values: NDArray[Any], line: int, shown: str) -> NDArray[np.int64]:
    _check(values, -1, MAX_CLASSES - 1, "the label", line, shown, whole=True)
    labels: NDArray[np.int64] = values[:, 0].astype(np.int64)
    return labels


def _changed(shown: str) -> DataError:
    return DataError(
        f"{shown} changed while it was being read. Wait until the program that is writing it has finished."
    )


def _check(
    values: NDArray[Any], least: float, most: float, what: str, line: int, shown: str, *, whole: bool = False
) -> None:
    bad = (values < least) | (values > most)
    if whole:
        bad |= values != np.floor(values)
    if bad.any():
        row = int(np.argmax(bad.any(axis=1)))
        raise DataError(
            f"{shown}, line {line + row:,}: {what} is {values[row][bad[row]][0]:.12g}. Expected "
            f"{'an integer' if whole else 'a number'} in {least:g}..{most:g}."
        )


def _split_of_name(path: Path) -> SplitName | None:
    words = re.split(r"[-_. ]+", path.stem)
    return next((split for word in words if (split := split_of(word)) is not None), None)
