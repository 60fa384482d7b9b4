"""Pictures whose classes are in lists beside them, such as `train.csv` or `metadata.jsonl`; see `Reader`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.labels import MAX_CLASSES
from picturewise.data.arrays.symbols import OPTIONS, refuse_if_ambiguous
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.dataset import Skipped
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.folder_listing import FolderEntry, Listing, list_classes
from picturewise.data.readers.listed_pictures import read_listings
from picturewise.data.readers.lists.judge import PictureList
from picturewise.data.readers.lists.pictures import Pictures
from picturewise.data.readers.lists.rows import ListRows, read_rows
from picturewise.errors import DataError, nearest
from picturewise.file_names import text_of
from picturewise.names import natural_order, slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName

_MANY = 10  # so many pictures of a split are not all of one class by chance


@dataclass(frozen=True, eq=False)
class ListReader:
    """Lists of pictures, see `Reader`. A single list without labels is train without labels.

    Attributes:
        root: the folder that was named, or the list.
        pictures: those that the lists are about.
        lists: the list of each split; one list can have several.
        others: lists without labels, whose pictures are not a split.
        scope: the folders that decide what is read, and the list, if it was named.
        notes: what to tell the user, apart from notes about the lines.
        hints: what the user says about the lists.
        train_folder: holds the class folders of train, if no list names its pictures, as in Tiny ImageNet.
    """

    root: Path
    pictures: Pictures
    lists: Mapping[SplitName, PictureList]
    others: tuple[PictureList, ...]
    scope: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    hints: Hints = NO_HINTS
    train_folder: Path | None = None

    @property
    def name(self) -> str:
        """The folder's name, or the list's."""
        return slug(self.root if self.root.is_dir() else self.root.with_suffix(""))

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in the lists' names, their lines or their pictures' folders."""
        return tuple(split for split in SPLITS if split in self.lists or self._in_folders(split))

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The folder that was named, or the list and the folders of its pictures; the same for each split."""
        del split
        return self.scope

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
        texts = self.hints.sequences
        rows = {
            found.path: read_rows(found, as_texts=texts)
            for found in dict.fromkeys([*self.lists.values(), *self.others])
        }
        _check_apart(self.lists, rows)
        for split in self.lists.keys() & set(asked) if not options.skip_bad else ():
            _check_lines(self.lists[split], rows[self.lists[split].path], split, self.pictures.root)
        listings = {
            split: _listing(rows[self.lists[split].path], split, self.pictures.root)
            if split in self.lists
            else list_classes(self.train_folder or self.root, self.root)
            for split in dict.fromkeys([first, *asked])
        }
        labelled = self.train_folder is not None or self.lists[first].labelled
        places = {split: found.path for split, found in self.lists.items()}
        if self.train_folder is not None:
            places["train"] = self.train_folder
        if labelled and not self.hints.sequences:
            if self.hints.target is None:
                refuse_if_ambiguous(listings[first].classes, printable(places[first]), options=OPTIONS)
            _check_classes(listings, places, first)
        reading = read_listings(
            listings,
            asked,
            {split: printable(place) for split, place in places.items()},
            printable(self.root),
            options,
            progress,
            allocate,
            said=self.hints.value_range,
            sequences=labelled and self.hints.sequences,
        )
        parts = reading.parts if labelled else {split: _bare(part) for split, part in reading.parts.items()}
        of_folders = listings["train"].notes if self.train_folder is not None else ()
        return replace(reading, parts=parts, notes=(*self._notes(rows), *of_folders, *reading.notes))

    def _in_folders(self, split: SplitName) -> bool:
        return split == "train" and self.train_folder is not None

    def _notes(self, rows: Mapping[Path, ListRows]) -> tuple[str, ...]:
        lists = list(dict.fromkeys(self.lists.values()))
        notes = [*self.notes, *(note for found in lists for note in found.notes)]
        if "test" not in self.lists:
            notes += [note for found in lists for note in found.groups]
        notes += [note for found in lists for note in rows[found.path].notes]
        for found in lists:
            rest = [one for one in rows[found.path].unlabelled if self.lists.get(one.split) is not found]
            if rest:
                which = (
                    f"{len(rest):,} lines of {rest[0].split} do"
                    if len(rest) > 1
                    else f"1 line of {rest[0].split} does"
                )
                notes.append(
                    f"{found.table.shown}: {which} not have a label, so the split was not used; the first is line "
                    f"{rest[0].line:,} ({printable(rest[0].text)})."
                )
        for split, found in self.lists.items():
            labels = rows[found.path].labels.get(split, {})
            if (
                split != self.splits[0]
                and found.labels
                and len(labels) >= _MANY
                and len(set(labels.values())) == 1
            ):
                notes.append(
                    f"{found.table.shown} gives '{next(iter(labels.values()))}' as the label of all {len(labels):,} "
                    f"pictures of {split}. If that is a placeholder, run predict on these pictures instead."
                )
        named = set().union(*(found.named for found in rows.values()))
        left = [path for path in self.pictures.paths if path not in named]
        if self.train_folder is not None:
            above = self.train_folder.relative_to(self.root).as_posix() + "/"
            left = [path for path in left if not path.startswith(above)]
        if not self.root.is_dir():  # only a list: other files beside it need not belong to it
            tops = {top_folder(path) for path in named}
            left = [path for path in left if top_folder(path) in tops]
        if left:
            of = " or ".join(printable(found.path.name) for found in lists)
            which = f"{len(left):,} pictures are" if len(left) > 1 else "1 picture is"
            notes.append(
                f"{printable(self.root)}: {which} not listed in {of} and {'were' if len(left) > 1 else 'was'} not "
                f"used; the first is {printable(left[0])}."
            )
        return tuple(notes)


def top_folder(path: str) -> str:
    """Return the first folder in a path, or "" if there is none."""
    return path.partition("/")[0] if "/" in path else ""


def _listing(rows: ListRows, split: SplitName, root: Path) -> Listing:
    """Return the files and labels of a split without opening any."""
    labels = rows.labels.get(split, {})
    entries = [FolderEntry(root / path, printable(text_of(path)), label) for path, label in labels.items()]
    bad = [
        *((one, f"it is listed in line {one.line:,}, but was not found") for one in rows.missing),
        *((one, f"line {one.line:,} does not have a label") for one in rows.unlabelled),
        *((one, one.why) for one in rows.double),
    ]
    skipped = tuple(Skipped(printable(one.text)[:200], why) for one, why in bad if one.split == split)
    classes = sorted(rows.classes.get(split, ()), key=natural_order)
    return Listing(tuple(classes), tuple(sorted(entries, key=lambda entry: entry.name)), skipped)


def _bare(part: Part) -> Part:
    """Return pictures without the labels that mean "no label"."""
    return replace(part, pictures=replace(part.pictures, labels=None, classes=()))


def _check_lines(found: PictureList, rows: ListRows, split: SplitName, root: Path) -> None:
    """Refuse lines of a split that cannot be used."""
    double, unlabelled, missing = (
        [one for one in trouble if one.split == split]
        for trouble in (rows.double, rows.unlabelled, rows.missing)
    )
    if double:
        what = f"contradict{'s' * (len(double) == 1)} an earlier line about the same picture"
        first = f"{printable(double[0].text)}: {double[0].why}"
    elif unlabelled:
        what = "do not have a label" if len(unlabelled) > 1 else "does not have a label"
        first = f"line {unlabelled[0].line:,} ({printable(unlabelled[0].text)})"
    elif missing:
        what = f"list{'s' * (len(missing) == 1)} a picture that is not in {printable(root)}"
        first = f"'{printable(missing[0].text)[:80]}' in line {missing[0].line:,}"
    else:
        return
    lines = len(double or unlabelled or missing)
    raise DataError(
        f"{found.table.shown}: {lines:,} of {rows.count:,} lines {what}; the first is {first}. Correct the list, or "
        "leave these lines out with --skip-bad."
    )


def _check_apart(lists: Mapping[SplitName, PictureList], rows: Mapping[Path, ListRows]) -> None:
    """Refuse lists of different splits that name the same picture."""
    seen: dict[str, SplitName] = {}
    for split in SPLITS if len(set(lists.values())) > 1 else ():
        found = lists.get(split)
        if found is None:
            continue
        for path in rows[found.path].labels.get(split, ()):
            if path in seen:
                raise DataError(
                    f"{printable(path)} is both in {found.table.shown} ({split}) and in "
                    f"{printable(lists[seen[path]].path.name)} ({seen[path]}). List each picture in only one split, "
                    "or pass only one of the lists."
                )
            seen[path] = split


def _check_classes(
    listings: Mapping[SplitName, Listing], places: Mapping[SplitName, Path], first: SplitName
) -> None:
    """Refuse too few or too many classes, and classes that the first split does not have."""
    classes = listings[first].classes
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise DataError(
            f"{printable(places[first])} contains {len(classes):,} different label{'s' * (len(classes) != 1)}. "
            f"Expected 2 to {MAX_CLASSES:,} classes."
        )
    known = set(classes)
    for split, listing in listings.items():
        for name in listing.classes:
            if name not in known:
                where = places[first].name if places[first] != places[split] else f"its {first} split"
                raise DataError(
                    f"{printable(places[split])} contains the class '{name}', but {printable(where)} does not."
                    f"{nearest(name, classes)}"
                )
