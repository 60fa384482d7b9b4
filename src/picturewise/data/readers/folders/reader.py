"""A folder per class, with or without a level of splits above: `flowers/tulip/1.jpg`, `pets/train/cat/1.jpg`.

`layout` decides which folders these are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.folder_listing import Listing, list_classes
from picturewise.data.readers.folders.layout import lay_out
from picturewise.data.readers.listed_pictures import read_listings
from picturewise.errors import DataError, nearest
from picturewise.names import listed, slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName


@dataclass(frozen=True)
class FolderReader:
    """A folder of class folders, see `Reader` and `WithFreshNotes`."""

    root: Path
    folders: Mapping[SplitName, Path]
    hints: Hints = NO_HINTS
    fresh_notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name, fit for a folder name."""
        return slug(self.root)

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that have a folder; without such folders, all is train."""
        return tuple(split for split in SPLITS if split in self.folders)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The folder of the split, and that of train."""
        return tuple(dict.fromkeys((self.folders[self.splits[0]], self.folders[split])))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read`.

        If train is not requested, its files are still looked at (not decoded), because it decides the
        classes, the channels and, unless the options do, the size. `progress` counts each look and each
        decoding of a file.
        """
        asked = [split for split in self.splits if split in splits]
        first = self.splits[0]  # train, if there is one
        listings = {
            split: list_classes(self.folders[split], self.root) for split in dict.fromkeys([first, *asked])
        }
        _check_classes(listings, first, self.folders)

        places = {split: printable(folder) for split, folder in self.folders.items()}
        reading = read_listings(
            listings,
            asked,
            places,
            printable(self.root),
            options,
            progress,
            allocate,
            said=self.hints.value_range,
        )
        notes = [note for split in asked for note in listings[split].notes]
        return replace(reading, notes=(*notes, *reading.notes))


def recognise(path: Path) -> FolderReader | None:
    """Return the source for the folder at `path`, or None if there are no pictures in folders in it.

    Raises:
        DataError: there are pictures, but it is not clear which folders are their classes.
        OSError: a folder cannot be read.
    """
    found = lay_out(path) if path.is_dir() else None
    return None if found is None else FolderReader(path, found.folders, fresh_notes=found.notes)


def check_known(place: str, found: Sequence[str], classes: Sequence[str], first: str) -> None:
    """Check that a split has only classes of the first split.

    Args:
        place: what to call the split.
        found: its classes.
        classes: those of the first split.
        first: what to call the first split.

    Raises:
        DataError: it has another class; the message suggests the nearest.
    """
    for name in found:
        if name not in classes:
            alike = [known for known in classes if known.casefold().strip() == name.casefold().strip()]
            offered = f" Did you mean '{alike[0]}'?" if alike else nearest(name, classes)
            raise DataError(
                f"{place} contains the class '{name}', but {first} does not (its classes are "
                f"{listed(classes)}).{offered}"
            )


def _check_classes(
    listings: Mapping[SplitName, Listing], first: SplitName, folders: Mapping[SplitName, Path]
) -> None:
    """Refuse a single class, and classes that are not in the first split."""
    shown, classes = printable(folders[first]), listings[first].classes
    if len(classes) == 1:
        raise DataError(
            f"{shown} contains pictures of only one class, '{classes[0]}'. Expected one folder for each of two or more "
            "classes."
        )
    for split, listing in listings.items():
        check_known(printable(folders[split]), listing.classes, classes, shown)
