"""Folds for cross-validation: stratified, repeatable, and with equal pictures and groups in one fold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.data.splitting.bundles import bundles_of, groups_of
from picturewise.seeds import derive

FOLDS = 5


def folds_of(
    pictures: ImageSet, *, seed: int, group_by: str | None = None, folds: int = FOLDS
) -> NDArray[np.int64]:
    """Return the fold of each picture (N,), in 0..folds-1.

    Each class, or each length of sequences, is spread over the folds as evenly as bundles allow, that is, pictures that
    must stay together. The choice depends only on the pictures, the groups and the seed.

    Args:
        pictures: with labels.
        seed: another seed makes another choice.
        group_by: a regular expression that finds the group in a picture's name; see `DataOptions`.
        folds: 2 or more.

    Raises:
        DataError: the pictures do not have labels or, with groups, names.
        UsageError: `group_by` takes too long to search for.
    """
    labels = pictures.strata
    numbers, ranks = _bundled(pictures, group_by, derive(seed, "folds"))
    strata = int(labels.max(initial=-1)) + 1 if pictures.has_sequences else len(pictures.classes)
    counts = np.zeros((len(ranks), strata), np.int64)
    np.add.at(counts, (numbers, labels), 1)
    order = np.lexsort((ranks, -counts.sum(axis=1)))  # the largest first, when there is still room everywhere
    share = np.maximum(counts.sum(axis=0), 1)
    filled = np.zeros((folds, strata), np.int64)
    chosen = np.empty(len(ranks), np.int64)
    for bundle in order.tolist():
        classes = np.flatnonzero(counts[bundle])
        # The fold that has the least of these classes and, if several do, the smallest of them.
        crowded = (filled[:, classes] * counts[bundle, classes] / share[classes]).sum(axis=1)
        chosen[bundle] = np.lexsort((filled.sum(axis=1), crowded))[0]
        filled[chosen[bundle]] += counts[bundle]
    return chosen[numbers]


def bundles(pictures: ImageSet, group_by: str | None = None) -> int:
    """Return how many pictures, or groups of them, can be told apart.

    Args:
        pictures: with labels.
        group_by: as for `folds_of`.

    Raises:
        DataError, UsageError: as for `folds_of`.
    """
    return len(_bundled(pictures, group_by, 0)[1])


def fewest_apart(pictures: ImageSet, group_by: str | None = None) -> int:
    """Return for the class with the fewest how many of its pictures, or groups of them, can be told apart.

    A class without pictures does not count. Of sequences, return the number of all pictures that can be told apart.

    Args:
        pictures: with labels.
        group_by: as for `folds_of`.

    Raises:
        DataError, UsageError: as for `folds_of`.
    """
    labels = pictures.required_labels
    numbers, ranks = _bundled(pictures, group_by, 0)
    if pictures.has_sequences:  # a rare length need not be in every fold
        return len(ranks)
    apart = np.unique(np.stack([labels, numbers]), axis=1)[0]
    found = np.bincount(apart)
    return int(found[found > 0].min())


def _bundled(
    pictures: ImageSet, group_by: str | None, key: int
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    return bundles_of(pictures.statistics.digests[:], groups_of(pictures, group_by), None, key)
