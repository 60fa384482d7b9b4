"""The halves of a validation split: one chooses between recipes, the other reports and has chosen nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from picturewise.data.dataset import Dataset
from picturewise.data.hints import ValidHalf
from picturewise.data.read_options import ReadOptions
from picturewise.data.splitting.bundles import groups_of
from picturewise.data.splitting.hold_out import hold_out, one_by_one
from picturewise.errors import DataError
from picturewise.seeds import derive

FEWEST = 20
"""Validation pictures: half of fewer can hardly tell two recipes apart."""


def halved(dataset: Dataset, half: ValidHalf, options: ReadOptions) -> Dataset:
    """Return the data set with one half of its validation split; train and test stay as they are.

    As when a split is held out, the halves depend only on the pictures and the split seed, each class is divided, and
    equal pictures and groups stay together. A class with only one picture is in the choosing half. Nothing is copied.

    Args:
        dataset: as it was read; without a validation split, nothing changes.
        half: the one to return.
        options: the split seed, and which pictures belong together.

    Raises:
        DataError: there are fewer than 20 validation pictures, or no class can be divided.
    """
    valid = dataset.valid
    if (
        valid is None or valid.labels is None
    ):  # training without labels is impossible, which is reported later
        return dataset
    reports = hold_out(
        valid.strata,
        valid.statistics.digests[:],
        fraction=0.5,
        key=derive(options.split_seed, "valid-half"),
        groups=groups_of(valid, options.group_by),
    )
    if len(valid) < FEWEST or not reports.any():
        raise DataError(
            f"{valid.origin}: {len(valid):,} validation pictures cannot be divided into one half that chooses and one "
            f"that reports. At least {FEWEST} are needed; use a larger data.valid_fraction or more pictures."
        )
    chosen = reports if half == "reporting" else ~reports
    note = (
        f"{chosen.sum():,} of {len(valid):,} validation pictures are used, divided {one_by_one(valid)}: the "
        f"{half} half."
    )
    part = valid.select(np.flatnonzero(chosen))
    return replace(dataset, valid=part, notes=(*dataset.notes, note))
