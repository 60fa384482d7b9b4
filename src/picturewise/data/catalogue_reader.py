"""A set of the catalogue as a source: the ordinary readers on its files, with the names of its classes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from picturewise.catalogue.entries import SetEntry
from picturewise.catalogue.installed import Installed
from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.lazy_rows import slices
from picturewise.data.contract import Part, Progress, Reader, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import AsItIs, ReadOptions
from picturewise.data.readers.array_part import array_part
from picturewise.data.readers.digits import DigitsReader
from picturewise.data.readers.idx import IdxReader
from picturewise.data.readers.svhn import SvhnReader
from picturewise.errors import DataError
from picturewise.names import shown_bytes
from picturewise.split_names import SplitName


@dataclass(frozen=True)
class CatalogueReader:
    """One set of the catalogue, see `Reader`."""

    place: Installed
    inner: Reader

    @property
    def entry(self) -> SetEntry:
        """What the catalogue says about it."""
        assert isinstance(self.place.entry, SetEntry)  # noqa: S101 (weights are not a source)
        return self.place.entry

    @property
    def name(self) -> str:
        """Its name in the catalogue."""
        return self.place.name

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in its files."""
        return self.inner.splits

    @property
    def hints(self) -> Hints:
        """None: the catalogue knows its files."""
        return NO_HINTS

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """Its files, and what the catalogue says about reading them."""
        entry = self.entry
        return (*self.inner.inputs(split), repr((entry.classes, entry.transposed)))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`, upright and with the catalogue's class names; see `Reader.read`."""
        entry = self.entry
        # Pictures stored on their side are resized after they are turned.
        read_as = AsItIs(skip_bad=options.skip_bad) if entry.transposed else options
        reading = self.inner.read(splits, read_as, progress, allocate)
        parts = {split: self._named(part, options, allocate) for split, part in reading.parts.items()}
        notes = tuple(
            f"{name} in {self.place.folder} is not the published file: it was added or changed by hand."
            for name in self.place.strange()
        )
        return replace(reading, parts=parts, notes=reading.notes + notes)

    def _named(self, part: Part, options: ReadOptions, allocate: Allocate) -> Part:
        entry, pictures = self.entry, part.pictures
        if len(pictures.classes) > len(entry.classes):
            raise DataError(
                f"{pictures.origin} has {len(pictures.classes):,} classes, but {self.name} has only "
                f"{len(entry.classes)}. Check that it is not a file of another data set."
            )
        numbers = tuple(str(number) for number in range(len(pictures.classes)))
        if pictures.classes not in {numbers, entry.classes}:  # another order would call cats dogs
            raise DataError(
                f"{pictures.origin} has the classes {', '.join(pictures.classes[:3])}, …, which differ from those of "
                f"{self.name} ({', '.join(entry.classes[:3])}, …). Check that it is not a file of another data set."
            )
        if not entry.transposed:
            return replace(part, pictures=replace(pictures, classes=entry.classes))
        images = pictures.images
        count, width, height, channels = images.shape
        upright = allocate(count, (height, width), channels)
        for rows in slices(images):  # (n, W, H, C) → (n, H, W, C)
            upright[rows] = images[rows].swapaxes(1, 2)
        return array_part(upright, pictures.labels, entry.classes, pictures.origin, options, allocate)


def open_installed(name: str, entry: SetEntry, recognise: Callable[[Path], Reader]) -> Reader:
    """Return the source for a set of the catalogue; nothing is downloaded.

    Args:
        name: the set's name.
        entry: what the catalogue says of it.
        recognise: opens a path with the ordinary readers.

    Raises:
        DataError: some of its files are missing; the message says how to fetch them.
    """
    if not entry.files:
        return DigitsReader()
    place = Installed(name, entry)
    if not place.is_here():
        raise DataError(not_here(name, entry))
    paths = place.paths()
    inner = recognise(paths[0] if len(paths) == 1 else place.folder)
    # A set that is fetched with the extra digits is meant to be trained on them.
    if isinstance(inner, SvhnReader) and inner.extra in paths:
        inner = inner.with_extra()
    # The name of a file means what the catalogue says, and the pictures must be turned.
    if isinstance(inner, IdxReader):
        inner = inner.as_stored()
    return CatalogueReader(place, inner)


def not_here(name: str, entry: SetEntry) -> str:
    """Return the message about a set that must be downloaded first."""
    size = entry.bytes()
    amount = f"{shown_bytes(size)} " if size is not None else ""
    place = f"({amount}from {entry.publisher()})"
    if Path(name).exists():
        return (
            f"{name} has not been downloaded yet. To read the folder with this name, pass './{name}'; to download the "
            f"set {place}, run: picturewise data fetch {name}"
        )
    return f"{name} has not been downloaded yet. Download it {place} with: picturewise data fetch {name}"
