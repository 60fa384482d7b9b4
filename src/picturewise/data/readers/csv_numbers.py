"""A table of numbers from a CSV file, block by block: 33 million whole ones in about a second.

Cells are separated by commas, or by semicolons, tabs or spaces, and some columns may hold strings. Most lines contain
only digits, commas and line ends. Such blocks are parsed by arithmetic on their bytes; any other block is parsed line
by line, which also finds the line with an error.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.regular_file import regular_size

MAX_LINE = 4 << 20  # bytes; enough for a picture of 512x512 in colour
_BLOCK = 4 << 20
_DIGITS = 3  # digits of the largest pixel
_NUMBER = re.compile(r"[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[-+]?[0-9]+)?")  # in lower case
_PLACES = 16  # places in a file where a sample of its lines is read
_MOST_CELLS = 1 << 20  # in a sample
_FEWEST = 5
_USUAL = 64  # bytes of a usual number
_LONGEST = 1 << 20  # bytes of a cell, which may hold all pixels of a picture
_MANY = 16  # separators in a line, as in rows of pixels, but not in sentences


@dataclass(frozen=True)
class CsvTable:
    """A CSV file's first line.

    Attributes:
        path: the file.
        header: the names of the columns, in lower case and without quotes; None: the first line holds numbers.
        columns: the number of columns.
        separator: the character between cells; a space means any number of spaces and tabs.
        texts: the columns, in increasing order, that are not read as numbers.
        numbered: the first line numbers the columns, or holds numbers as names, as pandas writes it.
    """

    path: Path
    header: tuple[str, ...] | None
    columns: int
    separator: str = ","
    texts: tuple[int, ...] = ()
    numbered: bool = False


def look(path: Path) -> CsvTable | None:
    """Return what the first line of a file says, or None if it is not a line of a CSV file.

    Raises:
        DataError: the line does not end within `MAX_LINE` bytes; or it is another kind of table, as other programs
            write it: in UTF-16, or with line ends of old Macintosh systems.
    """
    if regular_size(path) is None:
        return None
    with path.open("rb") as file:
        line = _first_line(file, path)
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and path.suffix.lower() == ".csv":
        raise DataError(f"{printable(path)} is encoded in UTF-16. Save it again as UTF-8.")
    if b"\0" in line or not line.strip():
        return None
    _check_line_ends(line, path)
    separator = _separator(line)
    try:
        cells = [cell.strip().strip('"').lower() for cell in _split(line.decode("utf-8-sig"), separator)]
    except UnicodeDecodeError:
        return None
    numbered = _are_column_numbers(cells)
    numeric = all(map(_NUMBER.fullmatch, cells)) and not numbered
    return CsvTable(path, None if numeric else tuple(cells), len(cells), separator, (), numbered)


def _split(line: str, separator: str) -> list[str]:
    return line.split() if separator == " " else line.split(separator)


def _separator(line: bytes) -> str:
    """Return the separator of cells: a character that occurs often, if commas do not."""
    for separator in (b";", b"\t"):
        if line.count(separator) >= _MANY > line.count(b","):
            return separator.decode()
    return " " if b"," not in line and len(line.split()) > _MANY and b'"' not in line else ","


def _are_column_numbers(cells: list[str]) -> bool:
    """Return whether the first line counts columns (0, 1, 2, …), or is a line of numbers that pandas took for names.

    Pandas makes equal names different with `.1`, `.2` and so on: a line of zeros becomes 0, 0.1, 0.2, …
    """
    if len(cells) <= _MANY:
        return False
    for first in (0, 1):
        if cells == [str(number) for number in range(first, first + len(cells))]:
            return True
    counts: dict[str, int] = {}
    again = 0
    for cell in cells:
        base, _, number = cell.rpartition(".")
        if counts.get(base) is not None and number == str(counts[base]):
            counts[base] += 1
            again += 1
        elif cell in counts:
            return False
        else:
            counts[cell] = 1
    return 2 * again >= len(cells)


def count_rows(table: CsvTable) -> int:
    """Return how many rows `rows` yields; empty lines at the end are not counted."""
    rows_so_far = ends = 0  # line ends before the last character that is not a space, and after it
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

    Numbers are whole and in 0..999 if a line holds only digits; `12.0` and quoted numbers are read too. A block with
    numbers that are not whole is returned as floats. Columns of strings are left out.

    Args:
        table: the file.
        only: a column; the others are skipped, whatever they hold, and the result is (n, 1).

    Raises:
        DataError: a line has another number of columns, or a value is not a number; the message names it.
    """
    for line, values, _ in rows_with_texts(table, only):
        yield line, values


def rows_with_texts(
    table: CsvTable, only: int | None = None
) -> Iterator[tuple[int, NDArray[np.int64] | NDArray[np.float64], list[list[str]]]]:
    """Yield what `rows` yields, and the cells of each column of strings (n,).

    Raises:
        DataError: as for `rows`.
    """
    kept = [place for place in range(table.columns) if place not in table.texts]
    place = None if only is None else kept.index(only)
    for line, block in _lines(table):
        numbers, texts = _parted(block, table, line) if table.texts else (block, [])
        quick = _by_arithmetic(numbers, len(kept), place)
        yield line, _line_by_line(numbers, table, line, place, kept) if quick is None else quick, texts


def column(table: CsvTable, place: int) -> Iterator[str]:
    """Yield the cells of one column; lines without it and empty lines at the end are skipped.

    Raises:
        DataError: a line is too long.
    """
    for _, block in _lines(table):
        for text in block.split(b"\n"):
            cells = _cells(text, ",")
            if text.strip() and place < len(cells):
                yield _text(cells[place])


def sample(table: CsvTable, most: int = 400) -> list[list[str]]:
    """Return the cells of some lines from all over the file, because a table is often sorted by label."""
    size = table.path.stat().st_size
    found: list[bytes] = []
    with table.path.open("rb") as file:
        if table.header is not None:
            _first_line(file, table.path)
        start = file.tell()
        if size - start <= _BLOCK:
            lines = file.read(_BLOCK).split(b"\n")
            found = lines[:: max(1, len(lines) // most)]
        else:
            for place in np.linspace(start, size, _PLACES + 1)[:-1].astype(int).tolist():
                file.seek(place)
                whole = file.read(_BLOCK // _PLACES).split(b"\n")[place != start : -1]
                found += whole[: most // _PLACES]
    found = found[: max(_FEWEST, _MOST_CELLS // table.columns)]
    cells = [[_text(cell) for cell in _cells(line, table.separator)] for line in found if line.strip()]
    return [row for row in cells if len(row) == table.columns]


def _lines(table: CsvTable) -> Iterator[tuple[int, bytes]]:
    """Yield the number of the first line, and whole lines below the names, with commas between cells."""
    with table.path.open("rb") as file:
        line = 1
        if table.header is not None:
            _first_line(file, table.path)
            line = 2
        elif file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            file.seek(0)
        for block in _blocks(file, table.path):
            # A text with a comma in it would become two cells.
            if table.separator == " ":
                yield line, b"\n".join(b",".join(text.split()) for text in block.split(b"\n"))
            elif table.separator != "," and b"," not in block and b'"' not in block:
                yield line, block.replace(table.separator.encode(), b",")
            elif table.separator != ",":
                yield line, b"\n".join(_with_commas(text, table.separator) for text in block.split(b"\n"))
            else:
                yield line, block
            line += block.count(b"\n")


def _with_commas(text: bytes, separator: str) -> bytes:
    """Return a line with commas between its cells, and quotes around those that hold one."""
    cells = text.split(separator.encode()) if b'"' not in text else _quoted(text, separator)
    return b",".join(b'"' + cell + b'"' if b"," in cell else cell for cell in cells)


def _quoted(text: bytes, separator: str) -> list[bytes]:
    """Return the cells of a line with some cells in quotes."""
    # A carriage return inside quotes is part of a cell here; the csv module would raise an error.
    plain = text.decode("utf-8", "surrogateescape").replace("\r", " ")
    cells = next(csv.reader([plain], delimiter=separator), [])
    return [cell.encode("utf-8", "surrogateescape") for cell in cells]


def _cells(text: bytes, separator: str) -> list[bytes]:
    text = text.strip(b"\r\n").removeprefix(codecs.BOM_UTF8)
    if b'"' in text:
        return _quoted(text, separator)
    return text.split() if separator == " " else text.split(separator.encode())


def _text(cell: bytes) -> str:
    return cell[:_LONGEST].decode("utf-8", "replace").strip().strip('"').strip()


def _parted(block: bytes, table: CsvTable, line: int) -> tuple[bytes, list[list[str]]]:
    """Return a block without its columns of strings, and those columns."""
    texts: list[list[str]] = [[] for _ in table.texts]
    numbers = []
    shown = printable(table.path)
    for number, text in enumerate(block.rstrip().split(b"\n"), start=line):
        if not text and not block.strip():
            break
        cells = _quoted(text, ",") if b'"' in text else text.split(b",")
        if len(cells) != table.columns:
            raise _uneven(shown, number, len(cells), table)
        for column_of_texts, place in zip(texts, table.texts, strict=True):
            column_of_texts.append(_text(cells[place]))
        for place in reversed(table.texts):
            del cells[place]
        numbers.append(b",".join(cells))
    return b"\n".join([*numbers, b""]), texts


def _check_line_ends(line: bytes, path: Path) -> None:
    if b"\r" in line.rstrip(b"\r\n"):
        raise DataError(
            f"{printable(path)} has lines that end in a carriage return without a line feed. Save it again as CSV."
        )


def _first_line(file: BinaryIO, path: Path) -> bytes:
    line = file.readline(MAX_LINE + 1)
    if len(line) > MAX_LINE:
        raise DataError(
            f"{printable(path)}: the first line has more than {MAX_LINE:,} bytes. Check that it is a CSV file of "
            "pixels."
        )
    return line


def _blocks(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield whole lines, each ended by a line feed."""
    rest = b""
    while content := file.read(_BLOCK):
        whole, feed, rest_of = content.rpartition(b"\n")
        if not feed:
            rest += content
            if len(rest) > MAX_LINE + _BLOCK:
                raise DataError(
                    f"{printable(path)} contains a line of more than {MAX_LINE:,} bytes. Check that it is a CSV file "
                    "of pixels."
                )
            continue
        yield (rest + whole + feed).replace(b"\r\n", b"\n")
        rest = rest_of
    if rest:
        yield (rest + b"\n").replace(b"\r\n", b"\n")


def _by_arithmetic(block: bytes, columns: int, only: int | None) -> NDArray[np.int64] | None:
    """Return the rows of a block that holds only digits, commas and line feeds, or None."""
    content = np.frombuffer(block, np.uint8)
    digits = content - np.uint8(48)  # smaller bytes wrap around to above 9
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
    block: bytes, table: CsvTable, line: int, only: int | None, kept: Sequence[int]
) -> NDArray[np.int64] | NDArray[np.float64]:
    """Return the rows of any block; its columns are those of the table that are in `kept`."""
    shown = printable(table.path)
    found = []
    for number, text in enumerate(block.rstrip().split(b"\n"), start=line):
        if not text and len(block.strip()) == 0:  # only empty lines at the end
            break
        cells = text.split(b",")
        if len(cells) != len(kept):
            raise _uneven(shown, number, len(cells), table)
        places, chosen = (kept, cells) if only is None else (kept[only : only + 1], cells[only : only + 1])
        found.append(_numbers(chosen, f"{shown}, line {number:,}", places))
    values = np.array(found, np.float64).reshape(-1, len(kept) if only is None else 1)
    return values.astype(np.int64) if (values == np.floor(values)).all() else values


def _uneven(shown: str, line: int, columns: int, table: CsvTable) -> DataError:
    return DataError(
        f"{shown}, line {line:,}: found {columns:,} column{'s' * (columns != 1)}, but the first line has "
        f"{table.columns:,}. Correct this line."
    )


def _numbers(cells: list[bytes], where: str, places: Sequence[int]) -> NDArray[np.float64]:
    """Return the numbers of one line, which are in the columns `places`."""
    try:
        # NumPy would allocate the longest cell's size for every cell.
        short = max(map(len, cells), default=0) < _USUAL
        values = np.array(cells).astype(np.float64) if short else np.array([_number(cell) for cell in cells])
    except ValueError:  # quotes, or not a number
        values = np.array([_number(cell) for cell in cells])
    with np.errstate(invalid="ignore"):
        good = np.abs(values) < 1 << 53
    if not good.all():
        place = int(np.argmin(good))
        found = printable(cells[place][:40].decode("utf-8", "replace"))
        raise DataError(f"{where}, column {places[place] + 1:,}: '{found}' is not a valid number.")
    return values


def _number(cell: bytes) -> float:
    try:
        return float(cell.strip(b' "'))
    except ValueError:
        return np.nan
