"""USPS as LIBSVM publishes it: `usps.bz2` and `usps.t.bz2` (the test split), lines of text, packed or not.

A line is a label from 1 to 10 (10 being the digit 9, and 1 the digit 0) and 256 pairs `place:value`, the places
from 1, row by row, the values from -1 (paper) to 1 (ink); a place that is left out is 0.
"""

from __future__ import annotations

import bz2
import os
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.array_part import array_part
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName

SIDE = 16
CLASSES = 10
MAX_UNPACKED = 64 << 20  # bytes; the larger of the published files has 27 million
MAX_PICTURES = 10_000  # both published files together have 9,298
MAX_LINE = 16 << 10  # bytes; a published line has some 3,500
_NAME = re.compile(r"usps(\.t)?(\.bz2)?", re.IGNORECASE)
_PACKED = b"BZh"


@dataclass(frozen=True)
class UspsReader:
    """USPS files as a source, see `Reader`."""

    files: Mapping[SplitName, Path]
    name: str = "usps"

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that the files bring."""
        return tuple(split for split in SPLITS if split in self.files)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The file."""
        return (self.files[split],)

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures (N, 16, 16, 1), or of the size asked for; see `Reader.read`."""
        return Reading(
            {split: self._part(split, options, allocate) for split in self.splits if split in splits}
        )

    def _part(self, split: SplitName, options: ReadOptions, allocate: Allocate) -> Part:
        path = self.files[split]
        images, labels = read_file(path)
        classes = tuple(str(digit) for digit in range(CLASSES))
        return array_part(images, labels, classes, printable(path), options, allocate)


def recognise(path: Path) -> UspsReader | None:
    """Return the source for USPS files at `path`, a folder or one file; None where there are none.

    Raises:
        OSError: the folder cannot be read.
    """
    files: dict[SplitName, Path] = {}
    # The packed file sorts after the one without an ending, so the unpacked one is taken last, and counts.
    names = sorted(os.listdir(path), reverse=True) if path.is_dir() else [path.name]  # noqa: PTH208 (names)
    for name in names:
        found = _NAME.fullmatch(name)
        if found is not None:
            files["test" if found[1] else "train"] = path / name if path.is_dir() else path
    return UspsReader(files) if files else None


def read_file(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return pictures (N, 16, 16, 1) and labels (N,), 0 to 9.

    Raises:
        DataError: the file cannot be read or is not of this form.
    """
    content = _content(path)
    if content.count(b"\n") > MAX_PICTURES:
        raise DataError(f"{_shown(path)} has more than the {MAX_PICTURES:,} lines that are allowed.")
    lines = content.removesuffix(b"\n").split(b"\n")
    if lines == [b""]:
        raise DataError(f"{_shown(path)} holds no pictures, expected lines of a label and 256 values.")
    images = np.empty((len(lines), SIDE * SIDE), np.uint8)
    labels = np.empty(len(lines), np.int64)
    for number, line in enumerate(lines):
        labels[number], images[number] = _picture(line, f"{_shown(path)}, line {number + 1}")
    return images.reshape(-1, SIDE, SIDE, 1), labels  # (N, 256) → (N, 16, 16, 1)


def _picture(line: bytes, where: str) -> tuple[int, NDArray[np.uint8]]:
    """Return the label and the 256 pixels of one line."""
    if len(line) > MAX_LINE:
        raise DataError(f"{where} has {len(line):,} bytes, expected at most {MAX_LINE:,}.")
    fields = line.replace(b":", b" ").split()
    try:
        numbers = np.array([float(field) for field in fields])
    except ValueError as error:
        raise DataError(f"{where} holds something that is no number; the file may be damaged.") from error
    if len(numbers) % 2 == 0 or not np.isfinite(numbers).all():
        raise DataError(f"{where} is not a label and pairs such as 1:-0.5; the file may be damaged.")
    label, places, values = numbers[0], numbers[1::2], numbers[2::2]
    if label not in range(1, CLASSES + 1):
        raise DataError(f"{where} has the label {label:g}, expected one from 1 to {CLASSES}.")
    if not np.isin(places, np.arange(1, SIDE * SIDE + 1)).all() or len(np.unique(places)) < len(places):
        raise DataError(f"{where} names places twice or out of 1 to {SIDE * SIDE}; the file may be damaged.")
    if (np.abs(values) > 1).any():
        raise DataError(f"{where} has values out of -1 to 1; the file may be damaged.")
    pixels = np.zeros(SIDE * SIDE)
    pixels[places.astype(np.int64) - 1] = values
    return int(label) - 1, np.rint((pixels + 1) * 127.5).astype(np.uint8)  # -1..1 → 0..255


def _content(path: Path) -> bytes:
    """Return what the file holds, unpacked, and no more than `MAX_UNPACKED` of it."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would block, a device never end
            raise DataError(f"{_shown(path)} is not a regular file, expected USPS digits.")
        with path.open("rb") as file:
            packed = file.read(len(_PACKED)) == _PACKED
            file.seek(0)
            if packed:
                with bz2.BZ2File(file) as unpacked:
                    content = unpacked.read(MAX_UNPACKED + 1)
            else:
                content = file.read(MAX_UNPACKED + 1)
    except (EOFError, ValueError) as error:
        raise DataError(f"{_shown(path)} is truncated or damaged; get it again from its source.") from error
    except OSError as error:
        reason = error.strerror or "damaged; get it again from its source"  # bz2 says OSError for damage, too
        raise DataError(f"{_shown(path)} cannot be read: {reason}.") from error
    if len(content) > MAX_UNPACKED:
        raise DataError(f"{_shown(path)} holds more than the {MAX_UNPACKED:,} bytes that are allowed.")
    return content


def _shown(path: Path) -> str:
    return printable(path)
