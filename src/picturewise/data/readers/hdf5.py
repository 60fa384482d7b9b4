"""HDF5 files with arrays named X_train, y_train, X_val, … or train_images, train_labels, or just images, labels.

The file itself is opened in a child process only, see `untrusted.confined` and `hdf5_file`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.labels import check_labels, numbered_classes
from picturewise.data.arrays.value_range import Ends
from picturewise.data.contract import Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.array_names import LABEL_WORDS, PICTURE_WORDS, find_keys, unlike_any
from picturewise.data.readers.array_part import array_part
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName
from picturewise.untrusted.confined.call import Answer, Budget, run_confined

SUFFIXES = frozenset({".h5", ".hdf5", ".hdf", ".he5"})
SIGNATURE = b"\x89HDF\r\n\x1a\n"
_CHILD = "picturewise.data.readers.hdf5_file"
_BYTES_A_SECOND = 30 << 20  # that gzip, float and a slow machine manage


@dataclass(frozen=True)
class _Arrays:
    """The names of one split's datasets, and how many numbers its pictures have."""

    pictures: str
    labels: str | None
    numbers: int


@dataclass(frozen=True)
class Hdf5Reader:
    """A recognised HDF5 file, see `Reader`."""

    path: Path
    arrays: Mapping[SplitName, _Arrays]
    hints: Hints = NO_HINTS

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
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read`. Train decides the scale and the classes."""
        first, asked = self.splits[0], [split for split in self.splits if split in splits]
        answers: dict[SplitName, Answer] = {}
        said: dict[str, Any] = {
            "range": self.hints.value_range,
            "layout": self.hints.layout,
            "learned": options.learned,
            "found": None,
        }
        for split in asked:
            answers[split] = self._answer(split, "read", said)
            said["found"] = answers[split].facts
            if progress is not None:
                progress(len(answers), len(asked))
        train = answers[first] if first in answers else self._answer(first, "read_labels")
        classes = numbered_classes(train.arrays.get("labels"))
        for split, answer in answers.items():
            if "labels" in answer.arrays:
                check_labels(answer.arrays["labels"], classes, self._where(self.arrays[split].labels))
        return Reading(
            {
                split: array_part(
                    answer.arrays["pictures"],
                    answer.arrays.get("labels"),
                    classes,
                    self._where(self.arrays[split].pictures),
                    options,
                    allocate,
                )
                for split, answer in answers.items()
            },
            tuple(printable(note) for note in answers[asked[0]].facts["notes"]) if asked else (),
            values=_ends(answers[asked[0]].facts["values"]) if asked else None,
        )

    def _where(self, array: str | None) -> str:
        return f"{printable(self.path)}, {printable(array or '')}"

    def _answer(self, split: SplitName, function: str, more: Mapping[str, object] | None = None) -> Answer:
        arrays, like = self.arrays[split], self.arrays[self.splits[0]]
        seconds = 2 + 8 * (arrays.numbers + like.numbers) / _BYTES_A_SECOND
        return run_confined(
            f"{_CHILD}:{function}",
            self.path,
            {"pictures": arrays.pictures, "labels": arrays.labels, "like": like.pictures, **(more or {})},
            Budget(seconds=seconds, output=arrays.numbers * 9 + (1 << 20)),
        )


def _ends(values: list[float] | None) -> Ends | None:
    return None if values is None else (float(values[0]), float(values[1]))


def recognise(path: Path) -> Hdf5Reader | None:
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
    words = sorted(PICTURE_WORDS | LABEL_WORDS)
    answer = run_confined(f"{_CHILD}:describe", path, {"words": words}, Budget())
    shapes, where = answer.facts["shapes"], printable(path)
    keys = find_keys(shapes, where)
    if keys is None:
        raise unlike_any(answer.facts["names"], where)
    return Hdf5Reader(
        path,
        {
            split: _Arrays(name, keys.labels.get(split), math.prod(shapes[name]))
            for split, name in keys.pictures.items()
        },
    )
