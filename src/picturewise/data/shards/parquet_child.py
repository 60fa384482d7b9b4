"""What the child of `parquet_rows` does: count the rows of Parquet files, and read some of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from picturewise.data.arrays.labels import UNLABELLED
from picturewise.data.arrays.value_range import ValueRange
from picturewise.data.readers.parquet_file import (
    as_bytes,
    check_size,
    choose,
    class_names,
    depth_of,
    numbered,
    opened,
    plain_type,
    scale_of,
)
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.untrusted.confined.pool_child import Allow, Work
from picturewise.untrusted.confined.protocol import Received

_ROWS = 256  # at a time
_SECONDS = 5.0
_BYTES_A_SECOND = 30 << 20

Row = tuple[bytes, Any]
"""A picture, and the value of its label."""


def reading(*, columns: Mapping[str, Any]) -> Work:
    """Return the function that answers requests, which are JSON; see `_facts` and `_Rows`.

    Args:
        columns: what `parquet_file.choose` and `scale_of` need.
    """
    current: list[_Rows] = []

    def answer(item: Received, allow: Allow) -> bytes:
        assert isinstance(item, bytes)  # noqa: S101 (our own requests are)
        request = json.loads(item)
        path = Path(request["path"])
        allow(_SECONDS + path.stat().st_size / _BYTES_A_SECOND)
        try:
            if request["task"] == "facts":
                return json.dumps(_facts(path, columns, scale=request["scale"])).encode()
            if not current or not current[0].goes_on_at(request):
                current[:] = [_Rows(path, columns, request)]
            return current[0].take(request["stop"], request["bytes"])
        except DataError as error:
            current.clear()
            raise DataError(str(error).replace(str(path), request["shown"])) from error
        except MemoryError:
            raise
        except Exception as error:
            current.clear()
            said = printable(f"{type(error).__name__}: {error}")[:200].replace(str(path), request["shown"])
            raise DataError(
                f"{request['shown']} is damaged or truncated ({said.rstrip('.')}). Download it again."
            ) from error

    return answer


def _facts(path: Path, columns: Mapping[str, Any], *, scale: bool) -> dict[str, Any]:
    """Return the number of rows, the columns of pictures and labels, and, if asked, the range of lists of numbers."""
    with opened(path) as file:
        check_size(file.metadata, path)
        schema = file.schema_arrow
        found = choose(schema, columns, path)
        of_lists = bool(depth_of(plain_type(schema.field(found.images).type)))
        range_ = scale_of(file, found.images, path, columns) if scale and of_lists else None
        return {
            "rows": file.metadata.num_rows,
            "images": found.images,
            "labels": found.labels,
            "lists": of_lists,
            "scale": None if range_ is None else range_.facts(),
        }


class _Rows:
    """Rows of a file one after the other; a request for the next ones need not read anything twice."""

    def __init__(self, path: Path, columns: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        self._file = opened(path)
        check_size(self._file.metadata, path)
        self._path, self._size = path, path.stat().st_size
        schema = self._file.schema_arrow
        chosen = choose(schema, columns, path)
        self._images, self._labels = chosen.images, chosen.labels if request["labels"] else None
        self._names = None if self._labels is None else class_names(schema, self._labels)
        self._scale = None if request["scale"] is None else ValueRange.of(request["scale"])
        self._where = f"{printable(path)}, {printable(self._labels or '')}"
        self._next = request["start"]
        self._rows = self._from(request["start"])
        self._left: Row | None = None

    def goes_on_at(self, request: Mapping[str, Any]) -> bool:
        """Return whether the next row is the first that a request asks for."""
        same = self._path == Path(request["path"]) and (self._labels is not None or not request["labels"])
        return bool(same and self._next == request["start"])

    def take(self, stop: int, most: int) -> bytes:
        """Return rows up to `stop`, at least one and then at most so many bytes of pictures.

        Returns:
            The length of the JSON that follows (8 bytes), the JSON with `lengths` and `labels`, and the pictures.
        """
        pictures: list[bytes] = []
        values, size = [], 0
        while self._next < stop:
            row = self._left or next(self._rows, None)
            if row is None:
                raise DataError(
                    f"{printable(self._path)} has fewer rows than it declares. It is damaged: download it again."
                )
            if pictures and size + len(row[0]) > most:
                self._left = row
                break
            self._left = None
            pictures.append(row[0])
            values.append(row[1])
            size += len(row[0])
            self._next += 1
        texts = None if self._labels is None else self._texts(values)
        head = json.dumps({"lengths": [len(picture) for picture in pictures], "labels": texts}).encode()
        return b"".join([len(head).to_bytes(8, "little"), head, *pictures])

    def _texts(self, values: list[Any]) -> list[str]:
        """Return the names of labels; of a picture without a label, an empty one."""
        numbers, names = numbered(values, self._names, self._where)
        return [
            "" if number == UNLABELLED else str(number) if names is None else names[number]
            for number in numbers.tolist()
        ]

    def _from(self, start: int) -> Iterator[Row]:
        """Yield the rows from `start` on; row groups before it are not read."""
        metadata, first, groups = self._file.metadata, 0, []
        for number in range(metadata.num_row_groups):
            end = first + metadata.row_group(number).num_rows
            if end > start:
                groups = list(range(number, metadata.num_row_groups))
                break
            first = end
        columns = [self._images, *([] if self._labels is None else [self._labels])]
        where = f"{printable(self._path)}, {printable(self._images)}"
        for batch in self._file.iter_batches(_ROWS, row_groups=groups, columns=columns, use_threads=False):
            end = first + batch.num_rows
            if end > start:
                part = batch.slice(max(0, start - first))
                names = batch.schema.names
                begins = max(start, first)
                pictures = as_bytes(
                    part.column(names.index(self._images)), where, begins, self._scale, self._path
                )
                labels = (
                    [None] * len(pictures)
                    if self._labels is None
                    else part.column(names.index(self._labels)).to_pylist()
                )
                yield from ((picture or b"", label) for picture, label in zip(pictures, labels, strict=True))
            first = end
