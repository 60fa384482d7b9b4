"""CSV files with a picture's pixels in a line: Kaggle's digit-recognizer, Fashion-MNIST and Sign-MNIST, and others.

A column named label says the class, or the first of a file without names; the others are the pixels of a
square, grey or in colour, row by row. A file without labels, such as the digit-recognizer's `test.csv`, is
never a test split: it can be predicted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.labels import MAX_CLASSES, numbered_classes
from picturewise.data.arrays.layout import Layout, square
from picturewise.data.contract import Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.array_part import array_part
from picturewise.data.readers.csv_numbers import CsvTable, count_rows, look, rows
from picturewise.errors import DataError
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of

LABEL_COLUMNS = ("label", "labels", "class", "target", "digit", "y")
_PIXEL = re.compile(r"(pixel|pix|px|p)[-_ ]?[0-9]+([x_-][0-9]+)?|[0-9]+x[0-9]+")  # also MNIST's 1x1, 1x2, …
_MANY_PIXELS = 16
_ID_COLUMNS = ("id", "imageid", "image_id", "index", "")


@dataclass(frozen=True)
class PixelTable:
    """One file: where its labels, its pixels and its line numbers stand."""

    table: CsvTable
    label: int | None
    number: int | None
    layout: Layout


@dataclass(frozen=True)
class PixelCsvReader:
    """Recognised files, see `Reader`; a single file without labels is train without labels."""

    name: str
    tables: Mapping[SplitName, PixelTable]
    notes: tuple[str, ...] = ()
    hints: Hints = NO_HINTS

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that the files' names say."""
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
        read = {split: read_pixels(self.tables[split], progress, allocate) for split in asked}
        classes = numbered_classes(read[first][1] if first in read else _read_labels(self.tables[first]))
        return Reading(
            {
                split: array_part(
                    *read[split], classes, printable(self.tables[split].table.path), options, allocate
                )
                for split in asked
            },
            self.notes,
        )


def recognise(path: Path) -> PixelCsvReader | None:
    """Return the source for CSV files of pixels at `path`, a folder or one file; None where there are none.

    Raises:
        DataError: there are two files for one split.
        OSError: the folder or a file cannot be read.
    """
    if not path.is_dir():
        table = pixel_table(path)
        if table is None:
            return None
        split = _split_of_name(path) if table.label is not None else None
        return PixelCsvReader(slug(path.with_suffix("")), {split or "train": table})
    with os.scandir(path) as entries:
        names = sorted(
            entry.name for entry in entries if entry.name.lower().endswith(".csv") and entry.is_file()
        )
    found = {path / name: table for name in names if (table := pixel_table(path / name)) is not None}
    labelled = {file: table for file, table in found.items() if table.label is not None}
    if not labelled:
        return None
    tables: dict[SplitName, PixelTable] = {}
    for file, table in labelled.items():
        split = _split_of_name(file) or "train"
        if split in tables:
            raise DataError(
                f"{printable(path)} holds two files of pictures for one split, "
                f"{printable(tables[split].table.path.name)} and {printable(file.name)}, expected one; name it."
            )
        tables[split] = table
    notes = tuple(
        f"{printable(file.name)} has no labels, so it is no split; its pictures can be predicted."
        for file in found
        if file not in labelled
    )
    return PixelCsvReader(slug(path), tables, notes)


def recognise_unlabelled(path: Path) -> PixelCsvReader | None:
    """Return the reader of the one CSV file of pixels without labels in a folder, such as Kaggle's `test.csv`."""
    if not path.is_dir():
        return None
    with os.scandir(path) as entries:
        names = [entry.name for entry in entries if entry.name.lower().endswith(".csv") and entry.is_file()]
    tables = [table for name in sorted(names) if (table := pixel_table(path / name)) is not None]
    return PixelCsvReader(slug(path), {"train": tables[0]}) if len(tables) == 1 else None


def pixel_table(path: Path) -> PixelTable | None:
    """Return how a CSV file of pixels is laid out, or None where the file is something else.

    Raises:
        DataError: its first line does not end, or names pixels that make no square.
        OSError: the file cannot be read.
    """
    if path.suffix.lower() != ".csv":
        return None
    table = look(path)
    if table is None:
        return None
    label = number = None
    if table.header is not None:
        label = next((place for place, name in enumerate(table.header) if name in LABEL_COLUMNS), None)
        number = next((place for place, name in enumerate(table.header) if name in _ID_COLUMNS), None)
    layout = square(table.columns - (label is not None) - (number is not None))
    if table.header is None and layout is None:
        label, layout = 0, square(table.columns - 1)
    if layout is None:
        _check_pixels(table)
    # A table of a few numbers per line can be anything; 4 pixels are no picture.
    return None if layout is None or layout.height < 4 else PixelTable(table, label, number, layout)


def read_pixels(
    pixels: PixelTable, progress: Progress | None = None, allocate: Allocate = allocate_in_memory
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Return pictures (N, H, W, C) uint8 and labels (N,) int64, or None where the file has no labels.

    The lines are counted first, so that the pictures go right to where `allocate` wants them.

    Raises:
        DataError: a line has too many or too few columns, or a value is no pixel or no label; with its line.
    """
    shown, layout = printable(pixels.table.path), pixels.layout
    others = [place for place in (pixels.label, pixels.number) if place is not None]
    count, done = count_rows(pixels.table), 0
    if not count:
        raise DataError(f"{shown} holds no lines below the first, expected one for each picture.")
    images = allocate(count, (layout.height, layout.width), layout.channels)
    labels = np.empty(count, np.int64)
    for line, block in rows(pixels.table):
        values = np.delete(block, others, axis=1) if others else block
        _check(values, 255, "a pixel", line, shown)
        if done + len(block) > count:
            raise _changed(shown)
        images[done : done + len(block)] = layout.arrange(values.astype(np.uint8))
        if pixels.label is not None:
            labels[done : done + len(block)] = _checked_labels(block[:, [pixels.label]], line, shown)
        done += len(block)
        if progress is not None:
            progress(done, count)
    if done < count:
        raise _changed(shown)
    return images, None if pixels.label is None else labels


def _read_labels(pixels: PixelTable) -> NDArray[np.int64] | None:
    """Return the labels alone; what the pixels are does not matter."""
    if pixels.label is None:
        return None
    shown = printable(pixels.table.path)
    found = [
        _checked_labels(block, line, shown) for line, block in rows(pixels.table, pixels.label) if len(block)
    ]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _checked_labels(column: NDArray[np.int64], line: int, shown: str) -> NDArray[np.int64]:
    _check(column, MAX_CLASSES - 1, "the label", line, shown)
    return column[:, 0]


def _changed(shown: str) -> DataError:
    return DataError(f"{shown} changed while it was read; wait until the program that writes it is done.")


def _check(values: NDArray[np.int64], most: int, what: str, line: int, shown: str) -> None:
    bad = (values < 0) | (values > most)
    if bad.any():
        row = int(np.argmax(bad.any(axis=1)))
        raise DataError(
            f"{shown}, line {line + row:,}: {what} is {values[row][bad[row]][0]}, expected a number in 0..{most}."
        )


def _check_pixels(table: CsvTable) -> None:
    """Refuse a table whose columns are pixels by their names, but not as many as a picture has."""
    names = table.header or ()
    others = [name for name in names if not _PIXEL.fullmatch(name)]
    pixels = len(names) - len(others)
    if pixels >= _MANY_PIXELS:
        shown = ", ".join(f"'{printable(name)[:40]}'" for name in others[:5]) or "nothing"
        raise DataError(
            f"{printable(table.path)} has {pixels:,} columns of pixels (and {shown}), expected those of a square, "
            "such as 784 for 28x28, or three times as many in colour; is a column missing?"
        )


def _split_of_name(path: Path) -> SplitName | None:
    words = re.split(r"[-_. ]+", path.stem)
    return next((split for word in words if (split := split_of(word)) is not None), None)
