"""HDF5 files with arrays named X_train, y_train, X_val, … or train_images, train_labels, or just images, labels.

The file itself is opened in a child process only, see `confined` and `hdf5_file`.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sightline.data.confined import Answer, Limits, run_confined
from sightline.data.dataset import SPLITS, SplitName
from sightline.data.names import printable, slug
from sightline.data.options import DataOptions
from sightline.data.readers.array_part import array_part, numbered_classes
from sightline.data.readers.contract import Progress, Reading, split_of
from sightline.data.room import Room, room_for
from sightline.errors import DataError

SUFFIXES = frozenset({".h5", ".hdf5", ".hdf", ".he5"})
SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ROLES = {
    **dict.fromkeys(("x", "image", "images", "data", "pictures", "features"), "pictures"),
    **dict.fromkeys(("y", "label", "labels", "target", "targets"), "labels"),
}
_CHILD = "sightline.data.readers.hdf5_file"
_BYTES_A_SECOND = 30 << 20  # that gzip, float and a slow machine manage


@dataclass(frozen=True)
class _Arrays:
    """The names of one split's datasets, and how many numbers its pictures have."""

    pictures: str
    labels: str | None
    numbers: int


@dataclass(frozen=True)
class Hdf5Source:
    """A recognised HDF5 file, see `Source`."""

    path: Path
    arrays: Mapping[SplitName, _Arrays]

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return slug(self.path.with_suffix(""))

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that the names of the arrays say; an array without a split in its name is train."""
        return tuple(split for split in SPLITS if split in self.arrays)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The file."""
        return (self.path,)

    def read(
        self,
        splits: Collection[SplitName],
        options: DataOptions,
        progress: Progress | None = None,
        room: Room = room_for,
    ) -> Reading:
        """Return the pictures of `splits`; see `Source.read`. Train decides the scale and the classes."""
        first = self.splits[0]
        asked = [split for split in self.splits if split in splits]
        answers: dict[SplitName, Answer] = {}
        for split in dict.fromkeys([first, *asked]):
            answers[split] = self._read(split)
            if progress is not None:
                progress(len(answers), len({first, *asked}))
        labels = answers[first].arrays.get("labels")
        classes = numbered_classes(labels)
        return Reading(
            {
                split: array_part(
                    answers[split].arrays["pictures"],
                    answers[split].arrays.get("labels"),
                    classes,
                    f"{printable(str(self.path))}, {self.arrays[split].pictures}",
                    options,
                    room,
                )
                for split in asked
            }
        )

    def _read(self, split: SplitName) -> Answer:
        arrays, like = self.arrays[split], self.arrays[self.splits[0]]
        seconds = 2 + 8 * (arrays.numbers + like.numbers) / _BYTES_A_SECOND
        return run_confined(
            f"{_CHILD}:read",
            self.path,
            {"pictures": arrays.pictures, "labels": arrays.labels, "like": like.pictures},
            Limits(seconds=seconds, output=arrays.numbers * 9 + (1 << 20)),
        )


def recognise(path: Path) -> Hdf5Source | None:
    """Return the source for an HDF5 file at `path`, or for a folder with a single one; None for anything else.

    Raises:
        DataError: the file holds no arrays of such names, or must not be read.
        OSError: the folder or file cannot be read.
    """
    if path.is_dir():
        with os.scandir(path) as entries:
            files = [entry.name for entry in entries if Path(entry.name).suffix.lower() in SUFFIXES]
        if len(files) != 1:
            return None
        path /= files[0]
    if not path.is_file():
        return None
    with path.open("rb") as file:
        if file.read(8) != SIGNATURE:
            return None
    answer = run_confined(f"{_CHILD}:describe", path, {"words": [*_ROLES]}, Limits())
    return Hdf5Source(path, _split(answer.facts["shapes"], answer.facts["names"], path))


def _split(shapes: Mapping[str, list[int]], names: Iterable[str], path: Path) -> dict[SplitName, _Arrays]:
    """Return the arrays of each split by the words in their names."""
    by_split: dict[SplitName, dict[str, str]] = defaultdict(dict)
    for name in shapes:
        words = name.lower().replace("-", "_").split("_")
        role = next(_ROLES[word] for word in words if word in _ROLES)
        split: SplitName = next((found for word in words if (found := split_of(word)) is not None), "train")
        if role in by_split[split]:
            raise DataError(
                f"{printable(str(path))} holds two arrays of {role} for one split, "
                f"{printable(by_split[split][role])} and {printable(name)}, expected one."
            )
        by_split[split][role] = name
    arrays = {
        split: _Arrays(roles["pictures"], roles.get("labels"), math.prod(shapes[roles["pictures"]]))
        for split, roles in by_split.items()
        if "pictures" in roles
    }
    if not arrays:
        raise DataError(
            f"{printable(str(path))} holds {', '.join(names) or 'nothing'}, expected arrays with names such as X_train "
            "and y_train, train_images and train_labels, or images and labels."
        )
    return arrays
