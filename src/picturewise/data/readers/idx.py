"""Sets of IDX files: MNIST, Fashion-MNIST and all others in this format, in a folder or as single files.

Names decide what a file is where they say it (`t10k-images-idx3-ubyte.gz`: the test split's pictures), so
that nothing of a split is opened unless it is asked for. Only a file whose name says neither pictures nor
labels has its header read.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.find_value_range import find_value_range
from picturewise.data.arrays.labels import check_labels, numbered_classes
from picturewise.data.arrays.value_range import Conversion, ValueRange
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.pictures import decode
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers import idx_file
from picturewise.data.readers.array_part import array_part
from picturewise.errors import DataError
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of

_TELLING = re.compile(r"(idx[1-4]|ubyte)([-_.](ubyte|gz))*$", re.IGNORECASE)
_ROLES = {"images": "pictures", "image": "pictures", "labels": "labels", "label": "labels"}
_FORMAT_WORDS = frozenset({"idx1", "idx2", "idx3", "idx4", "idx", "ubyte", "gz"})


@dataclass(frozen=True)
class _File:
    """One IDX file and what its name says: its role, its split, and the words that are left."""

    path: Path
    role: str
    split: SplitName | None
    words: tuple[str, ...]
    gzipped: bool


@dataclass(frozen=True)
class _Pair:
    """The files of one split."""

    pictures: Path
    labels: Path | None


@dataclass(frozen=True)
class IdxReader:
    """A recognised set of IDX files, see `Reader`."""

    name: str
    pairs: Mapping[SplitName, _Pair]
    hints: Hints = NO_HINTS

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that the files bring."""
        return tuple(split for split in SPLITS if split in self.pairs)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The files of the split, and those of train."""
        pair, first = self.pairs[split], self.pairs[self.splits[0]]
        files = (pair.pictures, pair.labels, first.labels, first.pictures)
        return tuple(dict.fromkeys(path for path in files if path is not None))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read`."""
        classes, scale = self._classes(), self._scale(options)
        parts = {
            split: self._part(split, classes, scale, options, allocate)
            for split in self.splits
            if split in splits
        }
        return Reading(parts, scale.notes, values=scale.kept)

    def _scale(self, options: ReadOptions) -> ValueRange:
        """Return what the values of train stand for; of bytes, no more are read than tell it."""
        path = self.pairs[self.splits[0]].pictures
        return find_value_range(
            idx_file.value_type(path),
            lambda: idx_file.stored_blocks(path),
            printable(path),
            said=self.hints.value_range,
            learned=options.learned,
        )

    def _classes(self) -> tuple[str, ...]:
        """Return "0" to the largest label of train, or of the first split that has labels."""
        for split in self.splits:
            labels = self.pairs[split].labels
            if labels is not None:
                return numbered_classes(idx_file.read_labels(labels))
        return ()

    def _part(
        self,
        split: SplitName,
        classes: tuple[str, ...],
        scale: ValueRange,
        options: ReadOptions,
        allocate: Allocate,
    ) -> Part:
        pair = self.pairs[split]
        conversion = Conversion(scale, printable(pair.pictures))
        images = idx_file.read_pictures(pair.pictures, allocate, conversion.to_bytes)
        conversion.finish()
        labels = None if pair.labels is None else idx_file.read_labels(pair.labels)
        if labels is not None:
            _check_labels(labels, len(images), classes, pair)
        return array_part(images, labels, classes, printable(pair.pictures), options, allocate)


def recognise(path: Path) -> IdxReader | None:
    """Return the source for IDX files at `path`, a folder or one file of a pair; None where there are none.

    Raises:
        DataError: there are several sets in one folder, or labels without pictures.
        OSError: the folder cannot be read.
    """
    if path.is_dir():
        files = [file for entry in _regular_files(path) if (file := _look_at(entry)) is not None]
        pairs = _pairs(_plain_before_gzipped(files), path)
    else:
        named = _look_at(path)
        if named is None:
            return None
        relatives = [
            file for entry in _regular_files(path.parent) if (file := _relative(entry, named)) is not None
        ]
        pairs = _pairs([named, *_plain_before_gzipped(relatives)], path)
    return IdxReader(slug(path), pairs) if pairs else None


def _regular_files(folder: Path) -> list[Path]:
    """Return the regular files of a folder that are not hidden, sorted by name."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    return [folder / name for name in sorted(names)]


def _look_at(path: Path) -> _File | None:
    """Return what a file is by its name or else by its header, or None where it is no IDX file."""
    words = [word for word in re.split(r"[-_. ]+", path.name.lower()) if word]
    role = next((_ROLES[word] for word in words if word in _ROLES), None)
    telling = _TELLING.search(path.name) is not None
    if role is None or not telling:
        if path.suffix.lower() in decode.SUFFIXES:
            return None
        header = idx_file.sniff(path)
        if header is None and not telling:
            return None
        role = role or ("labels" if header is not None and header.role == "labels" else "pictures")
    split = next((found for word in words if (found := split_of(word)) is not None), None)
    left = tuple(
        word for word in words if word not in _ROLES and word not in _FORMAT_WORDS and split_of(word) is None
    )
    return _File(path, role, split, left, gzipped=words[-1] == "gz")


def _relative(path: Path, named: _File) -> _File | None:
    """Return the file at `path` where it is the other half of the pair that `named` belongs to."""
    words = set(re.split(r"[-_. ]+", path.name.lower()))
    if path == named.path or not set(named.words) <= words:
        return None  # not opened: it cannot be the one
    other = _look_at(path)
    if other is None or other.role == named.role or (other.split, other.words) != (named.split, named.words):
        return None
    return other


def _plain_before_gzipped(files: list[_File]) -> list[_File]:
    """Leave out the gzipped copy of a file that is there unpacked too."""
    plain = {(file.role, file.split, file.words) for file in files if not file.gzipped}
    return [file for file in files if not file.gzipped or (file.role, file.split, file.words) not in plain]


def _pairs(files: list[_File], path: Path) -> dict[SplitName, _Pair]:
    """Return the pair of each split; a pair whose name says no split is train."""
    found: dict[tuple[SplitName, tuple[str, ...]], dict[str, Path]] = defaultdict(dict)
    for file in files:
        roles = found[file.split or "train", file.words]
        if file.role in roles:
            raise DataError(
                f"{printable(path)} holds two files of {file.role} for one split, "
                f"{printable(roles[file.role].name)} and {printable(file.path.name)}, expected one; move one away."
            )
        roles[file.role] = file.path
    sets = sorted({" ".join(words) or "(no name)" for _, words in found})
    if len(sets) > 1:
        raise DataError(
            f"{printable(path)} holds several sets of IDX files ({', '.join(map(printable, sets))}), "
            "expected one; give each a folder of its own, or name one file."
        )
    return {split: _pair(roles) for (split, _), roles in found.items()}


def _pair(roles: Mapping[str, Path]) -> _Pair:
    if "pictures" not in roles:
        lonely = next(iter(roles.values()))
        raise DataError(
            f"{printable(lonely)} has no pictures beside it, expected a file of the same name with 'images' "
            "for 'labels'; put it there."
        )
    return _Pair(roles["pictures"], roles.get("labels"))


def _check_labels(labels: NDArray[np.int64], pictures: int, classes: tuple[str, ...], pair: _Pair) -> None:
    where = f"{printable(pair.labels)}"
    if len(labels) != pictures:
        raise DataError(
            f"{where} holds {len(labels):,} labels for the {pictures:,} pictures of "
            f"{printable(pair.pictures)}, expected one each; the two do not belong together."
        )
    check_labels(labels, classes, where)
