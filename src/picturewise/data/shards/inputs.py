"""Which files a source of many pictures consists of, and what they are: picture files, Parquet files, or tars."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, cast

from picturewise.data.dataset import Skipped
from picturewise.data.readers.folder_listing import is_paper
from picturewise.data.shards.storage import Found, Storage
from picturewise.errors import DataError
from picturewise.file_names import is_address, text_of
from picturewise.printable import printable

Form = Literal["pictures", "parquet", "tar"]

TARS = (".tar", ".tar.gz", ".tgz")
"""Endings of tars, in lower case."""
_LISTS = (".txt", ".csv", ".tsv", ".lst", ".list")
_TABLES = (".csv", ".tsv")
_COLUMNS = ("path", "file", "filename", "file_name", "image", "picture", "name")
_NAMED = 5  # files that are left out and kept by name
_LONGEST = 64 << 10  # characters of a line in a list
_WORDS = {"pictures": "picture files", "parquet": "Parquet files", "tar": "tars"}


@dataclass
class Inputs:
    """The files of a source, found while they are asked for.

    Attributes:
        form: what they are.
        files: the files, in order.
        left_out: the first of what is beside them and is not read, with the reason; complete after the last file.
        left_out_count: how many these are.
        papers: how many texts and other files without pictures were passed over.
    """

    form: Form
    files: Iterator[Found]
    left_out: list[Skipped] = field(default_factory=list)
    left_out_count: int = 0
    papers: int = 0


def find_inputs(storage: Storage, *, file_column: str | None = None) -> Inputs:
    """Return the files of a source: of a folder tree, a pattern, a single shard, or a list of picture files.

    Args:
        storage: where the source is.
        file_column: of a list, the column with the paths of the pictures; None: found by its name.

    Raises:
        DataError: there are no pictures; or, also by the iterator, files of several forms, or one that cannot be read.
    """
    found = Inputs("pictures", iter(()))
    waiting = _known(storage, found)
    first = next(waiting, None)
    if first is None:
        raise DataError(f"{storage.shown} contains neither pictures nor shards. Pass another folder.")
    form, file = first
    if form == "list":
        found.files = _listed(storage, file, file_column)
        return found
    found.form = form

    def all_files() -> Iterator[Found]:
        yield file
        for other, each in waiting:
            if other != form:
                raise DataError(
                    f"{storage.shown} contains both {_WORDS[form]} ({storage.name(file.path)}) and "
                    f"{_WORDS.get(other, 'lists')} ({storage.name(each.path)}). Pass one kind, such as a pattern of "
                    "file names."
                )
            yield each

    found.files = all_files()
    return found


def _known(storage: Storage, inputs: Inputs) -> Iterator[tuple[Form | Literal["list"], Found]]:
    """Yield each file with its form; what is not read is counted. Only a single file can be a list."""
    for item in storage.files():
        if isinstance(item, Skipped):
            inputs.left_out_count += 1
            inputs.left_out = [*inputs.left_out, item][:_NAMED]
            continue
        form = _form(item.path)
        if form is None and item.path == storage.root and item.path.lower().endswith(_LISTS):
            yield "list", item
        elif form is None:
            inputs.papers += 1
        else:
            yield form, item


def _form(path: str) -> Form | None:
    """Return what a file is, by its name; None: a text, a table or something else without pictures."""
    lower = path.lower()
    if lower.endswith(".parquet"):
        return "parquet"
    if lower.endswith(TARS):
        return "tar"
    return None if is_paper(path) or lower.endswith(_LISTS) else "pictures"


def _listed(storage: Storage, file: Found, column: str | None) -> Iterator[Found]:
    """Yield the files that a list names, with paths relative to its folder; one that is missing has no size."""
    shown, folder = storage.name(file.path), file.path.rpartition("/")[0]
    is_table = file.path.lower().endswith(_TABLES)
    some = False
    with storage.opened(file.path) as opened, _as_text(opened) as text:
        for number, name in _named(text, shown, column, is_table=is_table):
            if is_address(name):
                raise DataError(
                    f"{shown}, line {number:,}: '{printable(name)[:60]}' is an address. Use paths relative to the list."
                )
            some = True
            path = name if name.startswith("/") else f"{folder}/{name}"
            try:
                yield storage.stat(text_of(path))
            except DataError:  # it is read in vain later, and becomes a row with an error
                yield Found(path, -1, "")
    if not some:
        raise DataError(f"{shown} does not name any pictures. Write one path in each line.")


def _named(
    text: io.TextIOWrapper, shown: str, column: str | None, *, is_table: bool
) -> Iterator[tuple[int, str]]:
    """Yield the number of each line, and the path in it."""
    lines = _lines(text, shown)
    if not is_table:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, line.strip()
        return
    head = next(lines, "")
    separator = max((",", ";", "\t"), key=head.count)
    names = [cell.strip() for cell in next(csv.reader([head], delimiter=separator), [])]
    wanted = [column] if column is not None else _COLUMNS
    place = next(
        (at for one in wanted for at, name in enumerate(names) if name.casefold() == one.casefold()), None
    )
    if place is None:
        raise DataError(
            f"{shown} does not have a column {' or '.join(wanted[:3])}. Name that of the paths with --file-column."
        )
    try:
        for number, row in enumerate(csv.reader(lines, delimiter=separator), start=2):
            if len(row) > place and row[place].strip():
                yield number, row[place].strip()
    except csv.Error as error:
        raise DataError(
            f"{shown} is not a valid table ({printable(error)}). Write it again as CSV."
        ) from error


def _lines(text: io.TextIOWrapper, shown: str) -> Iterator[str]:
    while line := text.readline(_LONGEST):
        if len(line) == _LONGEST:
            raise DataError(
                f"{shown} has a line of more than {_LONGEST:,} characters. Write one path in each line."
            )
        yield line


@contextlib.contextmanager
def _as_text(opened: BinaryIO) -> Iterator[io.TextIOWrapper]:
    """Yield a file as text; whoever opened it closes it."""
    text = io.TextIOWrapper(cast("io.BufferedReader", opened), encoding="utf-8-sig", errors="surrogateescape")
    try:
        yield text
    finally:
        text.detach()
