"""CIFAR-10 and CIFAR-100, the Python and the binary version: an archive as published, its folder, or one file."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.array_part import array_part
from picturewise.data.readers.cifar_files import (
    TRAIN_BATCHES,
    Batch,
    Classes,
    File,
    file_of,
    read_batch,
    read_classes,
)
from picturewise.errors import DataError
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName
from picturewise.untrusted.archives import archive
from picturewise.untrusted.scratch import Content, private_copy

_FOLDERS = ("cifar-10-batches-py", "cifar-100-python", "cifar-10-batches-bin", "cifar-100-binary")


@dataclass(frozen=True)
class CifarReader:
    """A recognised set, see `Reader`; `files` are those of a folder, none if `path` is an archive."""

    path: Path
    classes: Classes
    binary: bool
    files: Mapping[Path, File] | None
    hints: Hints = NO_HINTS

    @property
    def name(self) -> str:
        """The file's or folder's name, fit for a folder name."""
        return slug(
            self.path.with_name(re.sub(r"\.(tar\.gz|tgz|tar|zip|bin)$", "", self.path.name) or "cifar")
        )

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that have files; an archive is assumed to have both, because looking would unpack it."""
        if self.files is None:
            return ("train", "test")
        there = {file.split for file in self.files.values()}
        return tuple(split for split in SPLITS if split in there)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The archive, or the files of the folder."""
        return (self.path,) if self.files is None else tuple(self.files)

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read`. In an archive, other batches are skipped."""
        batches: dict[SplitName, dict[int, Batch]] = {split: {} for split in self.splits if split in splits}
        classes: tuple[str, ...] = ()
        for file, content, where in self._opened(batches):
            if file.split is None:
                classes = read_classes(content, file, where)
            elif file.number in batches[file.split]:
                raise DataError(f"{where} is a duplicate. Keep only one copy of each batch.")
            else:
                batches[file.split][file.number] = read_batch(content, file, where)
        self._check_complete(batches)
        notes = (
            ()
            if classes
            else ("The file with the class names is missing, so the class numbers were used as names.",)
        )
        classes = classes or tuple(map(str, range(self.classes)))
        return Reading(
            {
                split: self._part(split, batches.pop(split), classes, options, allocate)
                for split in list(batches)
            },
            notes,
        )

    def _opened(self, splits: Collection[SplitName]) -> Iterator[tuple[File, Content, str]]:
        """Yield each file that is needed, its content, and what to call it."""

        def wanted(file: File | None) -> bool:
            return (
                file is not None
                and (file.classes, file.binary) == (self.classes, self.binary)
                and (file.split is None or file.split in splits)
            )

        if self.files is not None:
            for path, file in self.files.items():
                if wanted(file):
                    yield file, private_copy(path), printable(path)
            return
        for name, content in archive.members(self.path, lambda name: wanted(file_of(name))):
            if (found := file_of(name)) is not None:
                yield found, content, f"{printable(self.path)}: {printable(name)}"

    def _check_complete(self, batches: Mapping[SplitName, Mapping[int, Batch]]) -> None:
        """Refuse an archive without all of its batches: a truncated one may look complete."""
        for split, found in batches.items():
            expected = TRAIN_BATCHES[self.classes] if split == "train" else 1
            if self.files is None and sorted(found) != list(range(1, expected + 1)):
                raise DataError(
                    f"{printable(self.path)} contains only {len(found)} of the {expected} files of the "
                    f"CIFAR-{self.classes} {split} split. Download it again."
                )

    def _part(
        self,
        split: SplitName,
        found: Mapping[int, Batch],
        classes: tuple[str, ...],
        options: ReadOptions,
        allocate: Allocate,
    ) -> Part:
        batches = [found[number] for number in sorted(found)]
        images = allocate(sum(len(batch.images) for batch in batches), (32, 32), 3)
        done = 0
        for batch in batches:
            images[done : done + len(batch.images)] = batch.images
            done += len(batch.images)
        labels = np.concatenate([batch.labels for batch in batches])
        names = [name for batch in batches for name in batch.names or ()]
        origin = f"{printable(self.path)} ({split})"
        known = names if len(names) == len(images) else None
        return array_part(images, labels, classes, origin, options, allocate, names=known)


def recognise(path: Path) -> CifarReader | None:
    """Return the source for CIFAR at `path`: an archive, a folder of its files or around one, or one batch.

    Raises:
        DataError: an archive has CIFAR's name, but cannot be read.
        OSError: `path` cannot be read.
    """
    if not path.is_dir():
        return _in_archive(path) or _from([path, *_class_names_beside(path)], path)
    if (source := _from([path / name for name in sorted(os.listdir(path))], path)) is not None:  # noqa: PTH208
        return source
    inner = [path / name for name in _FOLDERS if (path / name).is_dir()]
    return recognise(inner[0]) if len(inner) == 1 else None


def _in_archive(path: Path) -> CifarReader | None:
    try:
        if archive.is_zip(path):
            names: tuple[str, ...] = archive.zip_names(path)
        elif archive.is_tar(path):
            names = (archive.first_name(path),)
        else:
            _refuse_by_name(path)
            return None
    except DataError:
        if "cifar" in path.name.lower():
            raise
        return None  # some other archive, no matter what is wrong with it
    # A name such as `train` says little; in the published archives, the folder says the rest.
    files = [file for name in names if (file := file_of(name)) is not None and _telling(name)]
    return CifarReader(path, files[0].classes, files[0].binary, None) if files else None


def _refuse_by_name(path: Path) -> None:
    if re.fullmatch(r"cifar-?100?-(python|binary)\.(tar\.gz|tgz|tar)", path.name.lower()):
        raise DataError(f"{printable(path)} is damaged or not a CIFAR archive. Download it again.")


def _telling(name: str) -> bool:
    return "/" not in name or any(folder in name for folder in _FOLDERS) or "batch" in name


def _from(paths: list[Path], place: Path) -> CifarReader | None:
    """Return the source for files, or None if they are not CIFAR's."""
    known = {path: file for path in paths if (file := file_of(path.name)) is not None and path.is_file()}
    kinds = dict.fromkeys(
        (file.classes, file.binary)
        for path, file in known.items()
        if file.split is not None and _looks_right(path, file)
    )
    for classes, binary in kinds:
        files = {
            path: file for path, file in known.items() if (file.classes, file.binary) == (classes, binary)
        }
        return CifarReader(place, classes, binary, files)
    return None


def _looks_right(path: Path, file: File) -> bool:
    """Return whether a file can be what its name says; names such as `data_batch_1` are enough."""
    if file.classes == 10:
        return True
    if file.binary:
        return path.stat().st_size % 3074 == 0
    with path.open("rb") as opened:
        return opened.read(1) in {b"\x80", b"("}


def _class_names_beside(path: Path) -> list[Path]:
    file = file_of(path.name)
    names = ("batches.meta", "meta", "batches.meta.txt", "fine_label_names.txt")
    return [path.with_name(name) for name in names] if file is not None and file.split is not None else []
