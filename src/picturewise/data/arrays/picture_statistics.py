"""What is computed once for every picture: a digest of its pixels, and the sums that a mean and a deviation need."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from picturewise.cores import available_cores
from picturewise.data.arrays.digest import digest
from picturewise.data.arrays.lazy_rows import Pictures, Table, chosen, slices

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

DIGEST_BYTES = 16
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True, eq=False)
class PictureStatistics:
    """One row per picture.

    Attributes:
        digests: (N, 16) uint8, equal exactly where the pixels are.
        sums: (N, 2C) int64 for grey pictures and (N, 2C + 1) for others: over all pixels the sum of each channel,
            the sum of its squares and, with several channels, the sum of the squares of the channels' sum.
    """

    digests: Table[np.uint8]
    sums: Table[np.int64]

    def chosen(self, indices: NDArray[np.int64]) -> PictureStatistics:
        """Return those of the pictures at `indices`, not copied."""
        return PictureStatistics(chosen(self.digests, indices), chosen(self.sums, indices))

    def totals(self) -> list[int]:
        """Return the sums over all pictures; they are exact."""
        rows = range(0, len(self.sums), _ROWS_AT_ONCE)
        parts = (self.sums[start : start + _ROWS_AT_ONCE].sum(axis=0) for start in rows)
        return [int(total) for total in sum(parts, np.zeros(self.sums.shape[1], np.int64))]

    def fingerprint(self) -> bytes:
        """Return 32 bytes that are equal exactly where the pictures and their order are."""
        whole = hashlib.sha256()
        for start in range(0, len(self.digests), _ROWS_AT_ONCE):
            whole.update(np.ascontiguousarray(self.digests[start : start + _ROWS_AT_ONCE]).data)
        return whole.digest()


def measure(images: Pictures) -> PictureStatistics:
    """Return the statistics of pictures (N, H, W, C), computed on all cores and with little memory."""
    count, channels = len(images), images.shape[3]
    digests = np.empty((count, DIGEST_BYTES), np.uint8)
    sums = np.empty((count, 2 * channels + (channels > 1)), np.int64)

    def work(rows: slice) -> None:
        block = np.ascontiguousarray(images[rows])
        digests[rows] = digest_each(block)
        sums[rows] = _sums(block)

    with _threads() as pool:
        for _ in pool.map(work, slices(images)):
            pass  # an error in a thread is raised here
    return PictureStatistics(digests, sums)


def sums_of(images: Pictures) -> NDArray[np.int64]:
    """Return the sums of `PictureStatistics` alone, for pictures (N, H, W, C) whose digests are not needed."""
    found = [_sums(np.ascontiguousarray(images[rows])) for rows in slices(images)]
    return (
        np.concatenate(found)
        if found
        else np.empty((0, 2 * images.shape[3] + (images.shape[3] > 1)), np.int64)
    )


def have_digests(images: Pictures, digests: Table[np.uint8]) -> bool:
    """Return whether pictures (N, H, W, C) have the digests (N, 16), read on all cores and with little memory."""

    def work(rows: slice) -> bool:
        return np.array_equal(digest_each(images[rows]), digests[rows])

    with _threads() as pool:
        return all(pool.map(work, slices(images)))


def digest_each(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the digest of each picture of (N, H, W, C), as (N, 16)."""
    flat = np.ascontiguousarray(images).reshape(-1).data
    length = math.prod(images.shape[1:])
    return as_rows([digest(flat[i * length : (i + 1) * length]) for i in range(len(images))])


def _threads() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 (with logging; one picture needs neither)

    return ThreadPoolExecutor(available_cores())


def found_in(digests: Table[np.uint8], others: Table[np.uint8]) -> NDArray[np.bool_]:
    """Return which of `digests` (N, 16) are among `others` (M, 16), as (N,)."""
    # NumPy treats zero bytes at the end of such strings as padding; as all have one length, this cannot mix any up.
    one, other = (np.ascontiguousarray(table).view(f"S{DIGEST_BYTES}")[:, 0] for table in (digests, others))
    return np.isin(one, other)


def as_rows(digests: list[bytes]) -> NDArray[np.uint8]:
    """Return digests as (N, 16)."""
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, DIGEST_BYTES)


def _sums(block: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the sums of pictures (n, H, W, C); see `PictureStatistics`."""
    count, channels = len(block), block.shape[3]
    # The numbers of each channel are contiguous here, which makes the sums ten times as fast.
    planes = np.ascontiguousarray(block.reshape(count, -1, channels).transpose(0, 2, 1))  # (n, C, H·W)
    columns = [
        planes.sum(axis=2, dtype=np.int64),
        np.square(planes, dtype=np.uint16).sum(axis=2, dtype=np.int64),
    ]
    if channels > 1:
        grey = planes.sum(axis=1, dtype=np.uint16)
        columns.append(np.square(grey, dtype=np.uint32).sum(axis=1, dtype=np.int64)[:, np.newaxis])
    return np.concatenate(columns, axis=1)
