r"""Pictures whose class is in their path, found by the user's pattern: `--label-from '(cat|dog)\.'`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.labels import MAX_CLASSES
from picturewise.data.contract import Progress, Reading
from picturewise.data.dataset import Skipped
from picturewise.data.hints import Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.folder_listing import FolderEntry, Listing
from picturewise.data.readers.folders import beside
from picturewise.data.readers.folders.contents import kind_of
from picturewise.data.readers.folders.picture_spread import candidates, spread
from picturewise.data.readers.folders.reader import check_known
from picturewise.data.readers.listed_pictures import read_listings
from picturewise.errors import DataError
from picturewise.names import listed, natural_order, slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName
from picturewise.untrusted.patterns import find_in_names

_OPTION = "--label-from"
_FIRST_NAMES = 1000


@dataclass(frozen=True)
class NamedPicturesReader:
    """Pictures whose class is found by a pattern, see `Reader` and `WithFreshNotes`."""

    root: Path
    folders: Mapping[SplitName, tuple[Path, ...]]
    hints: Hints
    fresh_notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name, fit for a folder name."""
        return slug(self.root)

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that have folders; without such folders, all is train."""
        return tuple(split for split in SPLITS if split in self.folders)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The folders of the split, and those of train."""
        return tuple(dict.fromkeys((*self.folders[self.splits[0]], *self.folders[split])))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read` and `read_listings`."""
        listings = self.listings(splits, skip_bad=options.skip_bad)
        asked = [split for split in self.splits if split in splits]
        places = {split: self._place(split) for split in self.splits}
        reading = read_listings(listings, asked, places, printable(self.root), options, progress, allocate)
        notes = [note for split in asked for note in listings[split].notes]
        return replace(reading, notes=(*notes, *reading.notes))

    def listings(self, splits: Collection[SplitName], *, skip_bad: bool) -> dict[SplitName, Listing]:
        """Return the files and classes of the first split and of the requested ones, without opening any file.

        Raises:
            DataError: the pattern does not match some names, and these must not be left out; or it finds too few or too
                many classes, or a class that is only in a later split.
            UsageError: the pattern is not valid, or takes too long.
        """
        asked = [split for split in self.splits if split in splits]
        first = self.splits[0]
        found = {split: self._listing(split) for split in dict.fromkeys([first, *asked])}
        self._check(found, asked, skip_bad=skip_bad)
        return found

    def _place(self, split: SplitName) -> str:
        return printable(self.folders[split][0])

    def _listing(self, split: SplitName) -> Listing:
        files, masks = _files(self.root, self.folders[split])
        names = [printable(name) for name in files]
        entries, bad = [], []
        for file, name, label in zip(files, names, self._labels(names), strict=True):
            if label:
                entries.append(FolderEntry(self.root / file, name, printable(label)))
            else:
                bad.append(Skipped(name, f"its path does not match {_OPTION} {self._pattern}"))
        classes = sorted({entry.class_name for entry in entries}, key=natural_order)
        return Listing(tuple(classes), tuple(entries), tuple(bad), _on_masks(masks))

    def _labels(self, names: Sequence[str]) -> list[str | None]:
        return find_in_names(self.hints.label_from or "", names, option=_OPTION)

    @property
    def _pattern(self) -> str:
        return f"'{printable(self.hints.label_from)}'"

    def _check(
        self,
        listings: Mapping[SplitName, Listing],
        asked: Collection[SplitName],
        *,
        skip_bad: bool,
    ) -> None:
        first = next(iter(listings))
        classes, place = listings[first].classes, self._place(first)
        unmatched = [item for split in asked for item in listings[split].bad]
        whole = len(unmatched) + sum(len(listings[split].entries) for split in asked)
        if not classes:
            path = listings[first].bad[0].path if listings[first].bad else "none"
            raise DataError(
                f"{_OPTION} {self._pattern} does not match the path of any picture in {place}; the first path is "
                f"{path}. If the folders are the classes, use {_OPTION} '([^/]+)/[^/]+$'."
            )
        if unmatched and not skip_bad:
            raise DataError(
                f"{printable(self.root)}: {_OPTION} {self._pattern} does not match the paths of "
                f"{len(unmatched):,} of {whole:,} pictures; the first is {unmatched[0].path}. Correct the pattern, or "
                "leave these pictures out with --skip-bad."
            )
        if not 2 <= len(classes) <= MAX_CLASSES:
            raise DataError(
                f"{_OPTION} {self._pattern} finds {len(classes):,} {'class' if len(classes) == 1 else 'classes'} in "
                f"{place} (the first is '{classes[0]}'). Use a pattern that finds 2 to {MAX_CLASSES:,} classes."
            )
        for split, listing in listings.items():
            check_known(self._place(split), listing.classes, classes, place)


def recognise(path: Path, hints: Hints) -> NamedPicturesReader | None:
    """Return the source for the pictures below a folder, or None if no pattern is given or there are no pictures.

    A folder of validation or test pictures whose paths do not match is not a split: its pictures do not have
    classes.

    Raises:
        DataError: there are other folders beside the folders of splits.
        UsageError: the pattern is not valid, or takes too long.
        OSError: a folder cannot be read.
    """
    if hints.label_from is None or not path.is_dir() or kind_of(path) not in {"pictures", "files"}:
        return None
    found = spread(path)
    folders, notes = dict(found.folders), [*found.notes]
    first = next(split for split in SPLITS if split in folders)
    for split in [split for split in folders if split != first]:
        names, _ = _files(path, folders[split])
        shown = [printable(name) for name in names]
        for part in (shown[:_FIRST_NAMES], shown[_FIRST_NAMES:]):
            if part and any(find_in_names(hints.label_from, part, option=_OPTION)):
                break
        else:
            notes += [beside.unlabelled(folder, path, split) for folder in folders.pop(split)]
    return NamedPicturesReader(path, folders, hints.only("label_from"), tuple(notes))


def _files(root: Path, folders: Sequence[Path]) -> tuple[list[str], list[str]]:
    """Return the paths below the source of the files in some folders, and of the folders of masks among them."""
    files, masks = [], []
    for folder in folders:
        above = "" if folder == root else folder.relative_to(root).as_posix() + "/"
        found, aside = candidates(folder)
        files += [above + name for name in found]
        masks += [above + name for name in aside]
    return sorted(files), sorted(masks)


def _on_masks(masks: Sequence[str]) -> tuple[str, ...]:
    if not masks:
        return ()
    return (f"The files in {listed(masks)} were not used, because they seem to be masks or annotations.",)
