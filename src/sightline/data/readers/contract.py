"""What every reader offers: a source that knows its splits from names alone and opens only those asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.data.dataset import Skipped, SplitName
from sightline.data.digests import digest
from sightline.data.imageset import ImageSet
from sightline.data.options import DataOptions

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Part:
    """One split as the source has it.

    Attributes:
        pictures: the split, brought to the size that the options ask for.
        digests: one per picture, of its bytes *as the source has them*, before any resizing: what a carved
            split is decided by must not change with the options or with the version of a decoder.
    """

    pictures: ImageSet
    digests: tuple[bytes, ...]


@dataclass(frozen=True)
class Reading:
    """What reading a source brought: the parts asked for, decisions in sentences, files left out."""

    parts: Mapping[SplitName, Part]
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()


class Source(Protocol):
    """Data of a form that a reader has recognised; no picture has been opened yet."""

    @property
    def name(self) -> str:
        """Short, fit for a folder name."""
        ...

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that the source brings itself, in the order train, valid, test."""
        ...

    def read(
        self, splits: Collection[SplitName], options: DataOptions, progress: Progress | None = None
    ) -> Reading:
        """Return the pictures of `splits`, each one of `self.splits`; no other split's pictures are opened.

        Classes, and where the options leave them open the size and the channels, are those of train, so
        that a split looks the same whichever others are read with it.

        Raises:
            DataError: something cannot be read or does not go together.
        """
        ...


def digest_each(images: NDArray[np.uint8]) -> tuple[bytes, ...]:
    """Return the digest of each picture of (N, H, W, C)."""
    flat = np.ascontiguousarray(images).reshape(-1).data
    length = images[0].size if len(images) else 0
    return tuple(digest(flat[i * length : (i + 1) * length]) for i in range(len(images)))


_SPLIT_WORDS: Mapping[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "valid",
    "valid": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
    "t10k": "test",
}


def split_of(word: str) -> SplitName | None:
    """Return the split that a folder's name or a word of a file's name stands for, in any case, or None.

    >>> split_of("Validation"), split_of("roses")
    ('valid', None)
    """
    return _SPLIT_WORDS.get(word.casefold())
