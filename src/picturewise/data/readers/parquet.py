"""Parquet files with pictures and labels, as the Hugging Face hub stores them: one, or a folder of shards.

Shards are named after their split, `train-00000-of-00002.parquet`. The files are opened in a child process
only, see `untrusted.confined` and `parquet_file`; it needs pyarrow, which the extra `parquet` brings.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.folder_listing import FolderEntry, Listing
from picturewise.data.readers.listed_pictures import read_listings
from picturewise.errors import DataError
from picturewise.names import natural_order, slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of
from picturewise.untrusted.confined.call import Budget, run_confined

IMAGE_COLUMNS = ("image", "img", "images", "picture", "image_bytes", "bytes", "content")
LABEL_COLUMNS = ("label", "labels", "fine_label", "class", "target", "category", "digit", "y")
_MAX_FILE = 4 << 30
_BYTES_A_SECOND = 30 << 20


@dataclass(frozen=True)
class ParquetReader:
    """Recognised Parquet files, see `Reader`."""

    root: Path
    shards: Mapping[SplitName, tuple[Path, ...]]
    hints: Hints = NO_HINTS

    @property
    def name(self) -> str:
        """The folder's name, or the file's without its ending."""
        return slug(self.root if self.root.is_dir() else self.root.with_suffix(""))

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that the files' names say."""
        return tuple(split for split in SPLITS if split in self.shards)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The shards of the split, and those of train."""
        return (*self.shards[split], *self.shards[self.splits[0]])

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read` and `read_listings`."""
        asked = [split for split in self.splits if split in splits]
        first = self.splits[0]
        listings = {split: _listing(self.shards[split]) for split in dict.fromkeys([first, *asked])}
        classes = listings[first].classes
        for split, listing in listings.items():
            strange = [name for name in listing.classes if name not in classes]
            if strange:
                raise DataError(
                    f"{printable(self.root)}: {split} holds the class '{strange[0]}', which {first} does not have."
                )
        shown = printable(self.root)
        places = {split: f"{shown} ({split})" for split in self.splits}
        return read_listings(
            listings, asked, places, shown, options, progress, allocate, said=self.hints.value_range
        )


def recognise(path: Path) -> ParquetReader | None:
    """Return the source for Parquet files at `path`, one or a folder of them; None where there are none.

    Raises:
        OSError: the folder or file cannot be read.
    """
    if path.is_file():
        with path.open("rb") as file:
            return ParquetReader(path, {_split(path.stem): (path,)}) if file.read(4) == b"PAR1" else None
    if not path.is_dir():
        return None
    # The hub keeps the shards in a folder "data" below the set's own.
    for folder in (path, path / "data"):
        if not folder.is_dir():
            continue
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if e.name.lower().endswith(".parquet") and e.is_file())
        shards: dict[SplitName, list[Path]] = defaultdict(list)
        for name in names:
            shards[_split(name)].append(folder / name)
        if shards:
            return ParquetReader(path, {split: tuple(files) for split, files in shards.items()})
    return None


def _split(name: str) -> SplitName:
    words = re.split(r"[-_. ]+", name)
    return next((split for word in words if (split := split_of(word)) is not None), "train")


def _listing(shards: Sequence[Path]) -> Listing:
    """Return the pictures of one split, still packed, with their classes."""
    entries: list[FolderEntry] = []
    named: list[str] | None = None
    found: set[str] = set()
    for path in shards:
        size = path.stat().st_size
        if size > _MAX_FILE:
            raise DataError(
                f"{printable(path)} has {size:,} bytes, expected at most {_MAX_FILE:,}; split it into shards."
            )
        limits = Budget(memory=2 << 30, seconds=3 + size / _BYTES_A_SECOND, output=20 * size + (1 << 26))
        if size < 16 << 20:
            limits = Budget(memory=600 << 20, seconds=limits.seconds, output=limits.output)
        request = {"images": [*IMAGE_COLUMNS], "labels": [*LABEL_COLUMNS]}
        answer = run_confined("picturewise.data.readers.parquet_file:read", path, request, limits)
        content, ends, labels = (answer.arrays.get(name) for name in ("content", "ends", "labels"))
        if ends is None or labels is None or len(ends) != len(labels):
            raise DataError(f"{printable(path)} holds no pictures.")
        names = answer.facts["classes"]
        named = names if answer.facts["ordered"] and names is not None else named
        start = 0
        for row, (end, label) in enumerate(zip(ends.tolist(), labels.tolist(), strict=True)):
            picture = b"" if content is None else content.data[start:end]
            class_name = str(label) if names is None else names[label]
            entries.append(FolderEntry(picture, f"{printable(path.name)}, row {row}", class_name))
            found.add(class_name)
            start = end
    # A name that no picture bears would be an empty class.
    classes = [name for name in named or [] if name in found] or sorted(found, key=natural_order)
    missing = sorted(found - set(classes), key=natural_order)
    return Listing((*classes, *missing), tuple(entries), ())
