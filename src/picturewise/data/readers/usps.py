"""USPS as LIBSVM publishes it: `usps.bz2` and `usps.t.bz2` (the test split), lines of text, compressed or not.

A line is a label from 1 to 10 (10 means the digit 9, and 1 the digit 0) and 256 pairs `place:value`: the places
increase from 1, row by row; the values are from -1 (paper) to 1 (ink); a missing place is 0. scikit-learn reads the
lines; what it would ignore or accept in addition is refused here.
"""

from __future__ import annotations

import bz2
import io
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers.array_part import array_part
from picturewise.errors import DataError
from picturewise.extras import require
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName
from picturewise.untrusted.regular_file import check_regular

SIDE = 16
CLASSES = 10
MAX_UNPACKED = 64 << 20  # bytes; the larger of the published files has 27 million
MAX_PICTURES = 10_000  # both published files together have 9,298
MAX_LINE = 16 << 10  # bytes; a published line has about 3,500
_NAME = re.compile(r"usps(\.t)?(\.bz2)?", re.IGNORECASE)
_PACKED = b"BZh"
_ALLOWED = b"0123456789+-.eE: \t\r"  # in a line


@dataclass(frozen=True)
class UspsReader:
    """USPS files as a source, see `Reader`."""

    files: Mapping[SplitName, Path]
    name: str = "usps"
    hints: Hints = NO_HINTS

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in the files."""
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
        """Return the pictures (N, 16, 16, 1), or resized as asked; see `Reader.read`."""
        return Reading(
            {split: self._part(split, options, allocate) for split in self.splits if split in splits}
        )

    def _part(self, split: SplitName, options: ReadOptions, allocate: Allocate) -> Part:
        path = self.files[split]
        images, labels = read_file(path)
        classes = tuple(str(digit) for digit in range(CLASSES))
        return array_part(images, labels, classes, printable(path), options, allocate)


def recognise(path: Path) -> UspsReader | None:
    """Return the source for USPS files at `path`, a folder or one file; None if there are none.

    Raises:
        OSError: the folder cannot be read.
    """
    files: dict[SplitName, Path] = {}
    # The compressed file sorts after the one without an ending, so the uncompressed one comes last and wins.
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
    _check_lines(content, path)
    values, labels = _parsed(content, path)
    if len(wrong := np.flatnonzero(~np.isin(labels, np.arange(1, CLASSES + 1)))):
        raise DataError(
            f"{_shown(path)}, line {wrong[0] + 1} has the label {labels[wrong[0]]:g}. Expected a label from 1 to "
            f"{CLASSES}."
        )
    if len(wrong := np.flatnonzero((np.abs(values) > 1).any(axis=1))):
        raise DataError(
            f"{_shown(path)}, line {wrong[0] + 1} has values outside -1..1. Download the file again."
        )
    images = np.rint((values + 1) * 127.5).astype(np.uint8)  # -1..1 → 0..255
    return images.reshape(-1, SIDE, SIDE, 1), labels.astype(np.int64) - 1  # (N, 256) → (N, 16, 16, 1)


def _check_lines(content: bytes, path: Path) -> None:
    """Refuse lines that would cost scikit-learn much memory, and the empty lines, comments and ids that it ignores."""
    if content.count(b"\n") > MAX_PICTURES:
        raise DataError(f"{_shown(path)} has too many lines. At most {MAX_PICTURES:,} are allowed.")
    lines = content.removesuffix(b"\n").split(b"\n")
    if lines == [b""]:
        raise DataError(
            f"{_shown(path)} does not contain any pictures. Expected lines of a label and 256 values."
        )
    for number, line in enumerate(lines, 1):
        where = f"{_shown(path)}, line {number}"
        if len(line) > MAX_LINE:
            raise DataError(f"{where} has {len(line):,} bytes, but at most {MAX_LINE:,} are allowed.")
        if not line.strip() or line.translate(None, _ALLOWED):
            raise DataError(
                f"{where} is empty or contains something other than numbers. Download the file again."
            )


def _parsed(content: bytes, path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values (N, 256) and the labels (N,) as they are in the lines."""
    require("Reading USPS digits", "sklearn")
    from sklearn.datasets import load_svmlight_file  # noqa: PLC0415 (it takes a second, and few runs need it)

    try:
        values, labels = load_svmlight_file(io.BytesIO(content), n_features=SIDE * SIDE, zero_based=False)
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{_shown(path)} has a line that is not a label followed by pairs such as 1:-0.5 with positions "
            f"increasing from 1 to {SIDE * SIDE}. Download the file again."
        ) from error
    return values.toarray(), labels


def _content(path: Path) -> bytes:
    """Return the uncompressed content of the file, at most a little more than `MAX_UNPACKED`."""
    try:
        check_regular(path, "USPS digits")
        with path.open("rb") as file:
            packed = file.read(len(_PACKED)) == _PACKED
            file.seek(0)
            if packed:
                with bz2.BZ2File(file) as unpacked:
                    content = unpacked.read(MAX_UNPACKED + 1)
            else:
                content = file.read(MAX_UNPACKED + 1)
    except (EOFError, ValueError) as error:
        raise DataError(f"{_shown(path)} is truncated or damaged. Download it again.") from error
    except OSError as error:
        reason = error.strerror or "it is damaged; download it again"  # bz2 raises OSError for damage, too
        raise DataError(f"Cannot read {_shown(path)}: {reason}.") from error
    if len(content) > MAX_UNPACKED:
        raise DataError(f"{_shown(path)} is too large. At most {MAX_UNPACKED:,} unpacked bytes are allowed.")
    return content


def _shown(path: Path) -> str:
    return printable(path)
