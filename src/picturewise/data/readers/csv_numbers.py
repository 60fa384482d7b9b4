"""A table of numbers from a CSV file, block by block: 33 million whole ones in about a second.

Most lines hold nothing but digits, commas and line ends. Such blocks are parsed by arithmetic on their bytes;
a block with anything else in it is parsed line by line, which also finds the line that is wrong.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.regular_file import regular_size

MAX_LINE = 4 << 20  # bytes; a picture of 512x512 in colour has no more
_BLOCK = 4 << 20
_DIGITS = 3  # of the largest pixel
_NUMBER = re.compile(r"[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[-+]?[0-9]+)?")  # in lower case
_MOST_DIGITS = 40  # of a number, with its exponent
_MANY = 16  # separators in a line, as pixels have and sentences have not


@dataclass(frozen=True)
class CsvTable:
    """A CSV file's first line.

    Attributes:
        path: the file.
        header: the names of the columns, in lower case and without quotes; None: the first line holds numbers.
        columns: how many there are.
    """

    path: Path
    header: tuple[str, ...] | None
    columns: int


def look(path: Path) -> CsvTable | None:
    """Return what the first line of a file says, or None where it is no line of a CSV file.

    Raises:
        DataError: the line does not end within `MAX_LINE` bytes; or it is a table of another kind, as other programs
            save them: in UTF-16, with other separators, or with lines that end as they did long ago.
    """
    if regular_size(path) is None:
        return None
    with path.open("rb") as file:
        line = _first_line(file, path)
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and path.suffix.lower() == ".csv":
        raise DataError(
            f"{printable(path)} is text in UTF-16, expected UTF-8; save it anew in that encoding."
        )
    if b"\0" in line or not line.strip():
        return None
    _check_separators(line, path)
    try:
        cells = [cell.strip().strip('"').lower() for cell in line.decode("utf-8-sig").split(",")]
    except UnicodeDecodeError:
        return None
    numeric = all(map(_NUMBER.fullmatch, cells))
    return CsvTable(path, None if numeric else tuple(cells), len(cells))


def count_rows(table: CsvTable) -> int:
    """Return how many rows `rows` yields; empty lines at the end are none."""
    rows_so_far = ends = 0  # line ends up to the last character that is no space, and behind it
    found = False
    with table.path.open("rb") as file:
        if table.header is not None:
            _first_line(file, table.path)
        while content := file.read(_BLOCK):
            if filled := content.rstrip():
                rows_so_far += ends + filled.count(b"\n")
                ends, found = 0, True
            ends += content.count(b"\n", len(filled))
    return rows_so_far + found


def rows(
    table: CsvTable, only: int | None = None
) -> Iterator[tuple[int, NDArray[np.int64] | NDArray[np.float64]]]:
    """Yield the numbers as (n, columns) and the line number of the first row, in blocks of a few megabytes.

    Numbers are whole and in 0..999 where a line holds digits alone; `12.0` and quoted numbers are read too. A block in
    which some are not whole comes as floats.

    Args:
        table: the file.
        only: a column; the others are passed over, whatever they hold, and (n, 1) comes.

    Raises:
        DataError: a line has another number of columns, or a value is no number; the message names it.
    """
    with table.path.open("rb") as file:
        line = 1
        if table.header is not None:
            _first_line(file, table.path)
            line = 2
        elif file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            file.seek(0)
        for block in _blocks(file, table.path):
            quick = _by_arithmetic(block, table.columns, only)
            yield line, _line_by_line(block, table, line, only) if quick is None else quick
            line += block.count(b"\n")


def _check_separators(line: bytes, path: Path) -> None:
    shown = printable(path)
    if b"\r" in line.rstrip(b"\r\n"):
        raise DataError(
            f"{shown} has lines that end in a carriage return alone, expected line feeds; save it anew, as CSV."
        )
    for separator, name in ((b";", "semicolons"), (b"\t", "tabs")):
        if line.count(separator) >= _MANY > line.count(b","):
            raise DataError(
                f"{shown} separates its columns by {name}, expected commas; save it anew, as CSV."
            )


def _first_line(file: BinaryIO, path: Path) -> bytes:
    line = file.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise DataError(f"{printable(path)}: the first line has more than {MAX_LINE:,} bytes.")
    return line


def _blocks(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield whole lines, each ended by a line feed."""
    rest = b""
    while content := file.read(_BLOCK):
        whole, feed, rest_of = content.rpartition(b"\n")
        if not feed:
            rest += content
            if len(rest) > MAX_LINE + _BLOCK:
                raise DataError(f"{printable(path)} holds a line of more than {MAX_LINE:,} bytes.")
            continue
        yield (rest + whole + feed).replace(b"\r\n", b"\n")
        rest = rest_of
    if rest:
        yield (rest + b"\n").replace(b"\r\n", b"\n")


def _by_arithmetic(block: bytes, columns: int, only: int | None) -> NDArray[np.int64] | None:
    """Return the rows of a block that holds digits, commas and line feeds alone, or None."""
    content = np.frombuffer(block, np.uint8)
    digits = content - np.uint8(48)  # what lies below wraps round to above 9
    ends = np.flatnonzero(digits > 9)
    if len(ends) % columns or len(ends) == 0:
        return None
    marks = content[ends].reshape(-1, columns)
    if (marks[:, -1] != 10).any() or (marks[:, :-1] != 44).any():  # 10: line feed, 44: comma
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if only is not None:
        ends, lengths, columns = ends[only::columns], lengths[only::columns], 1
    if lengths.min() < 1 or lengths.max() > _DIGITS:
        return None
    values = digits[ends - 1].astype(np.int64)
    for place in range(1, int(lengths.max())):
        longer = np.flatnonzero(lengths > place)
        values[longer] += digits[ends[longer] - 1 - place].astype(np.int64) * 10**place
    return values.reshape(-1, columns)


def _line_by_line(
    block: bytes, table: CsvTable, line: int, only: int | None
) -> NDArray[np.int64] | NDArray[np.float64]:
    """Return the rows of any block."""
    shown = printable(table.path)
    found = []
    for number, text in enumerate(block.rstrip().split(b"\n"), start=line):
        if not text and len(block.strip()) == 0:  # nothing but empty lines at the end
            break
        cells = text.split(b",")
        if len(cells) != table.columns:
            raise DataError(
                f"{shown}, line {number:,}: {len(cells):,} columns, expected {table.columns:,} as in the first line."
            )
        first, chosen = (0, cells) if only is None else (only, cells[only : only + 1])
        found.append(_numbers(chosen, f"{shown}, line {number:,}", first))
    values = np.array(found, np.float64).reshape(-1, table.columns if only is None else 1)
    return values.astype(np.int64) if (values == np.floor(values)).all() else values


def _numbers(cells: list[bytes], where: str, first: int) -> NDArray[np.float64]:
    """Return the numbers of one line from the column `first` on."""
    values = None
    if max(map(len, cells)) <= _MOST_DIGITS:  # each cell takes as much room as the longest
        with contextlib.suppress(ValueError):  # quotes, or no number
            values = np.array(cells).astype(np.float64)
    if values is None:
        values = np.array([_number(cell) for cell in cells])
    with np.errstate(invalid="ignore"):
        good = np.abs(values) < 1 << 53
    if not good.all():
        place = int(np.argmin(good))
        found = printable(cells[place][:40].decode("utf-8", "replace"))
        raise DataError(f"{where}, column {first + place + 1:,}: found '{found}', expected a number.")
    return values


def _number(cell: bytes) -> float:
    try:
        return float(cell.strip(b' "'))
    except ValueError:
        return np.nan
