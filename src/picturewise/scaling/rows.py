"""The rows of a part: encoded pictures from shards or files, with their labels, some bytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from picturewise.data.hints import Hints
from picturewise.data.pictures.decode import MAX_BYTES, TOO_LARGE
from picturewise.data.shards.parquet_rows import ParquetRows
from picturewise.data.shards.storage import LocalCopies, Storage
from picturewise.data.shards.tar_samples import TarSamples
from picturewise.errors import DataError
from picturewise.file_names import path_of
from picturewise.scaling.job import Job
from picturewise.scaling.plan import Part
from picturewise.untrusted.confined.protocol import Item


class InputRow(NamedTuple):
    """A picture before it is decoded.

    Attributes:
        path: of the file, or of its shard.
        number: of the row in its shard, or of the file among all files, from 0.
        item: the file, or its content.
        label: the name of its class; empty: none.
        is_number: the label is a number in a .cls file, which may be the position of a class.
        error: why it cannot be read; empty if it may be.
    """

    path: str
    number: int
    item: Item
    label: str = ""
    is_number: bool = False
    error: str = ""

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.item) if isinstance(self.item, bytes | memoryview) else 0


class PartRows:
    """Reads the rows of one part after the other.

    Args:
        job: the plan and the source.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._storage = Storage(job.address)
        self._copies = LocalCopies(self._storage)
        options = job.plan.options
        hints = Hints(
            label_column=options.get("label_column"),
            file_column=options.get("file_column"),
            value_range=options.get("value_range"),
        )
        self._parquet = ParquetRows(hints, None)
        self._labels = job.plan.task == "evaluate"
        self._ignored = 0

    def ignored(self) -> int:
        """Return how many members of the last part's tar were not read."""
        return self._ignored

    def of(self, part: Part) -> Iterator[InputRow]:
        """Yield the rows of a part, in order.

        Raises:
            DataError: a shard cannot be read, or an input has changed since the plan was made.
        """
        if not part.path:
            yield from self._files(part)
            return
        self._ignored = 0
        self._check(part.path)
        shown = self._storage.name(part.path)
        if self._job.plan.form == "tar":
            with self._storage.opened(part.path) as file:
                samples = TarSamples(file, shown)
                for number, sample in enumerate(samples):
                    name = f"{shown}/{sample.name}"
                    yield InputRow(name, number, sample.content, sample.label, sample.is_number, sample.error)
                self._ignored = samples.ignored
            return
        assert part.stop is not None  # noqa: S101 (only a tar's is not known)
        rows = self._parquet.rows(
            self._copies.path(part.path), shown, part.start, part.stop,
            scale=self._job.plan.scale, labels=self._labels,
        )  # fmt: skip
        for number, row in enumerate(rows, start=part.start):
            error = "" if len(row.content) else "it is missing (the cell is empty)"
            yield InputRow(shown, number, row.content, row.label, error=error)

    def close(self) -> None:
        """End the child, and remove the copy of a shard."""
        self._parquet.close()
        self._copies.close()

    def _files(self, part: Part) -> Iterator[InputRow]:
        for number, found in enumerate(self._job.names(part), start=part.start):
            shown = self._storage.name(found.path)
            if found.size < 0:
                yield InputRow(shown, number, b"", error="cannot be read (it does not exist)")
                continue
            if self._storage.stat(found.path)[1:] != found[1:]:
                raise _changed(shown)
            if self._storage.is_local:
                yield InputRow(shown, number, path_of(found.path))
            elif found.size > MAX_BYTES:
                yield InputRow(shown, number, b"", error=f"{TOO_LARGE} ({found.size:,} bytes)")
            else:
                with self._storage.opened(found.path) as file:
                    yield InputRow(shown, number, file.read(MAX_BYTES))

    def _check(self, path: str) -> None:
        if self._storage.stat(path) != self._job.plan.shard(path):
            raise _changed(self._storage.name(path))


def _changed(shown: str) -> DataError:
    return DataError(
        f"{shown} has changed since the plan was made. Choose another folder with --out, and start again."
    )
