"""Which pictures must stay together when they are divided: equal ones, and those of one group.

No generator of random numbers is involved: bundles are ranked by a keyed hash of the pictures' own bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.data.arrays.digest import digest
from picturewise.data.arrays.picture_statistics import as_rows
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError
from picturewise.extras import require
from picturewise.printable import printable
from picturewise.untrusted.patterns import find_in_names


def bundles_of(
    digests: NDArray[np.uint8], groups: NDArray[np.uint8] | None, pixels: NDArray[np.uint8] | None, key: int
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the number of each picture's bundle (N,), and the rank of each bundle.

    Pictures in one bundle must stay together. A rank depends only on the content, not on the order of the pictures.

    Args:
        digests: (N, 16), equal for equal pictures.
        groups: (N, 16) digests of the groups' names, or None.
        pixels: (N, 16), equal for pictures that look the same although their files differ, or None.
        key: in [0, 2**64); another key gives other ranks.
    """
    numbers = _numbered(digests)
    for others in (pixels, groups):
        if others is not None:
            numbers = _tied(numbers, _numbered(others))
    named = digests if groups is None else groups
    keyed = _mixed(np.ascontiguousarray(named).view("<u8")[:, 0] ^ np.uint64(key))
    ranks = np.full(int(numbers.max(initial=-1)) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(ranks, numbers, keyed)
    return numbers, ranks


def _tied(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N,) numbers that are equal for all that are connected by equal numbers in `one` or in `other`."""
    count = len(one)
    pairs = np.sort(one * count + other)
    if not count or 1 + np.count_nonzero(np.diff(pairs)) == 1 + one.max() == 1 + other.max():
        return one  # both agree, as they nearly always do
    require("Keeping equal pictures in one split", "scipy")
    from scipy.sparse import coo_array  # noqa: PLC0415 (slow to import, and few runs need it)
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    ties = coo_array((np.ones(count, np.int8), (one, other + count)), shape=(2 * count, 2 * count))
    together = connected_components(ties, directed=False)[1][one]
    numbers: NDArray[np.int64] = np.unique(together, return_inverse=True)[1].astype(np.int64)
    return numbers


def _numbered(digests: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (N,) numbers from 0, equal where the digests are."""
    low, high = np.ascontiguousarray(digests).view("<u8").T
    order = np.lexsort((high, low))
    new = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.concatenate([np.zeros(min(1, len(order)), np.int64), np.cumsum(new)])
    return numbers


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a hash of each number: the last step of SplitMix64 (G. Steele, D. Lea, C. Flood, 2014)."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))


def groups_of(pictures: ImageSet, pattern: str | None) -> NDArray[np.uint8] | None:
    """Return a digest of the group of each picture, (N, 16): of what `pattern` finds in its name; None without one.

    Raises:
        DataError: the pictures do not have names, or one does not match.
        UsageError: the pattern takes too long to search for.
    """
    if pattern is None:
        return None
    if pictures.names is None:
        raise DataError(
            f"{pictures.origin}: the pictures do not have file names. Omit --group-by '{pattern}'."
        )
    groups = find_in_names(pattern, pictures.names, option="--group-by")
    return as_rows(
        [
            digest(_group(group, name, pattern, pictures.origin))
            for group, name in zip(groups, pictures.names, strict=True)
        ]
    )


def _group(group: str | None, name: str, pattern: str, origin: str) -> bytes:
    if group is None:
        raise DataError(
            f"{origin}: the name '{printable(name)}' does not match --group-by '{printable(pattern)}'. "
            "Use a pattern that finds the group in every name."
        )
    return group.encode(errors="surrogatepass")
