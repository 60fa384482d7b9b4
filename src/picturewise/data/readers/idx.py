"""Sets of IDX files: MNIST, Fashion-MNIST and all others in this format, in a folder or as single files.

Names decide what a file is if they say it (`t10k-images-idx3-ubyte.gz`: the test split's pictures), so that nothing
of a split is opened unless it is asked for. The header is read only if a file's name says neither pictures nor
labels. A file may be in a folder of its own name, as in Kaggle's copy of MNIST. EMNIST, known by its name, stores its
pictures with rows and columns exchanged; they are turned upright.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.find_value_range import find_value_range
from picturewise.data.arrays.labels import (
    UNLABELLED,
    GivenLabels,
    Numbering,
    check_labelled,
    number_classes,
)
from picturewise.data.arrays.lazy_rows import slices
from picturewise.data.arrays.value_range import Conversion, ValueRange
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.pictures import decode
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers import idx_file
from picturewise.data.readers.array_part import array_part
from picturewise.data.readers.class_files import (
    NamedClasses,
    class_file,
    emnist_classes,
    may_name_classes,
    read_class_file,
)
from picturewise.errors import DataError
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of

_TELLING = re.compile(r"(idx[1-4]|ubyte)([-_.](ubyte|byte|int|int32|short|gz))*$", re.IGNORECASE)
_ROLES = {"images": "pictures", "image": "pictures", "labels": "labels", "label": "labels"}
_FORMAT_WORDS = frozenset(
    {"idx1", "idx2", "idx3", "idx4", "idx", "ubyte", "gz", "byte", "uint8", "int8"}
    | {"short", "int16", "int", "int32", "long", "int64"}
)
_SIGNED = frozenset({0x09, 0x0B, 0x0C})  # types that can hold -1
_EMNIST = "emnist"
_TURNED = (
    "The pictures were transposed, because the file names contain 'emnist' and EMNIST stores rows and columns "
    "swapped. If the pictures were already upright, remove 'emnist' from the file names."
)


@dataclass(frozen=True)
class _File:
    """One IDX file and what its name says: its role, its split, and the other words."""

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
    """A set of IDX files, see `Reader`.

    Attributes:
        name: short, fit for a folder name.
        pairs: the files of each split.
        turned: rows and columns are exchanged in the files.
        names: the file with the names of the classes.
        known: the classes, if the set is known by its name.
        notes: what to tell the user.
        hints: none.
    """

    name: str
    pairs: Mapping[SplitName, _Pair]
    turned: bool = False
    names: Path | None = None
    known: NamedClasses | None = None
    notes: tuple[str, ...] = ()
    hints: Hints = NO_HINTS

    def as_stored(self) -> IdxReader:
        """Return the source without the effects of its files' names: pictures as stored, numbers as classes."""
        return IdxReader(self.name, self.pairs)

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in the files."""
        return tuple(split for split in SPLITS if split in self.pairs)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The files of the split, those of train, and the file with the names of the classes."""
        pair, first = self.pairs[split], self.pairs[self.splits[0]]
        files = (pair.pictures, pair.labels, first.labels, first.pictures, self.names)
        return tuple(dict.fromkeys(path for path in files if path is not None))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read`."""
        numbering, scale = self._numbering(), self._scale(options)
        parts = {
            split: self._part(split, numbering, scale, options, allocate)
            for split in self.splits
            if split in splits
        }
        return Reading(parts, (*self.notes, *numbering.notes, *scale.notes), values=scale.kept)

    def _scale(self, options: ReadOptions) -> ValueRange:
        """Return the range of train's values; of bytes, no more are read than necessary."""
        path = self.pairs[self.splits[0]].pictures
        return find_value_range(
            idx_file.value_type(path),
            lambda: idx_file.stored_blocks(path),
            printable(path),
            said=self.hints.value_range,
            learned=options.learned,
        )

    def _numbering(self) -> Numbering:
        """Return the classes: those named by a file or by EMNIST's publication, else "0" to the largest label of train.

        Without labels of train, the first split that has labels decides.
        """
        path = next((path for split in self.splits if (path := self.pairs[split].labels) is not None), None)
        if path is None:
            return Numbering(())
        labels = idx_file.read_labels(path)
        known = self.known if self.names is None else read_class_file(self.names)
        if known is None:
            return number_classes(labels, None, printable(path))
        there = labels.numbers[labels.numbers != UNLABELLED]
        first = known.first if there.min(initial=known.first) >= known.first else 0
        if self.names is not None and there.max(initial=0) >= first + len(known.names):
            note = f"{printable(self.names)} was not used, because it lists only {len(known.names)} classes, but the "
            note += f"labels go up to {there.max()}."
            return replace(number_classes(labels, None, printable(path)), notes=(note,))
        return Numbering(known.names, first)

    def _part(
        self,
        split: SplitName,
        numbering: Numbering,
        scale: ValueRange,
        options: ReadOptions,
        allocate: Allocate,
    ) -> Part:
        pair = self.pairs[split]
        conversion = Conversion(scale, printable(pair.pictures))
        images = idx_file.read_pictures(pair.pictures, allocate, conversion.to_bytes)
        conversion.finish()
        given = None if pair.labels is None else idx_file.read_labels(pair.labels)
        labels = None if given is None else self._labels(given, len(images), numbering, split, options)
        if self.turned:
            count, width, height, channels = images.shape
            upright = allocate(count, (height, width), channels)
            for rows in slices(images):  # (n, W, H, C) → (n, H, W, C)
                upright[rows] = images[rows].swapaxes(1, 2)
            images = upright
        return array_part(images, labels, numbering.classes, printable(pair.pictures), options, allocate)

    def _labels(
        self, given: GivenLabels, count: int, numbering: Numbering, split: SplitName, options: ReadOptions
    ) -> NDArray[np.int64] | None:
        pair = self.pairs[split]
        where = printable(pair.labels)
        if len(given.numbers) != count:
            raise DataError(
                f"{where} contains {len(given.numbers):,} labels for the {count:,} pictures of "
                f"{printable(pair.pictures)}. Check that the two files belong together."
            )
        if not given.are_there:
            if split == self.splits[0]:
                return None
            raise DataError(
                f"{where} contains only {given.mark}, so the {split} pictures do not have labels. Move the {split} "
                f"files to another folder to hold out a {split} split from train instead."
            )
        labels = numbering.of(given, where)
        check_labelled(labels, where, given.mark, skip_bad=options.skip_bad)
        return labels


def recognise(path: Path) -> IdxReader | None:
    """Return the source for IDX files at `path`, a folder or one file of a pair; None if there are none.

    Raises:
        DataError: there are several sets in one folder, or labels without pictures.
        OSError: the folder cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    alone = _alone_in(folder) if _TELLING.search(folder.name) else None
    if alone is not None:  # a folder with the name of its only file
        named, folder = _look_at(alone), folder.parent
    else:
        named = None if path.is_dir() else _look_at(path)
    if named is None:
        if not path.is_dir():
            return None
        files = _plain_before_gzipped(
            [found for file in _files(path) if (found := _look_at(file)) is not None]
        )
    else:
        relatives = [found for file in _files(folder) if (found := _relative(file, named)) is not None]
        files = [named, *_plain_before_gzipped(relatives)]
    pairs = _pairs(files, path)
    if not pairs:
        return None
    pairs, notes = _labelled(pairs)
    beside = [file.name for file in _regular_files(folder)]
    names = class_file(beside, files[0].words)
    left = [
        name
        for name in beside
        if may_name_classes(name) and name != names and _look_at(folder / name) is None
    ]
    notes += tuple(
        f"{printable(name)} seems to list the class names, but was not used. List them in class_names.txt, one "
        "per line."
        for name in left[:3]
    )
    turned = any(_EMNIST in file.words for file in files)
    if turned:
        notes = (_TURNED, *notes)
    return IdxReader(
        slug(path),
        pairs,
        turned,
        None if names is None else folder / names,
        emnist_classes(files[0].words) if turned else None,
        notes,
    )


def _labelled(pairs: Mapping[SplitName, _Pair]) -> tuple[dict[SplitName, _Pair], tuple[str, ...]]:
    """Return the pairs without splits, other than train, whose labels are all -1, which bytes cannot hold."""
    kept, notes = {}, []
    for split, pair in pairs.items():
        header = (
            idx_file.sniff(pair.labels) if pair.labels and split != "train" and "train" in pairs else None
        )
        if header is not None and header.kind in _SIGNED and not _has_labels(pair.labels):
            notes.append(
                f"{printable(pair.labels)} contains only -1, so its pictures do not have labels and were not "
                f"used as the {split} split. To classify them, pass {printable(pair.pictures)} to predict."
            )
        else:
            kept[split] = pair
    return kept, tuple(notes)


def _has_labels(path: Path | None) -> bool:
    try:
        return path is None or idx_file.read_labels(path).are_there
    except DataError:  # reported when it is read
        return True


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder, and single files in a folder with the name of an IDX file."""
    found = _regular_files(folder)
    with os.scandir(folder) as entries:
        folders = sorted(entry.name for entry in entries if entry.is_dir() and _TELLING.search(entry.name))
    alone = [file for name in folders if (file := _alone_in(folder / name)) is not None]
    said = {_said(file.name): file for file in found}
    for file in alone:
        plain = said.get(_said(file.name))
        if plain is None:
            found.append(file)
        elif plain.stat().st_size != file.stat().st_size:
            raise DataError(
                f"{printable(plain)} and {printable(file)} have the same name but differ in size. Remove "
                "the wrong one."
            )
    return found


def _said(name: str) -> tuple[str, ...]:
    return tuple(re.split(r"[-_. ]+", name.casefold()))


def _alone_in(folder: Path) -> Path | None:
    """Return the only file in a folder."""
    files = _regular_files(folder)
    return files[0] if len(files) == 1 else None


def _regular_files(folder: Path) -> list[Path]:
    """Return the regular files of a folder that are not hidden, sorted by name."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    return [folder / name for name in sorted(names)]


def _look_at(path: Path) -> _File | None:
    """Return what a file is, by its name or else by its header, or None if it is not an IDX file."""
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
    """Return the file at `path` if it is the other half of the pair that `named` belongs to."""
    words = set(re.split(r"[-_. ]+", path.name.lower()))
    if path == named.path or not set(named.words) <= words:
        return None  # not opened: it cannot be the one
    other = _look_at(path)
    if other is None or other.role == named.role or (other.split, other.words) != (named.split, named.words):
        return None
    return other


def _plain_before_gzipped(files: list[_File]) -> list[_File]:
    """Leave out the gzipped copy of a file that also exists unpacked."""
    plain = {(file.role, file.split, file.words) for file in files if not file.gzipped}
    return [file for file in files if not file.gzipped or (file.role, file.split, file.words) not in plain]


def _pairs(files: list[_File], path: Path) -> dict[SplitName, _Pair]:
    """Return the pair of each split; a pair without a split in its name is train."""
    found: dict[tuple[SplitName, tuple[str, ...]], dict[str, Path]] = defaultdict(dict)
    for file in files:
        roles = found[file.split or "train", file.words]
        if file.role in roles:
            raise DataError(
                f"{printable(path)} contains two files of {file.role} for the same split: "
                f"{printable(roles[file.role].name)} and {printable(file.path.name)}. Move one of them to another "
                "folder."
            )
        roles[file.role] = file.path
    sets = sorted({" ".join(words) or "(no name)" for _, words in found})
    if len(sets) > 1:
        raise DataError(
            f"{printable(path)} contains several sets of IDX files ({', '.join(map(printable, sets))}). "
            "Move each set to a separate folder, or pass one file."
        )
    return {split: _pair(roles) for (split, _), roles in found.items()}


def _pair(roles: Mapping[str, Path]) -> _Pair:
    if "pictures" not in roles:
        lonely = next(iter(roles.values()))
        raise DataError(
            f"The pictures for {printable(lonely)} were not found. Put their file in the same folder, with the same "
            "name but 'images' instead of 'labels'."
        )
    return _Pair(roles["pictures"], roles.get("labels"))
