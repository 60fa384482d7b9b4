"""Some rows of a Parquet file, read by a confined child that lives on. It needs pyarrow, from the extra `parquet`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from picturewise.data.hints import Hints
from picturewise.data.readers.parquet import IMAGE_COLUMNS, LABEL_COLUMNS, OBEYED
from picturewise.data.readers.split_column import SPLIT_COLUMNS
from picturewise.errors import DataError
from picturewise.untrusted.confined.asked import AskedChild
from picturewise.untrusted.confined.pool_thread import Task
from picturewise.untrusted.confined.protocol import Item

_CHILD = "picturewise.data.shards.parquet_child:reading"
_MEMORY = 2 << 30  # bytes of addresses
_SECONDS = 10.0
_PATIENCE = 600.0  # seconds of real time: a row may be behind gigabytes that have to be read first
AT_ONCE = 16 << 20
"""Bytes of pictures that are asked for at a time, unless a single one has more."""
_MOST = 1 << 30


class ParquetFacts(NamedTuple):
    """What is in a Parquet file of pictures.

    Attributes:
        rows: how many.
        images: the column of the pictures.
        labels: that of the labels; None: there are none.
        lists: whether pictures are lists of numbers, not encoded files.
        scale: the range of these numbers, as facts of a `ValueRange`, if it was asked for.
    """

    rows: int
    images: str
    labels: str | None
    lists: bool
    scale: dict[str, Any] | None


class ParquetRow(NamedTuple):
    """A row: the content of a picture file, empty if it is missing, and the name of its class, empty without one."""

    content: memoryview
    label: str


class ParquetRows:
    """Reads rows of Parquet files; each next request of a file goes on where the last one ended.

    Args:
        hints: the columns, and the values of black and white in lists of numbers.
        learned: those that a classifier was trained on.
    """

    def __init__(self, hints: Hints, learned: tuple[float, float] | None) -> None:
        columns = {
            "images": [*IMAGE_COLUMNS],
            "labels": [*LABEL_COLUMNS],
            "splits": [*SPLIT_COLUMNS],
            **{name: getattr(hints, name) for name in OBEYED[:3]},
            "range": hints.value_range,
            "learned": learned,
            "scale": None,
        }
        self._child = AskedChild(Task(_CHILD, {"columns": columns}, _MEMORY, _SECONDS, _patience), _MOST)

    def facts(self, path: Path, shown: str, *, scale: bool) -> ParquetFacts:
        """Return what is in a file; only its last bytes are read, unless the range of numbers is asked for.

        Args:
            path: the file.
            shown: what to call it in errors.
            scale: also find the range of lists of numbers, for which all of them are read.

        Raises:
            DataError: it cannot be read, or does not contain pictures.
        """
        request = {"task": "facts", "path": str(path.absolute()), "shown": shown, "scale": scale}
        found = self._asked(request, shown)
        try:
            facts = json.loads(found)
            rows, images, labels = facts["rows"], facts["images"], facts["labels"]
            lists, scale_facts = bool(facts["lists"]), facts["scale"]
        except (ValueError, KeyError, TypeError) as error:
            raise _invalid(shown) from error
        if type(rows) is not int or rows < 1 or not isinstance(images, str):
            raise _invalid(shown)
        return ParquetFacts(rows, images, labels, lists, scale_facts)

    def rows(
        self, path: Path, shown: str, start: int, stop: int, *, scale: dict[str, Any] | None, labels: bool
    ) -> Iterator[ParquetRow]:
        """Yield the rows of a file from `start` to before `stop`.

        Args:
            path: the file.
            shown: what to call it in errors.
            start: from 0.
            stop: at most the number of its rows.
            scale: of lists of numbers, from `facts`.
            labels: also read the labels.

        Raises:
            DataError: it cannot be read.
        """
        while start < stop:
            request = {
                "task": "rows", "path": str(path.absolute()), "shown": shown, "start": start, "stop": stop,
                "bytes": AT_ONCE, "scale": scale, "labels": labels,
            }  # fmt: skip
            found = _parsed(self._asked(request, shown), stop - start, shown)
            start += len(found)
            yield from found

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def _asked(self, request: dict[str, Any], shown: str) -> bytes:
        return self._child.ask(json.dumps(request).encode(), shown)


def _parsed(answer: bytes, most: int, shown: str) -> list[ParquetRow]:
    """Return the rows in an answer, which is not trusted."""
    try:
        length = int.from_bytes(answer[:8], "little")
        head = json.loads(answer[8 : 8 + length])
        lengths, labels = list(head["lengths"]), list(head["labels"] or [""] * len(head["lengths"]))
    except (ValueError, KeyError, TypeError) as error:
        raise _invalid(shown) from error
    content = memoryview(answer)[8 + length :]
    sound = all(type(size) is int and size >= 0 for size in lengths)
    sound = sound and all(isinstance(label, str) for label in labels)
    if not (
        sound and 0 < len(lengths) <= most and len(labels) == len(lengths) and sum(lengths) == len(content)
    ):
        raise _invalid(shown)
    ends = itertools.accumulate(lengths)
    return [
        ParquetRow(content[end - size : end], label)
        for size, end, label in zip(lengths, ends, labels, strict=True)
    ]


def _invalid(shown: str) -> DataError:
    return DataError(
        f"{shown} made the library that reads it return invalid data. It is damaged or malicious: download it again."
    )


def _patience(_: Item) -> float:
    return _PATIENCE
