"""What is read from one Parquet file; it runs in the child of `untrusted.confined.call`, the one place for pyarrow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from picturewise.data.arrays.labels import MAX_CLASSES
from picturewise.errors import DataError
from picturewise.extras import install_command
from picturewise.printable import printable
from picturewise.untrusted.confined.call_child import Output

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ROWS = 20_000_000
MAX_RATIO = 20  # times that pictures, which are packed already, may grow when unpacked
_FREE = 1 << 20  # bytes that may grow as they like
_MAX_GROUP = 512 << 20  # bytes of one column of a row group
_ROWS = 256  # at a time


def read(path: Path, request: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Hand back `content`, the bytes of all pictures one after the other, `ends` (N,) and `labels` (N,).

    The facts are `classes`, names in the order of the label numbers, or null where labels are plain numbers, and
    `ordered`: whether the file says that order.
    A picture that is missing has no bytes.

    Args:
        path: the file.
        request: `images` and `labels`: names that the columns may have.
        output: where the numbers go.
    """
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 (only after the limits are set)
    except ImportError as error:
        raise DataError(
            f"{printable(path)} is a Parquet file, which needs pyarrow. "
            f"Install it with: {install_command('parquet')}"
        ) from error
    with pq.ParquetFile(path, memory_map=False, pre_buffer=False, page_checksum_verification=True) as file:
        schema = file.schema_arrow
        images = _column(schema, request["images"], path, "pictures")
        labels = _column(schema, request["labels"], path, "labels")
        _check_size(file.metadata, path)
        budget = _budget(path)
        named = _names(schema, labels)
        total, ends, values = 0, [], []
        for batch in file.iter_batches(_ROWS, columns=[images, labels], use_threads=False):
            for picture in _bytes(batch.column(batch.schema.names.index(images)), path):
                total += len(picture)
                if total > budget:
                    raise _grown(path)
                output.write("content", np.frombuffer(picture, np.uint8))
                ends.append(total)
            values += batch.column(batch.schema.names.index(labels)).to_pylist()
    numbers, classes = _numbered(values, named, f"{printable(path)}, {printable(labels)}")
    output.write("ends", np.array(ends, np.int64))
    output.write("labels", numbers)
    return {"classes": classes, "ordered": classes == named}


def _column(schema: pa.Schema, words: list[str], path: Path, what: str) -> str:
    names: list[str] = [name for word in words for name in schema.names if name.lower() == word]
    if not names:
        shown = ", ".join(printable(name)[:40] for name in schema.names[:10]) or "none"
        raise DataError(
            f"{printable(path)} has the columns {shown}, expected one of {what} named {', '.join(words)}."
        )
    return names[0]


def _check_size(metadata: Any, path: Path) -> None:
    """Refuse a file that promises more rows or larger groups than anyone would read."""
    if not 0 < metadata.num_rows <= MAX_ROWS:
        raise DataError(f"{printable(path)} promises {metadata.num_rows:,} rows, expected 1 to {MAX_ROWS:,}.")
    groups = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
    if max(groups) > _MAX_GROUP:
        raise DataError(
            f"{printable(path)} has a row group of {max(groups):,} bytes, expected at most {_MAX_GROUP:,}; write "
            "it anew with smaller row groups."
        )
    if sum(groups) > _budget(path):
        raise _grown(path)


def _budget(path: Path) -> int:
    return _FREE + MAX_RATIO * path.stat().st_size


def _grown(path: Path) -> DataError:
    return DataError(
        f"{printable(path)} unpacks to more than {_budget(path):,} bytes, expected at most {MAX_RATIO} times its "
        "size; it was made to do harm."
    )


def _bytes(column: pa.Array, path: Path) -> list[bytes]:
    """Return each picture's bytes, from a column of bytes or of a structure with a field `bytes`."""
    import pyarrow.types as kinds  # noqa: PLC0415 (only after the limits are set)

    if kinds.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
        column = column.field("bytes")
    if not (kinds.is_binary(column.type) or kinds.is_large_binary(column.type)):
        raise DataError(
            f"{printable(path)} holds pictures as {printable(column.type)[:80]}, expected their bytes, or a "
            "structure with a field 'bytes'."
        )
    return [value or b"" for value in column.to_pylist()]


def _names(schema: pa.Schema, column: str) -> list[str] | None:
    """Return the class names that the Hugging Face library has written beside the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[column]["names"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return None
    if not isinstance(names, list) or not 0 < len(names) <= MAX_CLASSES:
        return None
    return [printable(name)[:200] for name in names]


def _numbered(
    values: list[Any], names: list[str] | None, where: str
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[str] | None]:
    """Return labels as numbers, and the names where there are any."""
    if all(isinstance(value, str) for value in values):
        names = sorted({printable(value)[:200] for value in values})
        if len(names) > MAX_CLASSES:
            raise DataError(f"{where}: {len(names):,} different labels, expected at most {MAX_CLASSES:,}.")
        places = {name: number for number, name in enumerate(names)}
        return np.array([places[printable(value)[:200]] for value in values], np.int64), names
    most = len(names) if names is not None else MAX_CLASSES
    for row, value in enumerate(values):
        if not isinstance(value, int) or not 0 <= value < most:
            raise DataError(
                f"{where}: the label of row {row:,} (counted from 0) is {printable(repr(value))[:80]}, expected a "
                f"whole number in 0..{most - 1}, or text in every row."
            )
    return np.array(values, np.int64), names
