"""Tars of pictures and labels as a source to train on: one tar, or a folder of them, in the layout of WebDataset.

Shards are named after their split, `train-0017.tar`, or are in a folder with its name. The pictures are copied, still
encoded, to a temporary file that is mapped while they are decoded, so a set may be larger than memory.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from picturewise.cache_folder import imports_folder, no_room
from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Progress, Reading
from picturewise.data.dataset import Skipped
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.folder_listing import FolderEntry, Listing, is_folder, visible_entries
from picturewise.data.readers.listed_pictures import check_same_classes, read_listings
from picturewise.data.readers.parquet import by_split, split_in_name
from picturewise.data.shards.inputs import TARS
from picturewise.data.shards.tar_samples import Sample, TarSamples
from picturewise.errors import DataError
from picturewise.names import listed, natural_order, slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of

_OBEYED = ("value_range", "target")
_ABOUT = frozenset({".md", ".txt", ".pdf", ".html"})  # texts about the set
_FEW = 50  # pictures of a set whose labels may all differ
_UNLABELLED = "it does not have a label (.cls, .json or .txt)"


@dataclass(frozen=True)
class TarReader:
    """Tars, see `Reader`.

    Attributes:
        root: the folder, or the tar.
        shards: the tars of each split.
        hints: those that it obeys.
        beside: the names of what is beside the tars and is not read.
    """

    root: Path
    shards: Mapping[SplitName, tuple[Path, ...]]
    hints: Hints = NO_HINTS
    beside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name, or the tar's without its ending."""
        return slug(self.root if self.root.is_dir() else self.root.with_name(_stem(self.root.name)))

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in the tars' names."""
        return tuple(split for split in SPLITS if split in self.shards)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The tars of the split, and those of the first one, which decides the classes."""
        return tuple(dict.fromkeys((*self.shards[split], *self.shards[self.splits[0]])))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read` and `read_listings`."""
        asked = [split for split in self.splits if split in splits]
        needed = list(dict.fromkeys([self.splits[0], *asked]))
        listings = {split: self._listing(split) for split in needed}
        if not self.hints.sequences:
            check_same_classes(listings, self.root)
        shown = printable(self.root)
        places = {split: f"{shown} ({split})" for split in self.splits}
        reading = read_listings(
            listings, asked, places, shown, options, progress, allocate,
            said=self.hints.value_range, sequences=self.hints.sequences,
        )  # fmt: skip
        notes = [note for listing in listings.values() for note in listing.notes]
        if self.beside:
            was = "was" if len(self.beside) == 1 else "were"
            notes.append(f"{shown}: {listed(self.beside)} {was} not used, because the folder contains tars.")
        return replace(reading, notes=(*notes, *reading.notes))

    def _listing(self, split: SplitName) -> Listing:
        """Return the pictures of a split with their classes, those that cannot be used among the bad files."""
        with contextlib.closing(_Copied()) as copied:
            copied.add(self.shards[split])
            return self._listed(copied, split)

    def _listed(self, copied: _Copied, split: SplitName) -> Listing:
        if not copied.named and not copied.bad:
            raise DataError(
                f"{printable(self.shards[split][0])} does not contain any pictures. If it contains archives of "
                "pictures, unpack it and pass the folder."
            )
        if not any(label for _, label in copied.named):
            raise DataError(
                f"{printable(self.shards[split][0])}: no picture has a label, which is a file of the same name with "
                "the ending .cls, .json or .txt. If folders are the classes, unpack the tar and pass the folder."
            )
        entries = tuple(
            FolderEntry(content, name, label)
            for content, (name, label) in zip(copied.contents(), copied.named, strict=True)
            if label
        )
        bad = [Skipped(name, _UNLABELLED) for name, label in copied.named if not label]
        classes = sorted({entry.class_name for entry in entries}, key=natural_order)
        if not self.hints.sequences and len(entries) >= _FEW and 2 * len(classes) > len(entries):
            raise DataError(
                f"{printable(self.root)}: {len(entries):,} pictures have {len(classes):,} different labels, such as "
                f"'{printable(classes[0])[:40]}', so these are not classes. Write the class of each picture to a .cls "
                "file, or pass --target sequence for texts that are read from the picture."
            )
        return Listing(tuple(classes), entries, tuple(copied.bad + bad), copied.notes())


def recognise(path: Path, hints: Hints = NO_HINTS) -> TarReader | None:
    """Return the source for tars at `path`, one or a folder of them; None if there are none.

    Raises:
        DataError: a folder contains tars, and folders with tars that are not splits.
        OSError: the folder cannot be read.
    """
    kept = hints.only(*_OBEYED)
    if path.is_file():
        is_tar = path.name.lower().endswith(TARS)
        return TarReader(path, by_split({path: _split(path)}), kept) if is_tar else None
    own = _tars(path) if path.is_dir() else []
    if own:
        beside = tuple(
            entry.name
            for entry in visible_entries(path)
            if not _is_tar(entry) and Path(entry.name).suffix.lower() not in _ABOUT
        )
        return TarReader(path, by_split({file: _split(file) for file in own}), kept, beside)
    inside = (
        {entry.name: Path(entry.path) for entry in visible_entries(path) if is_folder(entry)}
        if path.is_dir()
        else {}
    )
    found = {name: files for name, folder in inside.items() if (files := _tars(folder))}
    if not found:
        return None
    splits = {name: split_of(name) for name in found}
    unknown = [name for name, split in splits.items() if split is None]
    if unknown or len(set(splits.values())) < len(splits):
        raise DataError(
            f"{printable(path)} contains several sets of tars, in the folders {listed(list(found))}. Pass one of them, "
            f"such as {printable(inside[next(iter(found))])}."
        )
    return TarReader(
        path, {split: tuple(found[name]) for name, split in splits.items() if split is not None}, kept
    )


def _split(tar: Path) -> SplitName | None:
    return split_in_name(_stem(tar.name))


def _stem(name: str) -> str:
    ending = next((ending for ending in TARS if name.lower().endswith(ending)), "")
    return name[: len(name) - len(ending)] if ending else name


def _tars(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in visible_entries(folder) if _is_tar(entry)]


def _is_tar(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(TARS) and not is_folder(entry)


class _Copied:
    """The encoded pictures of some tars, one after the other in a temporary file without a name.

    Attributes:
        named: the name and the label of each picture.
        bad: pictures that cannot be used.
    """

    def __init__(self) -> None:
        self.named: list[tuple[str, str]] = []
        self.bad: list[Skipped] = []
        self._ends: list[int] = []
        self._ignored = 0
        try:
            imports_folder().mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=imports_folder(), prefix="shards-")  # noqa: SIM115 (kept)
        except OSError as error:
            raise no_room("Cannot create a temporary file in", error) from error

    def add(self, tars: Collection[Path]) -> None:
        """Copy the pictures of some tars.

        Raises:
            DataError: one is damaged.
            SaveError: there is no room.
            OSError: one cannot be read.
        """
        try:
            for path in tars:
                for name, sample in self._samples(path):
                    self._add(name, sample)
            self._file.flush()
        except OSError as error:
            if error.filename is not None:  # a tar, because the temporary file has no name
                raise
            raise no_room("Cannot write a temporary file in", error) from error

    def close(self) -> None:
        """Remove the file; what is mapped stays."""
        self._file.close()

    def contents(self) -> Iterator[memoryview]:
        """Yield the pictures, mapped from the file."""
        if not self._ends:
            return
        whole = memoryview(mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ))
        start = 0
        for end in self._ends:
            yield whole[start:end]
            start = end

    def notes(self) -> tuple[str, ...]:
        """Return what to tell about members that were not read."""
        if not self._ignored:
            return ()
        one = self._ignored == 1
        what = "1 member of the tars was" if one else f"{self._ignored:,} members of the tars were"
        return (f"{what} not used: only pictures and .cls, .json and .txt files are read, and no links.",)

    def _samples(self, path: Path) -> Iterator[tuple[str, Sample]]:
        shown = printable(path.name)
        with path.open("rb") as file:
            samples = TarSamples(file, printable(path))
            for sample in samples:
                yield f"{shown}/{printable(sample.name)}", sample
            self._ignored += samples.ignored

    def _add(self, name: str, sample: Sample) -> None:
        if sample.error or not sample.content:
            self.bad.append(Skipped(name, sample.error or "it is empty"))
            return
        self._file.write(sample.content)
        self._ends.append((self._ends[-1] if self._ends else 0) + len(sample.content))
        self.named.append((name, sample.label))
