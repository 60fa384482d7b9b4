"""A folder per class, with or without a level of splits above: `flowers/tulip/1.jpg`, `pets/train/cat/1.jpg`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.folder_listing import (
    Listing,
    is_folder,
    list_classes,
    looks_like_picture,
    visible_entries,
)
from picturewise.data.readers.listed_pictures import read_listings
from picturewise.errors import DataError, nearest
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of


@dataclass(frozen=True)
class FolderReader:
    """A recognised folder of class folders, see `Reader`."""

    root: Path
    folders: Mapping[SplitName, Path]
    hints: Hints = NO_HINTS

    @property
    def name(self) -> str:
        """The folder's name, fit for another folder's."""
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

        Where train is not among them, its files are still looked at (not decoded), for it decides the
        classes, the channels and, unless the options do, the size. `progress` counts each look and each
        decoding of a file.
        """
        asked = [split for split in self.splits if split in splits]
        first = self.splits[0]  # train, wherever there is one
        listings = {
            split: list_classes(self.folders[split], self.root) for split in dict.fromkeys([first, *asked])
        }
        _check_classes(listings, first, self.folders)

        places = {split: printable(folder) for split, folder in self.folders.items()}
        return read_listings(
            listings,
            asked,
            places,
            printable(self.root),
            options,
            progress,
            allocate,
            said=self.hints.value_range,
        )


def recognise(path: Path) -> FolderReader | None:
    """Return the source for the folder at `path`, or None where it holds neither folders nor pictures.

    Raises:
        DataError: folders of splits stand beside other folders, or one split has two.
        OSError: the folder cannot be read.
    """
    if not path.is_dir():
        return None
    found = visible_entries(path)
    folders = [entry for entry in found if is_folder(entry)]
    if not folders and not any(looks_like_picture(entry) for entry in found):
        return None
    named = [(split, path / entry.name) for entry in folders if (split := split_of(entry.name)) is not None]
    # A class can be called "train". So the names tell only where all are names of splits, or where one of the
    # folders holds class folders rather than pictures.
    if not named or (len(named) < len(folders) and not any(_holds_folders(folder) for _, folder in named)):
        return FolderReader(path, {"train": path})
    splits = dict(named)
    names = ", ".join(printable(entry.name) for entry in folders)
    if len(named) < len(folders) or len(splits) < len(named):
        raise DataError(
            f"{printable(path)} holds the folders {names}: expected either one folder per class, or one folder "
            "for each of train, valid and test and none beside them; move or rename the others."
        )
    return FolderReader(path, splits)


def _holds_folders(folder: Path) -> bool:
    found = visible_entries(folder)
    return any(map(is_folder, found)) and not any(map(looks_like_picture, found))


def _check_classes(
    listings: Mapping[SplitName, Listing], first: SplitName, folders: Mapping[SplitName, Path]
) -> None:
    """Refuse a single class, class folders of the first split without files, and classes that only others have."""
    shown = printable(folders[first])
    classes = listings[first].classes
    if len(classes) == 1:
        raise DataError(
            f"{shown} holds one folder only, '{classes[0]}', expected one for each of two or more classes. "
            f"If the classes lie in that folder, name it: {shown}/{classes[0]}."
        )
    filled = {entry.class_name for entry in listings[first].entries}
    empty = [name for name in classes if name not in filled]
    if empty:
        raise DataError(
            f"{shown} holds class folders without pictures ({', '.join(empty)}); fill them or take them away."
        )
    for split, listing in listings.items():
        for entry in listing.entries:
            if entry.class_name not in filled:
                raise DataError(
                    f"{printable(folders[split])} holds the class '{entry.class_name}', which {shown} does not "
                    f"have (it has {', '.join(classes)}).{nearest(entry.class_name, classes)}"
                )
