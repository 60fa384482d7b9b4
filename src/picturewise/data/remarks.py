"""Notes about oddities of labelled pictures in any form; only the user can decide what they mean."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.names import listed


def remarks(train: ImageSet) -> list[str]:
    """Return notes on what the user should check before training on these pictures.

    Classes whose names differ only in case or spaces, classes without a picture, and equal pictures with different
    labels. Of sequences, only the last.
    """
    if train.labels is None:
        return []
    if train.has_sequences:
        return _contradictions(train, np.unique(train.labels, axis=0, return_inverse=True)[1].reshape(-1))
    return [*_alike(train.classes), *_empty(train), *_contradictions(train, train.labels)]


def _alike(classes: Iterable[str]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault("".join(name.split()).casefold(), []).append(name)
    twins = [names for names in groups.values() if len(names) > 1]
    if not twins:
        return []
    shown = "; ".join(" and ".join(f"'{name}'" for name in names) for names in twins[:3])
    more = "; …" if len(twins) > 3 else ""
    note = (
        f"Some classes have names that differ only in case or spaces: {shown}{more}. If they are the same class, give "
        "them the same name."
    )
    return [note]


def _empty(train: ImageSet) -> list[str]:
    counts = train.counts()
    empty = [name for name, count in counts.items() if not count]
    if not empty:
        return []
    filled = [name for name, count in counts.items() if count]
    sentence = (
        f"{len(empty):,} of {len(counts):,} classes do not have pictures to train on: {listed(empty)}. "
    )
    numbers = all(name.isdecimal() for name in counts)
    way = "number them from 0" if numbers else "pass only these as the classes"
    return [sentence + f"Only the labels {listed(filled)} occur; if there are no others, {way}."]


def _contradictions(train: ImageSet, labels: NDArray[np.int64]) -> list[str]:
    """Name equal pictures with different labels (N,), which no classifier can all classify correctly."""
    digests = np.ascontiguousarray(train.statistics.digests).view("<u8")
    order = np.lexsort((labels, digests[:, 1], digests[:, 0]))
    same = (np.diff(digests[order], axis=0) == 0).all(axis=1)
    # Positions in the order, each before its contradiction.
    clash = np.flatnonzero(same & (np.diff(labels[order]) != 0))
    if not len(clash):
        return []
    numbers = np.concatenate([[0], np.cumsum(~same)])  # of the picture at each position
    count = int(np.isin(numbers, numbers[clash]).sum())
    one, other = (_shown(train, int(order[place])) for place in (clash[0], clash[0] + 1))
    note = (
        f"{count:,} pictures are identical to a picture with a different label; the first pair is {one} and {other}. "
        "At least one label of each such pair is wrong."
    )
    return [note]


def _shown(train: ImageSet, place: int) -> str:
    name = f"picture {place:,} (counted from 0)" if train.names is None else train.names[place]
    return f"{name} with the label '{train.target.text(train.required_labels[place])}'"
