"""SVHN's cropped digits: `train_32x32.mat`, `test_32x32.mat` and `extra_32x32.mat`, in a folder or alone.

Source: Y. Netzer et al., Reading Digits in Natural Images with Unsupervised Feature Learning, NIPS workshop
2011. X is (32, 32, 3, N) uint8 (floats and other integers are read too), y is (N, 1) with 10 for zero.

The extra set (531,131 easier digits) was chosen differently from train. Published results are trained on train, or on
train and extra together, so a folder with both is read in the first way, and the catalogue's `svhn-extra` in the
second; if extra is passed alone, it is the train split.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.allocate import Allocate, allocate_in_memory
from picturewise.data.arrays.find_value_range import find_value_range
from picturewise.data.arrays.labels import to_labels
from picturewise.data.arrays.layout import MAX_SIDE
from picturewise.data.arrays.value_range import Conversion, ValueRange
from picturewise.data.contract import Part, Progress, Reading
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read_options import ReadOptions
from picturewise.data.readers import mat_file
from picturewise.data.readers.array_part import array_part
from picturewise.errors import DataError
from picturewise.names import slug
from picturewise.printable import printable
from picturewise.split_names import SPLITS, SplitName

CLASSES = tuple(str(digit) for digit in range(10))
_NAME = re.compile(r"(train|test|extra)(_\d+x\d+)?\.mat", re.IGNORECASE)


@dataclass(frozen=True)
class SvhnReader:
    """Files of SVHN, see `Reader`."""

    name: str
    files: Mapping[SplitName, tuple[Path, ...]]
    extra: Path | None = None
    notes: tuple[str, ...] = ()

    def with_extra(self) -> SvhnReader:
        """Return the source whose train split is train and extra together, if both exist."""
        if self.extra is None:
            return self
        files = {**self.files, "train": (*self.files["train"], self.extra)}
        return SvhnReader(self.name, files, hints=self.hints)

    hints: Hints = NO_HINTS

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits in the files' names."""
        return tuple(split for split in SPLITS if split in self.files)

    def inputs(self, split: SplitName) -> tuple[Path | str, ...]:
        """The split's files, and those of train, which decide the range of the values."""
        return tuple(dict.fromkeys([*self.files[split], *self.files[self.splits[0]]]))

    def read(
        self,
        splits: Collection[SplitName],
        options: ReadOptions,
        progress: Progress | None = None,
        allocate: Allocate = allocate_in_memory,
    ) -> Reading:
        """Return the pictures of `splits`; see `Reader.read`."""
        scale = self._scale(options)
        return Reading(
            {
                split: _read(self.files[split], scale, options, progress, allocate)
                for split in self.splits
                if split in splits
            },
            (*self.notes, *scale.notes),
            values=scale.kept,
        )

    def _scale(self, options: ReadOptions) -> ValueRange:
        """Return the range of train's values; of bytes, no more are read than necessary."""
        files = [_looked_at(path) for path in self.files[self.splits[0]]]

        def blocks() -> Iterator[tuple[int, NDArray[Any]]]:
            first = 0
            for file in files:
                for block in mat_file.blocks(file.path, file.x):
                    yield first, block
                    first += len(block)

        kinds = [file.x.dtype for file in files]
        where = f"{printable(files[0].path)}, X"
        return find_value_range(
            np.result_type(*kinds), blocks, where, said=self.hints.value_range, learned=options.learned
        )


def recognise(path: Path) -> SvhnReader | None:
    """Return the source for SVHN's files at `path`, a folder or one file; None if there are none.

    Raises:
        OSError: the folder cannot be read.
    """
    if not path.is_dir():
        if path.suffix.lower() != ".mat" or not path.is_file() or mat_file.is_hdf5(path):
            return None
        match = _NAME.fullmatch(path.name)
        split: SplitName = "test" if match is not None and match[1].lower() == "test" else "train"
        return SvhnReader(slug(path), {split: (path,)})
    with os.scandir(path) as entries:
        files = sorted(entry.name for entry in entries if _NAME.fullmatch(entry.name) and entry.is_file())
    found = {name.split("_")[0].split(".")[0].lower(): path / name for name in files}
    if not found:
        return None
    extra = found.pop("extra", None)
    if extra is not None and "train" in found:
        note = (
            f"{printable(extra.name)} was not used. To train on train and extra together, use svhn-extra from the "
            f"catalogue (picturewise data show svhn-extra); to train on extra alone, pass {printable(extra)}."
        )
        return SvhnReader(slug(path), _each_alone(found), extra, (note,))
    if extra is not None:
        found["train"] = extra
    return SvhnReader(slug(path), _each_alone(found))


def _each_alone(found: Mapping[str, Path]) -> dict[SplitName, tuple[Path, ...]]:
    return {split: (found[split],) for split in SPLITS if split in found}


@dataclass(frozen=True)
class _File:
    """One file before its pictures are unpacked: their position, number and size; and the labels."""

    path: Path
    x: mat_file.Matrix
    count: int
    size: tuple[int, int]
    labels: NDArray[np.int64]


def _read(
    paths: tuple[Path, ...],
    scale: ValueRange,
    options: ReadOptions,
    progress: Progress | None,
    allocate: Allocate,
) -> Part:
    """Return the pictures of one or several files in one array."""
    # Headers and labels of all files are read first, so that little is unpacked if a file is bad.
    files = [_looked_at(path) for path in paths]
    if len({file.size for file in files}) > 1:
        sizes = ", ".join(f"{printable(file.path.name)} {file.size[0]}x{file.size[1]}" for file in files)
        raise DataError(f"The pictures of one split differ in size ({sizes}). Resize them to the same size.")
    total, done = sum(file.count for file in files), 0
    (height, width) = size = files[0].size
    images = allocate(total, size, 3)
    for file in files:
        conversion, start = Conversion(scale, f"{printable(file.path)}, X"), done
        for block in mat_file.blocks(file.path, file.x):
            turned = block.reshape(-1, 3, width, height).transpose(0, 3, 2, 1)  # (n, C, W, H) → (n, H, W, C)
            images[done : done + len(turned)] = conversion.to_bytes(turned, done - start)
            done += len(turned)
            if progress is not None:
                progress(done, total)
        conversion.finish()
    labels = np.concatenate([file.labels for file in files])
    origin = " and ".join(printable(path) for path in paths)
    return array_part(images, labels, CLASSES, origin, options, allocate)


def _looked_at(path: Path) -> _File:
    shown = printable(path)
    arrays = mat_file.matrices(path)
    if not {"X", "y"} <= set(arrays):
        raise DataError(
            f"{shown} does not contain both X and y (found {', '.join(arrays) or 'no arrays'}). Store the pictures "
            "as X and the labels as y."
        )
    x, y = arrays["X"], arrays["y"]
    shape = x.shape
    if len(shape) == 3:  # MATLAB drops a last dimension of one
        shape = (*shape, 1)
    if len(shape) != 4 or shape[2] != 3 or not 1 <= max(shape[:2]) <= MAX_SIDE:
        raise DataError(
            f"{shown}: X has shape {shape} and dtype {x.dtype}. Expected numbers of shape (height, width, 3, N)."
        )
    height, width, _, count = shape
    if math.prod(y.shape) != count or len(y.shape) != 2 or 1 not in y.shape:
        raise DataError(f"{shown}: y has shape {y.shape}. Expected ({count}, 1), one label per picture.")
    return _File(path, x, count, (height, width), _labels(path, y, count, shown))


def _labels(path: Path, y: mat_file.Matrix, count: int, shown: str) -> NDArray[np.int64]:
    values = np.concatenate([block.reshape(-1) for block in mat_file.blocks(path, y)] or [np.empty(0)])
    return to_labels(values, count, f"{shown}, y", most=10) % 10
