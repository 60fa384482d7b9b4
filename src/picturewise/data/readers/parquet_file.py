"""Reads one Parquet file in the child of `untrusted.confined.call`, the only place that imports pyarrow."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from picturewise.data.arrays.find_value_range import find_value_range
from picturewise.data.arrays.labels import MAX_CLASSES, UNLABELLED, given_labels
from picturewise.data.arrays.layout import check_layout
from picturewise.data.arrays.value_range import ValueRange
from picturewise.data.readers.split_column import splits_by_value
from picturewise.errors import DataError
from picturewise.extras import install_command
from picturewise.printable import printable
from picturewise.untrusted.confined.call_child import Output

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_ROWS = 20_000_000
MAX_RATIO = 20  # how many times larger unpacked columns may be; pictures are already compressed
_FREE = 1 << 20  # bytes that may unpack to any size
_MAX_GROUP = 512 << 20  # bytes of one column of a row group
_ROWS = 256  # at a time
_SMALL_ROWS = 1 << 16  # at a time, of a column of labels
_MOST_COLUMNS = 1000


@dataclass(frozen=True)
class Columns:
    """The names of the columns for each purpose."""

    images: str
    labels: str | None
    split: str | None
    others: tuple[str, ...]


def describe(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Return what the columns of a file are for.

    Returns:
        `images`, `labels` and `split` (or null): names of columns; `splits`: the meaning of each value of the last, or
        null if a value has none; `unlabelled`: no picture has a label; `others`: pairs of the name of an unused column
        and what it holds, and `labels_too`: those of them that can be labels.
    """
    with opened(path) as file:
        schema = file.schema_arrow
        columns = choose(schema, request, path)
        check_size(file.metadata, path)
        unlabelled = columns.labels is not None and not any(
            value not in {None, UNLABELLED, ""} and not (isinstance(value, float) and math.isnan(value))
            for value in map(_single, _values(file, columns.labels))
        )
        splits = None
        if columns.split is not None:
            texts = {str(value) for value in _values(file, columns.split)}
            splits = splits_by_value(columns.split, texts) if len(texts) <= MAX_CLASSES else None
        told = [(printable(name)[:60], _words(schema.field(name).type)) for name in columns.others]
        return {
            "images": columns.images,
            "labels": columns.labels,
            "split": columns.split,
            "splits": splits,
            "unlabelled": unlabelled,
            "others": told,
            "labels_too": [
                printable(name)[:60] for name in columns.others if _can_be_labels(schema.field(name).type)
            ],
        }


def read(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Write `content`, the bytes of all pictures in sequence, `ends` (N,) and `labels` (N,) to `output`.

    The facts are `classes`, names in the order of the label numbers, or null if labels are plain numbers, and
    `ordered`: whether the file defines that order; `labelled`: whether there is a column of labels; and `splits`: the
    values of the column of splits, row by row, or null. A missing picture has no bytes, and one without a label has
    the label -1. Pictures that are lists of numbers are returned as PPM, and `scale`, the facts of a `ValueRange`,
    says how; for other pictures it is null.

    Args:
        path: the file.
        request: `images`, `labels` and `splits`: names that the columns may have; `label_column`, `file_column` and
            `split_column`: those that the user named, or null; `range` and `learned`: what is known about the values
            in lists, or null; `scale`: that of an earlier answer, or null.
        output: receives the numbers.
    """
    with opened(path) as file:
        schema = file.schema_arrow
        columns = choose(schema, request, path)
        check_size(file.metadata, path)
        budget = _budget(path)
        scale = scale_of(file, columns.images, path, request)
        total, ends = 0, []
        for picture in _pictures(file, columns.images, path, scale):
            total += len(picture)
            if total > budget:
                raise grown(path)
            output.write("content", np.frombuffer(picture, np.uint8))
            ends.append(total)
        labels, splits = columns.labels, columns.split
        values = [None] * len(ends) if labels is None else [*_values(file, labels)]
        named = None if labels is None else class_names(schema, labels)
        numbers, classes = numbered(values, named, f"{printable(path)}, {printable(labels or '')}")
        rows = None if splits is None else [str(value) for value in _values(file, splits)]
    output.write("ends", np.array(ends, np.int64))
    output.write("labels", numbers)
    return {
        "classes": classes,
        "ordered": classes == named,
        "scale": None if scale is None else {**scale.facts(), "values": scale.kept},
        "labelled": bool((numbers != UNLABELLED).any()),
        "splits": rows,
    }


def opened(path: Path) -> pq.ParquetFile:
    """Return an open file.

    Raises:
        DataError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 (only after the limits are set)
    except ImportError as error:
        raise DataError(
            f"{printable(path)} is a Parquet file, which needs pyarrow. "
            f"Install it with: {install_command('parquet')}"
        ) from error
    return pq.ParquetFile(path, memory_map=False, pre_buffer=False, page_checksum_verification=True)


def choose(schema: pa.Schema, request: Mapping[str, Any], path: Path) -> Columns:
    """Return the purpose of each column: found by the names that the user gave, by usual names, or by types."""
    names = [name for name in schema.names[:_MOST_COLUMNS] if not name.startswith("__")]
    images = _asked(names, request["file_column"], path) or _image_column(
        schema, names, request["images"], path
    )
    left = [name for name in names if name != images]
    labels = _asked(left, request["label_column"], path)
    if labels is None:
        found = _by_name(left, request["labels"])
        found += [name for name in left if name not in found and class_names(schema, name) is not None]
        labels = next((name for name in found if _can_be_labels(schema.field(name).type)), None)
    left = [name for name in left if name != labels]
    split = _asked(left, request["split_column"], path) or next(iter(_by_name(left, request["splits"])), None)
    return Columns(images, labels, split, tuple(name for name in left if name != split))


def _asked(names: list[str], asked: str | None, path: Path) -> str | None:
    """Return the requested column, ignoring case."""
    if asked is None:
        return None
    found = [name for name in names if name == asked] or _by_name(names, [asked.casefold()])
    if not found:
        raise DataError(
            f"{printable(path)} does not have a column '{printable(asked)}'. Choose from {_shown(names)}."
        )
    return found[0]


def _by_name(names: list[str], words: list[str]) -> list[str]:
    return [name for word in words for name in names if name.casefold() == word]


def _image_column(schema: pa.Schema, names: list[str], words: list[str], path: Path) -> str:
    """Return the column of pictures: by its name, else the only one with a type for pictures."""
    named = _by_name(names, words)
    if named:
        return named[0]
    found = [name for name in names if _can_be_pictures(schema.field(name).type)]
    if len(found) == 1:
        return found[0]
    paths = [
        name for name in names if {"path", "paths", "file", "filename"} & set(name.casefold().split("_"))
    ]
    if paths and not found:
        raise DataError(
            f"{printable(path)} contains only the file names of the pictures (in '{printable(paths[0])}'). Put a CSV "
            "file with the same columns next to the pictures, or write the Parquet file again with the pictures in it."
        )
    raise DataError(
        f"{printable(path)} does not have a column with a usual name for pictures ({', '.join(words)}). Choose one of "
        f"its columns ({_shown(names)}) with --file-column."
    )


def _shown(names: list[str]) -> str:
    return ", ".join(printable(name)[:40] for name in names[:10]) or "none"


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column's values: for a dictionary, the type of its entries."""
    import pyarrow.types as kinds  # noqa: PLC0415 (only after the limits are set)

    return kind.value_type if kinds.is_dictionary(kind) else kind


def _can_be_pictures(kind: pa.DataType) -> bool:
    import pyarrow.types as kinds  # noqa: PLC0415 (only after the limits are set)

    kind = plain_type(kind)
    if kinds.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(kinds.is_binary(kind) or kinds.is_large_binary(kind)) or depth_of(kind) >= 2


def depth_of(kind: pa.DataType) -> int:
    """Return how deeply lists of numbers are nested; 0: not lists of numbers."""
    import pyarrow.types as kinds  # noqa: PLC0415 (only after the limits are set)

    depth = 0
    while kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        kind, depth = kind.value_type, depth + 1
    return depth if kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind) else 0


def _can_be_labels(kind: pa.DataType) -> bool:
    import pyarrow.types as kinds  # noqa: PLC0415 (only after the limits are set)

    kind = plain_type(kind)
    plain = kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind)
    return bool(plain or kinds.is_string(kind) or kinds.is_large_string(kind) or depth_of(kind) == 1)


def _words(kind: pa.DataType) -> str:
    import pyarrow.types as kinds  # noqa: PLC0415 (only after the limits are set)

    kind = plain_type(kind)
    if _can_be_pictures(kind):
        return "pictures"
    if kinds.is_integer(kind):
        return "integers"
    if kinds.is_string(kind) or kinds.is_large_string(kind):
        return "strings"
    return printable(kind)[:40]


def _values(file: pq.ParquetFile, column: str, at_once: int = _SMALL_ROWS) -> Iterator[Any]:
    """Yield the values of a column."""
    for batch in file.iter_batches(at_once, columns=[column], use_threads=False):
        yield from batch.column(batch.schema.names.index(column)).to_pylist()


def _single(value: Any) -> Any:
    return (
        value[0]
        if isinstance(value, list) and len(value) == 1
        else str(value)
        if isinstance(value, list)
        else value
    )


def check_size(metadata: Any, path: Path) -> None:
    """Refuse a file that declares more rows or larger groups than are allowed."""
    if not 0 < metadata.num_rows <= MAX_ROWS:
        raise DataError(f"{printable(path)} declares {metadata.num_rows:,} rows. Expected 1 to {MAX_ROWS:,}.")
    groups = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
    if max(groups) > _MAX_GROUP:
        raise DataError(
            f"{printable(path)} has a row group of {max(groups):,} bytes, but at most {_MAX_GROUP:,} are allowed. "
            "Write it again with smaller row groups."
        )
    if sum(groups) > _budget(path):
        raise grown(path)


def _budget(path: Path) -> int:
    return _FREE + MAX_RATIO * path.stat().st_size


def grown(path: Path) -> DataError:
    """Return the error for a file that unpacks to more than it may."""
    return DataError(
        f"{printable(path)} unpacks to more than {_budget(path):,} bytes; at most {MAX_RATIO} times its size is "
        "allowed. The file is probably malicious; do not use it."
    )


def scale_of(file: pq.ParquetFile, column: str, path: Path, request: Mapping[str, Any]) -> ValueRange | None:
    """Return the range of the values in lists of numbers; None: pictures are something else."""
    kind = plain_type(file.schema_arrow.field(column).type)
    if not depth_of(kind):
        return None
    if request["scale"] is not None:
        return ValueRange.of(request["scale"])
    where = f"{printable(path)}, {printable(column)}"

    def blocks() -> Iterator[tuple[int, Any]]:
        for row, value in enumerate(_values(file, column, _ROWS)):
            if value is not None:
                yield row, _arranged(value, where, row)[np.newaxis]

    first = next(iter(blocks()), None)
    learned = request["learned"]
    return find_value_range(
        np.dtype(np.int64) if first is None else first[1].dtype,
        blocks,
        where,
        said=request["range"],
        learned=None if learned is None else tuple(learned),
    )


def _pictures(file: pq.ParquetFile, column: str, path: Path, scale: ValueRange | None) -> Iterator[bytes]:
    """Yield each picture's bytes, see `as_bytes`."""
    where = f"{printable(path)}, {printable(column)}"
    found, first_path, done = False, None, 0
    for batch in file.iter_batches(_ROWS, columns=[column], use_threads=False):
        part = batch.column(batch.schema.names.index(column))
        first_path = first_path or _first_path(part)
        for value in as_bytes(part, where, done, scale, path):
            found = found or bool(value)
            yield value or b""
        done += len(part)
    if not found:
        named = f", only paths such as {printable(first_path)[:80]}" if first_path else ""
        raise DataError(
            f"{where} does not contain the pictures themselves{named}. Write the file again with the bytes of the "
            "pictures, or put the files in class folders."
        )


def as_bytes(
    part: pa.Array, where: str, first: int, scale: ValueRange | None, path: Path
) -> list[bytes | None]:
    """Return the bytes of pictures in bytes, structures with a field `bytes`, text in base64, or lists of numbers.

    Args:
        part: some rows of the column.
        where: the file and the column, for errors.
        first: the number of the first row.
        scale: of lists of numbers, see `scale_of`.
        path: the file.

    Raises:
        DataError: they are something else, or cannot be converted.
    """
    import pyarrow.types as kinds  # noqa: PLC0415 (only after the limits are set)

    part = part.dictionary_decode() if kinds.is_dictionary(part.type) else part
    if kinds.is_struct(part.type) and part.type.get_field_index("bytes") >= 0:
        part = part.field("bytes")
    kind = part.type
    if kinds.is_string(kind) or kinds.is_large_string(kind):
        return [_from_base64(value, where) for value in part.to_pylist()]
    if depth_of(kind):
        return [_as_ppm(value, where, first + row, scale) for row, value in enumerate(part.to_pylist())]
    if not (kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_null(kind)):
        raise DataError(
            f"{printable(path)} contains pictures of type {printable(kind)[:80]}. Store them as bytes, or as a "
            "struct with a field 'bytes'."
        )
    found: list[bytes | None] = part.to_pylist()
    return found


def _first_path(part: pa.Array) -> str | None:
    """Return the first path in structures with a field `path`."""
    import pyarrow.types as kinds  # noqa: PLC0415 (only after the limits are set)

    part = part.dictionary_decode() if kinds.is_dictionary(part.type) else part
    if not kinds.is_struct(part.type) or min(map(part.type.get_field_index, ("bytes", "path"))) < 0:
        return None
    return next((value for value in part.field("path").to_pylist() if value), None)


def _from_base64(text: str | None, where: str) -> bytes:
    """Return the bytes of a string in base64, with or without `data:image/png;base64,` before it."""
    if not text:
        return b""
    try:
        return base64.b64decode(text.partition("base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DataError(
            f"{where} contains strings that are not base64, such as '{printable(text)[:40]}'. Store the pictures as "
            "bytes or as base64."
        ) from error


def _as_ppm(value: Any, where: str, row: int, scale: ValueRange | None) -> bytes:
    """Return a picture of nested lists as a PPM file's bytes."""
    if value is None or scale is None:
        return b""
    pixels = scale.to_bytes(_arranged(value, where, row)[np.newaxis], where, row)[0]
    height, width, channels = pixels.shape
    head = f"{'P5' if channels == 1 else 'P6'}\n{width} {height}\n255\n"
    return head.encode() + np.ascontiguousarray(pixels).tobytes()


def _arranged(value: Any, where: str, row: int) -> np.ndarray[Any, Any]:
    """Return a picture (H, W, C) of nested lists (H, W), (H, W, C), (C, H, W) or (pixels of a square,)."""
    try:
        array = np.asarray(value)[np.newaxis]
    except ValueError as error:
        raise DataError(
            f"{where}: row {row:,} contains lists of different lengths. Use lists of equal length in each picture."
        ) from error
    picture: np.ndarray[Any, Any] = check_layout(array.shape, array.dtype, f"{where}: row {row:,}").arrange(
        array
    )[0]
    return picture


def class_names(schema: pa.Schema, column: str) -> list[str] | None:
    """Return the class names that the Hugging Face library wrote beside the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[column]["names"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return None
    if not isinstance(names, list) or not 0 < len(names) <= MAX_CLASSES:
        return None
    return [printable(name)[:200] for name in names]


def numbered(
    values: list[Any], names: list[str] | None, where: str
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[str] | None]:
    """Return labels as numbers, and the names, if there are any."""
    if all(value is None for value in values):
        return np.full(len(values), UNLABELLED, np.int64), names
    given = given_labels(values, len(values), where)
    if given.names is not None:
        return given.numbers, list(given.names)
    if names is not None and (given.numbers >= len(names)).any():
        row = int(np.argmax(given.numbers >= len(names)))
        raise DataError(
            f"{where}: the label of row {row:,} (counted from 0) is {given.numbers[row]}, but there are only "
            f"{len(names):,} class names. Use labels in 0..{len(names) - 1}."
        )
    return given.numbers, names
