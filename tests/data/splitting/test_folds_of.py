from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_numbers import sequences

from picturewise.data.imageset import ImageSet
from picturewise.data.splitting.folds import FOLDS, fewest_apart, folds_of
from picturewise.errors import DataError


def pictures(counts: list[int], *, seed: int = 0) -> ImageSet:
    """Return so many different pictures of each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 4, 4, 1), dtype=np.uint8)
    return ImageSet(
        images, labels.astype(np.int64), tuple(f"class{n}" for n in range(len(counts))), "the source"
    )


def test_every_fold_has_its_share_of_every_class() -> None:
    found = pictures([40, 23, 7, 5])
    folds = folds_of(found, seed=0)
    for label, count in enumerate([40, 23, 7, 5]):
        shares = np.bincount(folds[found.labels == label], minlength=FOLDS)
        assert shares.sum() == count
        assert shares.max() - shares.min() <= 1
    assert np.ptp(np.bincount(folds)) <= 2


def test_the_order_of_the_pictures_does_not_matter_but_the_seed_does() -> None:
    found = pictures([30, 20])
    order = np.random.default_rng(1).permutation(50)
    first = folds_of(found, seed=0)
    np.testing.assert_array_equal(folds_of(found.select(order), seed=0), first[order])
    assert (folds_of(found, seed=1) != first).any()


def test_equal_pictures_are_in_one_fold_even_under_two_labels() -> None:
    found = pictures([20, 20])
    images = np.array(found.images)
    images[[3, 5, 25]] = images[0]
    folds = folds_of(replace(found, images=images), seed=0)
    assert len(set(folds[[0, 3, 5, 25]].tolist())) == 1


def test_a_group_is_in_one_fold_and_folds_stay_even() -> None:
    found = pictures([60, 60])
    names = [f"patient{number % 20:02}_{number}.png" for number in range(120)]
    folds = folds_of(replace(found, names=names), seed=0, group_by="(patient[0-9]+)_")
    for patient in range(20):
        assert len(set(folds[patient::20].tolist())) == 1
    for label in (0, 1):
        assert np.ptp(np.bincount(folds[found.labels == label], minlength=FOLDS)) == 0


def test_groups_need_names() -> None:
    with pytest.raises(DataError, match="do not have file names"):
        folds_of(pictures([10, 10]), seed=0, group_by="x")


def test_the_fewest_count_equal_pictures_and_groups_once() -> None:
    found = pictures([8, 6])
    assert fewest_apart(found) == 6
    images = np.array(found.images)
    images[9] = images[8]
    assert fewest_apart(replace(found, images=images)) == 5
    names = [f"{'ab'[number % 2]}{number}" for number in range(14)]
    assert fewest_apart(replace(found, names=names), "^(.)") == 2
    assert fewest_apart(replace(found, classes=(*found.classes, "empty"))) == 6


def test_every_fold_has_its_share_of_every_length_of_sequences() -> None:
    found = sequences(["1"] * 10 + ["12"] * 25 + ["1234"])
    folds = folds_of(found, seed=0)
    for length, count in ((1, 10), (2, 25)):
        assert np.bincount(folds[found.strata == length]).tolist() == [count // FOLDS] * FOLDS
    assert fewest_apart(found) == 36  # a rare length does not matter
