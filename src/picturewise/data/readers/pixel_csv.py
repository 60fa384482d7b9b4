"""CSV files with a picture's pixels in a line: Kaggle's digit-recognizer, Fashion-MNIST and Sign-MNIST, and others.

A column named label says the class, or the first of a file without names; the others are the pixels of a
square, grey or in colour, row by row. A file without labels, such as the digit-recognizer's `test.csv`, is
never a test split: it can be predicted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.find_layout import FoundLayout, evenly, find_layout
from picturewise.data.arrays.find_value_range import BYTE, Seen, decide
from picturewise.data.arrays.labels import MAX_CLASSES, numbered_classes
from picturewise.data.arrays.layout import Layout, square
from picturewise.data.arrays.value_range import Conversion, Ends, ValueRange
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
_TELLING = 100  # whole numbers that pass it, and not 255, are 0..255
_ADVICE = "Say which values are black and white: --value-range {ends}."
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
        known = _Known(self.hints, options.learned)
        read: dict[SplitName, tuple[NDArray[np.uint8], NDArray[np.int64] | None]] = {}
        if first in asked:
            images, labels, found = _read_first(self.tables[first], known, progress, allocate)
            read[first] = images, labels
        else:
            found = _look_through(self.tables[first], known)
        for split in asked:
            if split != first:
                read[split] = read_pixels(self.tables[split], found, progress, allocate)
        classes = numbered_classes(read[first][1] if first in read else _read_labels(self.tables[first]))
        return Reading(
            {
                split: array_part(
                    *read[split], classes, printable(self.tables[split].table.path), options, allocate
                )
                for split in asked
            },
            (*self.notes, *found.order.notes, *found.scale.notes),
            values=found.scale.kept,
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


@dataclass(frozen=True)
class _Known:
    """What is known of the numbers of train before they are read."""

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
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Return pictures (N, H, W, C) uint8 and labels (N,) int64, or None where the file has no labels.

    The lines are counted first, so that the pictures go right to where `allocate` wants them.

    Raises:
        DataError: a line has too many or too few columns, or a value is no pixel or no label; with its line.
    """
    shown, scale = printable(pixels.table.path), found.scale
    layout = _turned(pixels.layout, found.order)
    conversion = Conversion(scale, shown)
    images, labels, filled = _room(pixels, allocate)
    for line, values, block_labels in _blocks(pixels):
        beyond = 0.5 / scale.factor if values.dtype.kind == "f" else 0.0
        _check(values, scale.low - beyond, scale.high + beyond, "a pixel", line, shown)
        part = conversion.to_bytes(layout.arrange(values), 0)
        filled += _put(part, block_labels, images, labels, filled, shown)
        if progress is not None:
            progress(filled, len(images))
    _finished(filled, images, shown)
    conversion.finish()
    return images, None if pixels.label is None else labels


def _read_first(
    pixels: PixelTable, known: _Known, progress: Progress | None, allocate: Allocate
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None, _Found]:
    """Return what `read_pixels` does for train, and what it decides; the file is read again if it is not 0..255."""
    if known.hints.value_range is not None:
        found = _look_through(pixels, known)
        return *read_pixels(pixels, found, progress, allocate), found
    shown, seen, order = printable(pixels.table.path), _new_seen(), None
    images, labels, filled = _room(pixels, allocate)
    for line, values, block_labels in _blocks(pixels):
        seen.add(line, values, shown)
        order = order or _order(pixels, values, len(images), known)
        part = ValueRange().scaled(_turned(pixels.layout, order).arrange(values))
        filled += _put(part, block_labels, images, labels, filled, shown)
        if progress is not None:
            progress(filled, len(images))
    _finished(filled, images, shown)
    assert order is not None  # noqa: S101 (there is a line, or _room had refused the file)
    found = _Found(order, _decided(seen, shown, known))
    if (found.scale.low, found.scale.high) != (0, 255):
        del images  # before there is room for them again
        return *read_pixels(pixels, found, progress, allocate), found
    return images, None if pixels.label is None else labels, found


def _look_through(pixels: PixelTable, known: _Known) -> _Found:
    """Return what the numbers of train decide, where its pictures are not asked for."""
    shown, seen, order = printable(pixels.table.path), _new_seen(), None
    count = count_rows(pixels.table)
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
    """Return the range of the numbers; a table does not say of which type they were."""
    typed = replace(seen, dtype=np.dtype(np.int64)) if seen.whole else seen
    return decide(typed, shown, learned=known.learned, advice=_ADVICE)


def _order(pixels: PixelTable, values: NDArray[Any], count: int, known: _Known) -> FoundLayout:
    """Return how the numbers of a line lie, told by lines of the first block."""
    return find_layout(
        (count, values.shape[1]),
        values.dtype,
        lambda rows: values[evenly(len(values), len(rows))],
        printable(pixels.table.path),
        known.hints.layout,
    )


def _turned(layout: Layout, order: FoundLayout) -> Layout:
    return replace(layout, channels_first=bool(order.channels_first) and layout.channels > 1)


def _blocks(
    pixels: PixelTable,
) -> Iterator[tuple[int, NDArray[Any], NDArray[np.int64] | None]]:
    """Yield the line of the first row, the pixels (n, numbers) and the labels (n,) of block after block."""
    shown = printable(pixels.table.path)
    others = [place for place in (pixels.label, pixels.number) if place is not None]
    for line, block in rows(pixels.table):
        if len(block):
            labels = None if pixels.label is None else _checked_labels(block[:, [pixels.label]], line, shown)
            yield line, np.delete(block, others, axis=1) if others else block, labels


def _room(pixels: PixelTable, allocate: Allocate) -> tuple[NDArray[np.uint8], NDArray[np.int64], int]:
    """Return the arrays to be filled with pictures and labels, and how many are: none."""
    count, layout = count_rows(pixels.table), pixels.layout
    if not count:
        raise _empty(printable(pixels.table.path))
    return allocate(count, (layout.height, layout.width), layout.channels), np.empty(count, np.int64), 0


def _put(
    part: NDArray[np.uint8],
    part_labels: NDArray[np.int64] | None,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    filled: int,
    shown: str,
) -> int:
    """Put pictures and labels behind those that are there; return how many came."""
    if filled + len(part) > len(images):
        raise _changed(shown)
    images[filled : filled + len(part)] = part
    if part_labels is not None:
        labels[filled : filled + len(part)] = part_labels
    return len(part)


def _finished(filled: int, images: NDArray[np.uint8], shown: str) -> None:
    if filled < len(images):
        raise _changed(shown)


def _empty(shown: str) -> DataError:
    return DataError(f"{shown} holds no lines below the first, expected one for each picture.")


def _read_labels(pixels: PixelTable) -> NDArray[np.int64] | None:
    """Return the labels alone; what the pixels are does not matter."""
    if pixels.label is None:
        return None
    shown = printable(pixels.table.path)
    found = [
        _checked_labels(block, line, shown) for line, block in rows(pixels.table, pixels.label) if len(block)
    ]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _checked_labels(column: NDArray[Any], line: int, shown: str) -> NDArray[np.int64]:
    _check(column, 0, MAX_CLASSES - 1, "the label", line, shown, whole=True)
    labels: NDArray[np.int64] = column[:, 0].astype(np.int64)
    return labels


def _changed(shown: str) -> DataError:
    return DataError(f"{shown} changed while it was read; wait until the program that writes it is done.")


def _check(
    values: NDArray[Any], least: float, most: float, what: str, line: int, shown: str, *, whole: bool = False
) -> None:
    bad = (values < least) | (values > most)
    if whole:
        bad |= values != np.floor(values)
    if bad.any():
        row = int(np.argmax(bad.any(axis=1)))
        raise DataError(
            f"{shown}, line {line + row:,}: {what} is {values[row][bad[row]][0]:.12g}, expected a "
            f"{'whole ' * whole}number in {least:g}..{most:g}."
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
