"""Learning from a part of the pictures: fewer of train and of validation, drawn class by class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.splitting.hold_out import hold_out
from picturewise.seeds import derive


def limited(dataset: Dataset, limit: int, seed: int) -> Dataset:
    """Return the data set with about `limit` pictures of train and of validation each; test stays whole.

    As where a split is held out, the choice depends on the pictures and the seed alone, each class keeps its share and
    at least one picture, and equal pictures go together; so it may be some more or fewer. Nothing is copied.

    Args:
        dataset: train and validation have labels where they are larger than the limit.
        limit: from 1.
        seed: another one gives another choice.
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
    note = f"A part of the pictures only, drawn class by class: {', '.join(cut)} (split seed {seed})."
    return replace(dataset, train=train, valid=valid, notes=(*dataset.notes, note))


def _limited(part: ImageSet, limit: int, key: int) -> ImageSet:
    if (
        len(part) <= limit or part.labels is None
    ):  # without labels there is nothing to learn, and that is told later
        return part
    digests = part.statistics.digests[:]
    return part.select(np.flatnonzero(hold_out(part.labels, digests, fraction=limit / len(part), key=key)))
