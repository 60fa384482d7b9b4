"""Text files with a line for each picture: their encoding, their separator, and whether a first line names the columns.

CSV is read in the forms that spreadsheets and programs write, and so are lines of a path and a label with a space
between. A table is recognised by its first line and a sample of lines from all over the file, never by the first alone.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from picturewise.data.pictures.decode import SUFFIXES
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.regular_file import regular_size

MAX_BYTES = 256 << 20
ENDINGS = frozenset({".csv", ".tsv", ".txt", ".tab", ".psv", ".lst", ".list"})
MAX_COLUMNS = 4096
WINDOWS = "cp1252"
_MAX_LINE = 64 << 10  # bytes of a line in a list of pictures
_WHOLE = 256 << 10  # bytes; in a smaller file, each line is in the sample
_PLACES, _AT_EACH = 128, 4 << 10  # of a larger file
_SEPARATORS = (",", ";", "\t", "|")
_LOOKED_AT = 64  # columns that are searched for names of pictures
_MOST_ABOVE = 2  # lines above a table of words, such as their number and the names of the columns
_ALIKE = 0.9  # share of lines with the same number of columns
_PICTURE = re.compile(
    r"(.*?\.(?:" + "|".join(ending[1:] for ending in sorted(SUFFIXES)) + r"))\s+(\S.*)", re.IGNORECASE
)


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        path: the file.
        columns: the number of columns.
        header: their names; None: there is no header.
        sample: rows from all over the file, in its order.
        encoding: of the file.
        separator: between the columns: a character; `words` for any white space; `ending` for the white space after
            the ending of a picture's name.
        above: the number of lines above the table.
    """

    path: Path
    columns: int
    header: tuple[str, ...] | None
    sample: tuple[tuple[str, ...], ...]
    encoding: str = "utf-8-sig"
    separator: str = ","
    above: int = 0

    @property
    def shown(self) -> str:
        """The file's path, safe to print."""
        return printable(self.path)

    def called(self, column: int) -> str:
        """Return what to call a column in messages: its name, or its number."""
        name = "" if self.header is None else self.header[column]
        return f"'{printable(name)[:40]}'" if name else f"number {column + 1}"

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the line, from 1, and the cells without spaces around them.

        Raises:
            DataError: a line has another number of columns, or is not a line of CSV; the message names it.
        """
        if self.path.stat().st_size > MAX_BYTES:
            raise DataError(
                f"{self.shown} is too large for a list of pictures. At most {MAX_BYTES:,} bytes are allowed."
            )
        with self.path.open(encoding=self.encoding, errors=_errors(self.encoding), newline="") as file:
            lines = _Counted(file)
            rows = _rows(lines, self.separator)
            try:
                left_out = self.above + (self.header is not None)
                for row in rows:
                    if not row or row == [""]:
                        continue
                    if left_out:
                        left_out -= 1
                        continue
                    cells = _fitted(row, self.columns)
                    if cells is None:
                        raise DataError(
                            f"{self.shown}, line {lines.count:,}: found {len(row):,} column{'s' * (len(row) != 1)}, "
                            f"but the first line has {self.columns}. Correct this line."
                        )
                    yield lines.count, cells
            except csv.Error as error:
                raise DataError(f"{self.shown}, line {lines.count:,}: {error}.") from error
            except UnicodeError as error:
                raise DataError(f"{self.shown} is not valid {self.encoding.upper()}: {error}.") from error


class _Counted:
    """The lines of a file, and how many of them have been read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.count = iter(lines), 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.count += 1
            yield line


def look(path: Path, finds: Callable[[str], bool]) -> Table | None:
    """Return the layout of a text file, or None if it is not a table that can be a list of pictures.

    Args:
        path: the file.
        finds: whether a string names an existing picture, which shows that a first line is data, not names.

    Raises:
        OSError: it cannot be read.
    """
    size = regular_size(path)
    if not size:
        return None
    with path.open("rb") as file:
        start = file.read(_MAX_LINE)
    encoding = _encoding(start)
    if encoding != "utf-16" and b"\0" in start.partition(b"\n")[0]:
        return None
    if encoding == "utf-16" and size > MAX_BYTES // 4:
        return None
    lines = sample_lines(path, size, encoding)
    if not lines or len(lines[0]) > _MAX_LINE:
        return None
    lines = [line for line in lines if len(line) <= _MAX_LINE]
    separator = _separator(lines, path)
    if separator is None:
        return None
    rows = [row for row in _parsed(lines, separator) if row and row != [""]]
    if not rows:
        return None
    columns = Counter(map(len, rows[1:] or rows)).most_common(1)[0][0]
    above = 0
    while separator == "words" and above < _MOST_ABOVE and len(rows[above]) not in {columns, columns - 1}:
        above += 1
    rows = rows[above:]
    first = rows[0]
    if len(first) == columns - 1 and len(rows) > 1:
        if any(row[-1] for row in rows[1:] if len(row) == columns):
            first = ["", *first]  # R writes names of rows without a header of their own
        else:
            columns -= 1  # a separator at the end of each line
    fitting = [tuple(cells) for row in rows[1:] if (cells := _fitted(row, columns)) is not None]
    head = _fitted(first, columns)
    if head is None or columns > MAX_COLUMNS:
        return None
    if names_columns(head, fitting, finds):
        found = Table(path, columns, tuple(head), tuple(fitting), encoding, separator, above)
        return found if fitting else None
    return Table(path, columns, None, (tuple(head), *fitting), encoding, separator, above)


def names_columns(
    first: Sequence[str], others: Sequence[Sequence[str]], finds: Callable[[str], bool]
) -> bool:
    """Return whether the first line names the columns, instead of being data."""
    if any(finds(cell) or ends_like_picture(cell) for cell in first if cell):
        return False
    some = others[:: max(1, len(others) // 200)]
    columns = [[row[place] for row in some] for place in range(len(first))]
    naming = [
        sum(finds(cell) or ends_like_picture(cell) for cell in column) > len(column) / 2
        for column in columns[:_LOOKED_AT]
    ]
    for place, cell in enumerate(first):
        if not cell:
            continue
        shapes = set(map(_shape, columns[place]))
        if len(shapes) == 1 and "0" in _shape(cell) and _shape(cell) in shapes and not is_number(cell):
            return False
        # In a table that names pictures, columns of ones and zeros can be headed by classes named 0 and 1.
        if is_number(cell) and (True in naming and not naming[min(place, len(naming) - 1)]):
            continue
        if cell in columns[place] or (
            is_number(cell) and columns[place] and all(map(is_number, columns[place]))
        ):
            return False
    return True


def ends_like_picture(cell: str) -> bool:
    """Return whether a string ends like the name of a picture file."""
    return any(cell.casefold().endswith(ending) for ending in SUFFIXES)


def is_number(cell: str) -> bool:
    """Return whether a string is a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _shape(cell: str) -> str:
    """Return the pattern of a string: `img_0012` and `img_7` have the same."""
    return re.sub(r"[0-9]+", "0", cell)


def _encoding(start: bytes) -> str:
    """Return the encoding of a file with this start: programs on Windows write their own encoding or UTF-16."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return WINDOWS
    return "utf-8-sig"


def _errors(encoding: str) -> str:
    return {"utf-8-sig": "surrogateescape", WINDOWS: "replace"}.get(encoding, "strict")


def _fitted(row: list[str], columns: int) -> list[str] | None:
    """Return the cells of a line without spaces around them, or None if there are too few or too many."""
    if len(row) != columns:
        if len(row) != columns + 1 or row[-1].strip():
            return None
        row = row[:-1]
    return [_bare(cell.strip()) for cell in row]


def _bare(cell: str) -> str:
    """Return a cell without quotes that are not part of CSV, but that some programs write."""
    return cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == "'" else cell


def sample_lines(path: Path, size: int, encoding: str) -> list[str]:
    """Return the first line and others from all over a file, none of them empty."""
    if size <= _WHOLE or encoding == "utf-16":
        try:
            text = path.read_bytes().decode(encoding, _errors(encoding))
        except UnicodeError:
            return []
        return [line for line in io.StringIO(text, newline=None).read().split("\n") if line]
    found: list[str] = []
    with path.open("rb") as file:
        for place in range(_PLACES):
            start = place * (size - _AT_EACH) // (_PLACES - 1)
            file.seek(start)
            content = file.read(_AT_EACH if place else _MAX_LINE)
            if not place:
                content = content.removeprefix(codecs.BOM_UTF8)
            lines = re.split(rb"\r\n|\r|\n", content)
            whole = lines[1 if place else 0 : None if start + len(content) >= size else -1]
            found += [line.decode(encoding, _errors(encoding)) for line in whole if line]
    return found


def _separator(lines: Sequence[str], path: Path) -> str | None:
    """Return the separator of the columns, or None if the lines are not a table."""
    some = [line for line in lines[:2000] if line.strip()]
    if not some:
        return None
    favourites = ("\t",) if path.suffix.lower() in {".tsv", ".tab"} else ()
    best = (0.0, "")
    for separator in dict.fromkeys((*favourites, *_SEPARATORS)):
        if not any(separator in line for line in some[:50]):
            continue
        counts = Counter(len(row) for row in _parsed(some, separator) if row)
        columns, often = counts.most_common(1)[0]
        share = often / max(1, counts.total())
        if columns > 1 and share >= _ALIKE and share > best[0]:
            best = (share, separator)
    if best[1]:
        return best[1]
    spaced = [line for line in some if not line.lstrip().startswith("#")]
    counts = Counter(len(line.split()) for line in spaced)
    if not counts:
        return None
    columns, often = counts.most_common(1)[0]
    if columns > 1 and all(len(line.split()) == columns for line in spaced[_MOST_ABOVE:] or spaced):
        return "words"
    if sum(_PICTURE.fullmatch(line.strip()) is not None for line in spaced) >= _ALIKE * len(spaced):
        return "ending"
    return ","  # a single column


def _parsed(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Return the cells of lines that may begin or end inside a quoted cell."""
    try:
        return list(_rows([f"{line}\n" for line in lines], separator))
    except csv.Error:
        return []


def _rows(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    if separator == "words":
        return (line.split() for line in lines if not line.lstrip().startswith("#"))
    if separator == "ending":
        return (_name_and_label(line.strip()) for line in lines if not line.lstrip().startswith("#"))
    return csv.reader(lines, delimiter=separator, skipinitialspace=True)


def _name_and_label(line: str) -> list[str]:
    found = _PICTURE.fullmatch(line)
    return list(found.groups()) if found else line.rsplit(None, 1)
