"""Files as a source: read through the store, so that each is imported once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from picturewise.data.arrays.value_range import PLAIN
from picturewise.data.contract import Progress, Reader, Reading
from picturewise.data.hints import Hints
from picturewise.data.read_options import AsItIs, ReadOptions
from picturewise.data.store.store import read_stored
from picturewise.split_names import SplitName


@dataclass(frozen=True)
class StoredSource:
    """Files that a reader knows, see `Source`.

    Attributes:
        reader: of their form.
        place: the catalogue name or the absolute path of the files.
        notes: what to tell the user about that.
    """

    reader: Reader
    place: str
    notes: tuple[str, ...] = ()
    complete = False

    @property
    def name(self) -> str:
        """The reader's name."""
        return self.reader.name

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The reader's splits."""
        return self.reader.splits

    @property
    def hints(self) -> Hints:
        """The reader's hints."""
        return self.reader.hints

    def read(
        self, splits: Collection[SplitName], options: ReadOptions, progress: Progress | None = None
    ) -> Reading:
        """Return the pictures of `splits`, mapped from the store; see `Source.read` and `read_stored`."""
        # A classifier of bytes reads files as training does, so they share imports.
        if isinstance(options, AsItIs) and options.learned == PLAIN:
            options = replace(options, learned=None)
        reading = read_stored(self.reader, self.place, splits, options, progress)
        return replace(reading, notes=(*self.notes, *reading.notes))
