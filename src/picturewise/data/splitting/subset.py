"""Training on a part of the pictures: fewer of train and of validation, drawn class by class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.splitting.hold_out import hold_out, one_by_one
from picturewise.seeds import derive


def limited(dataset: Dataset, limit: int, seed: int) -> Dataset:
    """Return the data set with about `limit` pictures of train and of validation each; test stays whole.

    As when a split is held out, the choice depends only on the pictures and the seed, each class keeps its share and at
    least one picture, and equal pictures go together; so there may be a few more or fewer. Nothing is copied.

    Args:
        dataset: train and validation have labels if they are larger than the limit.
        limit: from 1.
        seed: another seed makes another choice.
    """
    train, valid = (
        None if part is None else _limited(part, limit, derive(seed, f"limit-{name}"))
        for name, part in (("train", dataset.train), ("valid", dataset.valid))
    )
    cut = [
        f"{name} {len(now):,} of {len(before):,}"
        for name, now, before in (("train", train, dataset.train), ("validation", valid, dataset.valid))
        if now is not None and before is not None and len(now) < len(before)
    ]
    if not cut:
        return dataset
    part = next(part for part in (train, valid) if part is not None)
    note = (
        f"Only some of the pictures are used, drawn {one_by_one(part)}: {', '.join(cut)} (split seed {seed})."
    )
    return replace(dataset, train=train, valid=valid, notes=(*dataset.notes, note))


def _limited(part: ImageSet, limit: int, key: int) -> ImageSet:
    if (
        len(part) <= limit or part.labels is None
    ):  # training without labels is impossible, which is reported later
        return part
    digests = part.statistics.digests[:]
    return part.select(np.flatnonzero(hold_out(part.strata, digests, fraction=limit / len(part), key=key)))
