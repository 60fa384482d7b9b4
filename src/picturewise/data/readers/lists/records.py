"""Lists in JSON: records in lines or in one list, a label for each name, the names of each class, or of each split."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picturewise.data.readers.lists.table import MAX_BYTES, MAX_COLUMNS, Table, sample_lines
from picturewise.errors import DataError
from picturewise.split_names import split_of
from picturewise.untrusted.regular_file import regular_size

ENDINGS = frozenset({".json", ".jsonl", ".ndjson"})
_MAX_DOCUMENT = 32 << 20  # bytes of a file that is parsed whole
_SAMPLE = 2000


class DetectionError(Exception):
    """A file describes objects in pictures, in COCO's form, instead of the class of each picture."""


@dataclass(frozen=True)
class Records(Table):
    """A table of records; `document` holds its rows, unless each line of the file is one."""

    document: tuple[tuple[str, ...], ...] | None = None

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the line or of the record, from 1, and the cells.

        Raises:
            DataError: a line is not a record; the message names it.
        """
        if self.document is not None:
            for number, row in enumerate(self.document, start=1):
                yield number, list(row)
            return
        if self.path.stat().st_size > MAX_BYTES:
            raise DataError(
                f"{self.shown} is too large for a list of pictures. At most {MAX_BYTES:,} bytes are allowed."
            )
        header = self.header or ()
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    record = _record(line)
                    if record is None:
                        raise DataError(
                            f"{self.shown}, line {number:,} is not a record. Expected, for example, "
                            '{"file_name": "1.png", "label": "cat"}.'
                        )
                    yield number, [_text(record.get(name)) for name in header]


def look(path: Path) -> Table | None:
    """Return the table in a JSON file, or None if it is something else.

    Raises:
        DetectionError: it describes objects in pictures.
        OSError: it cannot be read.
    """
    size = regular_size(path)
    if not size:
        return None
    if path.suffix.lower() != ".json":
        return _look_at_lines(path)
    if size > _MAX_DOCUMENT:
        return None
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig", "surrogateescape"))
    except (ValueError, RecursionError):
        return _look_at_lines(path)
    if isinstance(document, dict) and isinstance(document.get("images"), list) and "labels" not in document:
        raise DetectionError
    header, rows = _listed(document)
    if not rows or len(header) > MAX_COLUMNS:
        return None
    step = max(1, len(rows) // _SAMPLE)
    return Records(path, len(header), header, tuple(rows[::step]), document=tuple(rows))


def _look_at_lines(path: Path) -> Table | None:
    names: dict[str, None] = {}
    records: list[dict[str, Any]] = []
    others = 0
    for line in sample_lines(path, path.stat().st_size, "utf-8-sig"):
        if not line.strip():
            continue
        record = _record(line)
        if record is None:
            others += 1
            continue
        names |= dict.fromkeys(record)
        records.append(record)
    if others > len(records) / 10 or not records or len(names) > MAX_COLUMNS:
        return None
    header = tuple(names)
    return Records(
        path, len(header), header, tuple(tuple(_text(one.get(name)) for name in header) for one in records)
    )


def _record(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _listed(document: Any) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the names of the columns and the rows of a document, empty if it is not a list."""
    if isinstance(document, list):
        return _of_list(document)
    if not isinstance(document, dict) or not document:
        return (), []
    values = list(document.values())
    if all(isinstance(value, str | int | float) for value in values):  # a label for each name
        return ("file", "label"), [(name, _text(value)) for name, value in document.items()]
    if all(isinstance(value, Mapping) for value in values):  # a record for each name
        header, rows = _of_list(values)
        return ("file", *header), [(name, *row) for name, row in zip(document, rows, strict=True)]
    if not all(isinstance(value, list) for value in values):
        return (), []
    if all(split_of(name) is not None for name in document):  # records for each split
        found = {name: _of_list(value) for name, value in document.items()}
        headers = {header for header, rows in found.values() if rows}
        if len(headers) == 1:
            return ("split", *headers.pop()), [
                (name, *row) for name, (_, rows) in found.items() for row in rows
            ]
        return (), []
    if all(isinstance(item, str) for value in values for item in value):  # the names of each class
        return ("file", "label"), [(item, name) for name, value in document.items() for item in value]
    return (), []


def _of_list(items: list[Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the names of the columns and the rows of a list of records, of lists of one length, or of names."""
    if items and all(isinstance(item, Mapping) for item in items):
        header = tuple(dict.fromkeys(name for item in items for name in item))
        return header, [tuple(_text(item.get(name)) for name in header) for item in items]
    if items and all(isinstance(item, list) and len(item) == len(items[0]) for item in items):
        return tuple(f"{place + 1}" for place in range(len(items[0]))), [
            tuple(map(_text, item)) for item in items
        ]
    if items and all(isinstance(item, str) for item in items):
        return ("file",), [(item,) for item in items]
    return (), []


def _text(value: Any) -> str:
    """Return a cell from a number or a string; other values say nothing about a picture."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return str(value)
    return value.strip() if isinstance(value, str) else ""
