"""Carving the splits that a source does not bring: stratified, repeatable, and blind to order and machine.

No generator of random numbers is involved. The pictures of a class are ranked by a keyed hash of their own
bytes, and the first ones go into the new split. So the same pictures are chosen whatever the order of the
files, the machine or the version of a library, and pictures that are equal rank equal and stay together.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sightline.data.dataset import SplitName
from sightline.data.imageset import ImageSet
from sightline.data.options import DataOptions
from sightline.data.readers.contract import Part
from sightline.errors import DataError
from sightline.seeds import derive


def carve(
    labels: NDArray[np.int64], digests: Sequence[bytes], *, fraction: float, key: bytes
) -> NDArray[np.bool_]:
    """Return which pictures go into the new split, (N,) bool.

    From each class go `fraction` of its pictures, rounded, but at least one, and never all. Pictures with
    equal digests go together; where they would be too many, others go in their stead. A class without two
    different pictures gives none.

    Args:
        labels: (N,) class numbers.
        digests: (N,) one per picture, equal for equal pictures.
        fraction: in (0, 1).
        key: up to 64 bytes; another key gives another choice.
    """
    ranks = [hashlib.blake2b(digest, digest_size=16, key=key).digest() for digest in digests]
    carved = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        ranked = sorted(np.flatnonzero(labels == label).tolist(), key=ranks.__getitem__)
        count = min(max(1, round(fraction * len(ranked))), len(ranked) - 1)
        groups = [list(equal) for _, equal in itertools.groupby(ranked, key=ranks.__getitem__)]
        chosen: list[int] = []
        for group in groups:
            if len(chosen) + len(group) <= count:
                chosen += group
        if not chosen and len(groups) > 1:
            chosen = min(groups, key=len)
        carved[chosen] = True
    return carved


def complete(
    train: Part, own: Collection[SplitName], asked: Collection[SplitName], options: DataOptions
) -> tuple[dict[SplitName, ImageSet], list[str]]:
    """Return train and the splits carved from it, as far as asked for, and a sentence on each carving.

    A missing test split is carved first, then a missing validation split from what is left of train. Both
    depend on the pictures, the fractions and `options.split_seed` only.

    Args:
        train: the source's train split.
        own: the splits that the source brings itself.
        asked: the splits to return; the others are carved all the same, so that train is always the same.
        options: the fractions and the seed.

    Raises:
        DataError: no class has two different pictures, so nothing can be carved.
    """
    pictures, labels = train.pictures, train.pictures.labels
    if labels is None:
        return {"train": pictures}, [f"{pictures.origin} has no labels, so no split was carved from it."]
    indices: dict[SplitName, NDArray[np.int64]] = {"train": np.arange(len(pictures))}
    notes = []
    fractions: tuple[tuple[SplitName, float], ...] = (
        ("test", options.test_fraction),
        ("valid", options.valid_fraction),
    )
    for split, fraction in fractions:
        if split in own:
            continue
        rest = indices["train"]
        carved = carve(
            labels[rest],
            [train.digests[i] for i in rest],
            fraction=fraction,
            key=derive(options.split_seed, f"split-{split}").to_bytes(8, "little"),
        )
        if not carved.any():
            raise DataError(
                f"{pictures.origin}: no {split} split can be carved, for no class has two different pictures "
                f"left among {len(rest):,}; expected more pictures, or a {split} split beside train."
            )
        indices[split], indices["train"] = rest[carved], rest[~carved]
        notes.append(_note(split, carved, labels[rest], pictures.classes, options))
    if len(indices) == 1:
        return {"train": pictures}, []
    return {
        split: _select(pictures, split, chosen) for split, chosen in indices.items() if split in asked
    }, notes


def _select(pictures: ImageSet, split: SplitName, chosen: NDArray[np.int64]) -> ImageSet:
    part = pictures.select(chosen)
    return part if split == "train" else replace(part, origin=f"{pictures.origin} ({split} carved)")


def _note(
    split: SplitName,
    carved: NDArray[np.bool_],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    options: DataOptions,
) -> str:
    """Say what was carved, and which classes were too small to give anything."""
    names = {"valid": "validation"}
    text = (
        f"The source has no {names.get(split, split)} split: one was carved from train, class by class, with "
        f"{carved.sum():,} of {len(carved):,} pictures (split seed {options.split_seed})."
    )
    without = np.setdiff1d(labels, labels[carved])
    if len(without):
        shown = ", ".join(classes[label] for label in without[:5]) + (", …" if len(without) > 5 else "")
        text += f" Classes with too few different pictures to give it any: {shown}."
    return text
