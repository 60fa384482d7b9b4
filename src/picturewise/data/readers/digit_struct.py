"""SVHN's format 1: folders of whole house numbers, each with a `digitStruct.mat` of their digits and boxes.

Source: Y. Netzer et al., Reading Digits in Natural Images with Unsupervised Feature Learning, NIPS workshop 2011. The
published folders are `train`, `test` and `extra`, with `1.png`, `2.png`, … in each; one of them alone is read too. As
with the cropped digits (`svhn`), extra is not added to train.

With the target 'class', each digit is a picture of its own, cut out as the square around its box.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Progress, Reading
from picturewise.data.dataset import Skipped
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.boxes import union
from picturewise.data.readers.folder_listing import (
    FolderEntry,
    Listing,
    is_folder,
    looks_like_picture,
    visible_entries,
)
from picturewise.data.readers.listed_pictures import read_listings
from picturewise.errors import DataError
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName, split_of
from picturewise.targets.sequences import DIGITS
from picturewise.untrusted.confined.call import Answer, Budget, run_confined

NAME = "digitStruct.mat"
OBEYED = ("value_range", "target")
_EXTRA = "extra"
_CHILD = "picturewise.data.readers.digit_struct_file:read"
_BYTES_A_SECOND = 500_000  # one eighth of what a core of 2020 reads; each digit is five arrays
_BYTES_A_PICTURE = 1_000  # in the file, at least


@dataclass(frozen=True)
class DigitStructReader:
    """Folders with a `digitStruct.mat`, see `Reader`.

    Attributes:
        root: the folder that was named.
        folders: that of each split.
        hints: those that it obeys, with the target.
        notes: what to tell the user.
    """

    root: Path
    folders: Mapping[SplitName, Path]
    hints: Hints = NO_HINTS
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The folder's name, for single digits with an ending."""
        return slug(self.root) + "-digits" * (not self.hints.sequences)

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in the folders' names."""
        return tuple(split for split in SPLITS if split in self.folders)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The split's folder, and that of train, which decides the size and the places."""
        return tuple(dict.fromkeys([self.folders[split], self.folders[self.splits[0]]]))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read` and `read_listings`.

        If the digits of whole numbers cover less than half of most pictures, each is cropped to them, see `boxes`.
        """
        first, asked = self.splits[0], [split for split in self.splits if split in splits]
        listings = {split: self._listing(self.folders[split]) for split in dict.fromkeys([first, *asked])}
        for split in asked if not options.skip_bad else ():
            _check_all_there(listings[split], self.folders[split])
        reading = read_listings(
            listings,
            asked,
            {split: printable(self.folders[split]) for split in self.splits},
            printable(self.root),
            options,
            progress,
            allocate,
            said=self.hints.value_range,
            sequences=self.hints.sequences,
        )
        of_listings = [note for split in asked for note in listings[split].notes]
        return replace(reading, notes=(*self.notes, *of_listings, *reading.notes))

    def _listing(self, folder: Path) -> Listing:
        """Return the pictures of a folder with their numbers and boxes, or their digits, in the order of its file.

        Raises:
            DataError: the file has another form, or names a picture twice.
        """
        file = _file_in(folder)
        assert file is not None  # noqa: S101 (it was recognised by this file)
        answer = _answer(file)
        above = "" if folder == self.root else f"{folder.name}/"
        pictures = {entry.name for entry in visible_entries(folder) if looks_like_picture(entry)}
        entries, missing, seen = list[FolderEntry](), list[Skipped](), set[str]()
        boxes, first = [tuple(box) for box in answer.arrays["boxes"].tolist()], 0
        for name, number in zip(answer.facts["names"], answer.facts["numbers"], strict=True):
            shown, path = printable(above + name), folder / name
            own, first = boxes[first : first + len(number)], first + len(number)
            if name in seen:
                raise DataError(f"{printable(file)} lists {shown} twice. Download it again.")
            seen.add(name)
            if name in pictures and self.hints.sequences:
                entries.append(FolderEntry(path, shown, number, union(own)))
            elif name in pictures:
                digits = enumerate(zip(number, own, strict=True), start=1)
                entries += [FolderEntry(path, part_of(shown, place), *digit) for place, digit in digits]
            else:
                missing.append(Skipped(shown, f"{NAME} lists it, but it was not found"))
        unused = sorted(pictures - seen)
        notes: tuple[str, ...] = ()
        if unused:
            which = f"{len(unused):,} pictures are" if len(unused) > 1 else "1 picture is"
            were = "were" if len(unused) > 1 else "was"
            notes = (
                f"{printable(folder)}: {which} not in {NAME} and {were} not used; the first is {printable(unused[0])}.",
            )
        classes = () if self.hints.sequences else DIGITS
        return Listing(classes, tuple(entries), tuple(missing), notes)


def part_of(picture: str, place: int) -> str:
    """Return the name of a digit, from that of its picture and its place, counted from 1.

    >>> part_of("train/1.png", 2)
    'train/1.png#2'
    """
    return f"{picture}#{place}"


def picture_of(part: str) -> str:
    """Return the name of the picture that a digit was cut out of.

    >>> picture_of("train/1.png#2")
    'train/1.png'
    """
    return part.rpartition("#")[0]


def recognise(path: Path, hints: Hints = NO_HINTS) -> DigitStructReader | None:
    """Return the source for a folder with a `digitStruct.mat`, or with such folders; None: there is no such file.

    Args:
        path: the file, its folder, or the folder above.
        hints: with the target 'class', the source has single digits; otherwise whole numbers.

    Raises:
        OSError: a folder cannot be read.
    """
    if path.name.casefold() == NAME.casefold() and path.is_file():
        path = path.absolute().parent
    if not path.is_dir():
        return None
    folders: dict[SplitName, Path] = {}
    extra: Path | None = None
    if _file_in(path) is not None:
        folders = {split_of(path.absolute().name) or "train": path}
    else:
        for entry in visible_entries(path):
            folder = path / entry.name
            if not is_folder(entry) or _file_in(folder) is None:
                continue
            if entry.name.casefold() == _EXTRA:
                extra = folder
            elif (split := split_of(entry.name)) is not None:
                folders.setdefault(split, folder)
    notes: tuple[str, ...] = ()
    if extra is not None and "train" not in folders:
        folders["train"] = extra
    elif extra is not None:
        notes = (f"{printable(extra)} was not used. To train on extra, pass this folder alone.",)
    if not folders:
        return None
    return DigitStructReader(path, folders, Hints(target="sequence") | hints.only(*OBEYED), notes)


def _file_in(folder: Path) -> Path | None:
    """Return the file with the digits of a folder's pictures."""
    usual = folder / NAME
    return usual if usual.is_file() else None


def _answer(file: Path) -> Answer:
    size = file.stat().st_size
    budget = Budget(
        memory=1 << 30, seconds=5 + size / _BYTES_A_SECOND, output=(1 << 24) + 64 * (size // _BYTES_A_PICTURE)
    )
    return run_confined(_CHILD, file, {}, budget)


def _check_all_there(listing: Listing, folder: Path) -> None:
    """Refuse a file that lists pictures that are not there."""
    if not listing.bad:
        return
    count = len(listing.bad) + len({entry.path for entry in listing.entries})
    raise DataError(
        f"{printable(folder / NAME)} does not fit the pictures beside it: {len(listing.bad):,} of {count:,} are "
        f"missing, the first is {listing.bad[0].path}. Unpack the archive again, or leave these out with --skip-bad."
    )
