"""`splits.csv`: which pictures a run was trained on, and which it must not use, one per row.

name    the file name if the source has names; otherwise the source's split and the position in it: `train:17`;
        with an apostrophe in front if a spreadsheet would read it as a formula
hash    the digest of the pixels as the run saw them, hexadecimal; equal exactly if the pixels are equal
split   train, valid, or test if it was held out from the same pictures
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise import files
from picturewise.csv_cells import as_cell
from picturewise.data.arrays.picture_statistics import DIGEST_BYTES
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.split_names import SplitName

HEAD = ["name", "hash", "split"]
LEARNED: frozenset[SplitName] = frozenset({"train", "valid"})
_DIGITS = 2 * DIGEST_BYTES
_LONGEST_LINE = 1 << 16
_ROWS_AT_ONCE = 1 << 14  # that are text at the same time; there may be millions of pictures


def write_splits(path: Path, dataset: Dataset) -> str:
    """Write the table of a data set to `path`, completely or not at all, and return the SHA-256 of the file.

    Test pictures from the source's own test split are not in it, because training does not read them.

    Raises:
        SaveError: it cannot be written.
    """
    parts: dict[SplitName, ImageSet | None] = {
        "train": dataset.train,
        "valid": dataset.valid,
        "test": dataset.reserved,
    }
    files.write_chunks(path, _chunks({split: part for split, part in parts.items() if part is not None}))
    return files.sha256(path)


def read_learned(
    path: Path, sha256: str | None, splits: Collection[SplitName] = LEARNED
) -> NDArray[np.uint8] | None:
    """Return the digests (N, 16) of the pictures of some splits, train and valid, in the table at `path`.

    Returns:
        None if there is no table, or its SHA-256 is another one.
    """
    try:
        if files.sha256(path) != sha256:
            return None
        with path.open(newline="", encoding="utf-8") as file:
            digests = bytearray()
            # In pieces, in case a line is endless; no name is that long.
            rows = csv.reader(iter(lambda: file.readline(_LONGEST_LINE), ""))
            if next(rows, None) != HEAD:
                return None
            for _, digest, split in rows:
                if len(digest) != _DIGITS:
                    return None
                if split in splits:
                    digests += bytes.fromhex(digest)
    except (OSError, ValueError, csv.Error):
        return None
    return np.frombuffer(bytes(digests), np.uint8).reshape(-1, DIGEST_BYTES)


def _chunks(parts: dict[SplitName, ImageSet]) -> Iterator[bytes]:
    yield _as_csv([HEAD])
    for split, part in parts.items():
        for start in range(0, len(part), _ROWS_AT_ONCE):
            rows = range(start, min(start + _ROWS_AT_ONCE, len(part)))
            digests = np.ascontiguousarray(part.statistics.digests[rows.start : rows.stop]).tobytes().hex()
            hashes = [digests[place : place + _DIGITS] for place in range(0, len(digests), _DIGITS)]
            names = map(as_cell, _names(split, part, rows))
            yield _as_csv(zip(names, hashes, repeat(split), strict=False))


def _names(split: SplitName, part: ImageSet, rows: range) -> Sequence[str]:
    if part.names is not None:
        return part.names[rows.start : rows.stop]
    if part.places is None:
        return [f"{split}:{place}" for place in rows]
    return [f"train:{place}" for place in part.places[rows.start : rows.stop].tolist()]


def _as_csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
