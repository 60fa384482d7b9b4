"""The interfaces of readers and sources.

A reader knows one form of files, and finds its splits from names alone; a source is anything that pictures can come
from, files or Python objects, recognised once. Both open only the splits that are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.lazy_rows import Table
from picturewise.data.arrays.value_range import Ends
from picturewise.data.dataset import Skipped
from picturewise.data.hints import Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.cut import Cut
from picturewise.data.read_options import ReadOptions
from picturewise.split_names import SplitName

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Part:
    """One split as it is in the source.

    Attributes:
        pictures: the split, resized as the options ask.
        digests: (N, 16), one per picture, of its bytes *as they are in the source*, before any resizing: what a
            held out split depends on must not change with the options or with the version of a decoder. None
            if the pictures are unchanged, so that their own digests say the same.
        skipped: files of this split that were left out.
    """

    pictures: ImageSet
    digests: Table[np.uint8] | None = None
    skipped: tuple[Skipped, ...] = ()

    @property
    def source_digests(self) -> Table[np.uint8]:
        """`digests`, or if there are none, those of the pictures, which are then the same."""
        return self.pictures.statistics.digests if self.digests is None else self.digests


@dataclass(frozen=True)
class Reading:
    """The result of reading a source.

    Attributes:
        parts: the splits that were asked for.
        notes: decisions, in sentences.
        reserved: test pictures that were held out from the same pictures as train, see `Dataset`.
        whole_train: the fingerprint of train before anything was held out, see `Dataset`.
        background: what transparent pictures are put on.
        values: the stored values of black and white, see `Dataset`.
        cut: what was cut out of the pictures by their boxes, see `Dataset`.
    """

    parts: Mapping[SplitName, Part]
    notes: tuple[str, ...] = ()
    reserved: ImageSet | None = None
    whole_train: str | None = None
    background: Background = WHITE
    values: Ends | None = None
    cut: Cut | None = None

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The files that were left out of the parts."""
        return tuple(item for part in self.parts.values() for item in part.skipped)


@dataclass(frozen=True, eq=False)
class Block:
    """Some consecutive pictures of a source, and the files among them that cannot be used.

    Attributes:
        pictures: those that can be used.
        bad: the other files, each by its place among both.
        left_out: what is beside them and is not read.
        notes: decisions, in sentences.
        first: how many pictures of the source are before these.
        cut: what was cut out of them by their boxes, see `Dataset`.
    """

    pictures: ImageSet
    bad: Mapping[int, Skipped] = field(default_factory=dict)
    left_out: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    first: int = 0
    cut: Cut | None = None


def pictures_at_once(shape: tuple[int, int, int]) -> int:
    """Return how many pictures of a shape (H, W, C) are in a block: at most 64 MB of pixels.

    >>> pictures_at_once((28, 28, 1)), pictures_at_once((224, 224, 3))
    (8192, 445)
    """
    return min(_MOST, max(_LEAST, _BYTES // math.prod(shape)))


_BYTES = 64 << 20
_LEAST, _MOST = 16, 8192


class Reader(Protocol):
    """Files whose form was recognised; no picture has been opened yet."""

    @property
    def name(self) -> str:
        """Short, fit for a folder name."""
        ...

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that are in the files, in the order train, valid, test."""
        ...

    @property
    def hints(self) -> Hints:
        """The hints that it was recognised with and that it obeys."""
        ...

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """Return what reading a split depends on: files and folders, and in words what is neither.

        As long as none of them changes, the split need not be read again.
        """
        ...

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`, each one of `self.splits`; no other split's pictures are opened.

        The classes, and the size and the channels if the options leave them open, are those of train, so that a split
        is the same whichever other splits are read with it. An array for many pictures comes from `allocate`, which
        may return a memory map, so that a set larger than memory can be read.

        Raises:
            DataError: something cannot be read or is inconsistent.
        """
        ...


@runtime_checkable
class WithFreshNotes(Protocol):
    """A reader with notes about the files that it recognised, such as unused files beside them."""

    @property
    def fresh_notes(self) -> tuple[str, ...]:
        """Sentences that are shown whenever the source is read, and are not part of its import."""
        ...


class Source(Protocol):
    """Anything that pictures can come from, recognised by looking at it; no picture has been opened yet."""

    @property
    def name(self) -> str:
        """Short, fit for a folder name."""
        ...

    @property
    def place(self) -> str | None:
        """Its name in a recipe: a catalogue name or an absolute path. None: the pictures are only in memory."""
        ...

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that it has itself, in the order train, valid, test."""
        ...

    @property
    def hints(self) -> Hints:
        """The hints that it was recognised with and that it obeys."""
        ...

    @property
    def complete(self) -> bool:
        """Whether its splits are final: a missing split must not be held out from its train split."""
        ...

    def read(
        self, splits: Collection[SplitName], options: ReadOptions, progress: Progress | None = None
    ) -> Reading:
        """Return the pictures of `splits`, each one of `self.splits`, as `Reader.read` does.

        Files are resized as the options ask; pictures in memory stay as they are.

        Raises:
            DataError: something cannot be read or is inconsistent.
        """
        ...
