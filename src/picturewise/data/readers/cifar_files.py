"""The files of CIFAR-10 and CIFAR-100: what each is by its name, and what is in it.

A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. There are two versions of each set:
pickles that Python 2 wrote, and records of label bytes and pixels. Pixels are stored as (3, 32, 32), red first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.labels import as_text, check_labels, to_class_names, to_labels
from picturewise.errors import DataError
from picturewise.printable import printable
from picturewise.split_names import SplitName
from picturewise.untrusted.pickles import reader
from picturewise.untrusted.scratch import Content

Classes = Literal[10, 100]
PIXELS = 3 * 32 * 32
TRAIN_BATCHES = {10: 5, 100: 1}


@dataclass(frozen=True)
class File:
    """What a file's name says: the set, the version, the split (none: the class names), its number among several."""

    classes: Classes
    binary: bool
    split: SplitName | None
    number: int = 1


_FIXED = {
    "test_batch": File(10, binary=False, split="test"),
    "batches.meta": File(10, binary=False, split=None),
    "train": File(100, binary=False, split="train"),
    "test": File(100, binary=False, split="test"),
    "meta": File(100, binary=False, split=None),
    "test_batch.bin": File(10, binary=True, split="test"),
    "batches.meta.txt": File(10, binary=True, split=None),
    "train.bin": File(100, binary=True, split="train"),
    "test.bin": File(100, binary=True, split="test"),
    "fine_label_names.txt": File(100, binary=True, split=None),
}


def file_of(name: str) -> File | None:
    """Return what the file with this name (folders before it are ignored) is, or None.

    >>> file_of("cifar-10-batches-py/data_batch_3")
    File(classes=10, binary=False, split='train', number=3)
    """
    base = name.rsplit("/", 1)[-1]
    if found := re.fullmatch(r"data_batch_([1-9][0-9]?)(\.bin)?", base):
        return File(10, binary=found[2] is not None, split="train", number=int(found[1]))
    return _FIXED.get(base)


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures (N, 32, 32, 3) uint8, labels (N,) int64, and the pictures' own names where the file has them."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...] | None


def read_classes(content: Content, file: File, where: str) -> tuple[str, ...]:
    """Return the class names in a file of class names; for CIFAR-100, the fine ones.

    Raises:
        DataError: there are none, or not one for each class.
    """
    if file.binary:
        names = tuple(as_text(bytes(line)) for line in bytes(content).split(b"\n") if line.strip())
    else:
        key = "label_names" if file.classes == 10 else "fine_label_names"
        names = to_class_names(_entry(reader.decode_table(content, where), key, where), where)
    if len(names) != file.classes:
        raise DataError(
            f"{where} contains {len(names):,} class names instead of {file.classes}. Download it again."
        )
    return names


def read_batch(content: Content, file: File, where: str) -> Batch:
    """Return the pictures, labels and names of one batch.

    Raises:
        DataError: it is damaged, or is not a batch of the set.
    """
    batch = _records(content, file, where) if file.binary else _pickled(content, file, where)
    check_labels(batch.labels, range(file.classes), where)
    return batch


def _records(content: Content, file: File, where: str) -> Batch:
    # A record is one label byte (for CIFAR-100 a coarse and a fine one) and the pixels.
    before = 1 if file.classes == 10 else 2
    if len(content) == 0 or len(content) % (before + PIXELS):
        raise DataError(
            f"{where} has {len(content):,} bytes, which is not a multiple of {before + PIXELS:,} (the "
            "labels and 32x32 pixels with 3 channels). Check that it is a CIFAR file, or download it again."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, before + PIXELS)
    return Batch(_upright(records[:, before:]), records[:, before - 1].astype(np.int64), None)


def _pickled(content: Content, file: File, where: str) -> Batch:
    table = reader.decode_table(content, where)
    data = _entry(table, "data", where)
    if not (
        isinstance(data, np.ndarray) and data.dtype == np.uint8 and data.shape[1:] == (PIXELS,) and len(data)
    ):
        array = isinstance(data, np.ndarray)
        found = f"has shape {data.shape} and dtype {data.dtype}" if array else f"is a {type(data).__name__}"
        raise DataError(f"{where}: 'data' {found}. Expected a uint8 array of shape (N, {PIXELS}).")
    labels = _entry(table, "labels" if file.classes == 10 else "fine_labels", where)
    return Batch(_upright(data), to_labels(labels, len(data), where), _names(table, len(data), where))


def _upright(flat: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, 3 · 32 · 32) → (N, 32, 32, 3), copied."""
    return np.ascontiguousarray(flat.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _names(table: dict[str, Any], count: int, where: str) -> tuple[str, ...] | None:
    names = table.get("filenames")
    if names is None:
        return None
    if (
        not isinstance(names, list)
        or not all(isinstance(name, str | bytes) for name in names)
        or len(names) != count
    ):
        raise DataError(
            f"{where}: 'filenames' is not a list of {count:,} strings. Expected one string per picture."
        )
    return tuple(as_text(name) for name in names)


def _entry(table: dict[str, Any], key: str, where: str) -> Any:
    if key not in table:
        found = ", ".join(f"'{printable(name[:40])}'" for name in list(table)[:8]) or "no keys"
        raise DataError(
            f"{where} does not have the key '{key}' (found {found}). Check that it is a CIFAR file."
        )
    return table[key]
