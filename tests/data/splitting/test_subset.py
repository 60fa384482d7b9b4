from __future__ import annotations

import numpy as np
import pytest
from drawn_numbers import sequences

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.recognise import recognise
from picturewise.data.splitting.subset import limited
from picturewise.errors import UsageError
from picturewise.tasks.load import load

CLASSES = ("common", "seldom", "rare")


def part(count: int, seed: int) -> ImageSet:
    """Of ten pictures, seven are common and two are seldom; the last one is rare."""
    images = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 1), dtype=np.uint8)
    labels = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 2], np.int64)[np.arange(count) % 10]
    return ImageSet(images, labels, CLASSES, "made by a test", names=[f"{n}.png" for n in range(count)])


@pytest.fixture
def dataset() -> Dataset:
    return Dataset("made", train=part(1000, 0), valid=part(200, 1), test=part(100, 2))


def test_each_class_keeps_its_share_and_test_stays_whole(dataset: Dataset) -> None:
    few = limited(dataset, 100, seed=0)
    assert few.split("train").counts() == {"common": 70, "seldom": 20, "rare": 10}
    assert few.split("valid").counts() == {"common": 70, "seldom": 20, "rare": 10}
    assert few.test is dataset.test
    assert few.notes[-1] == (
        "Only some of the pictures are used, drawn class by class: train 100 of 1,000, validation 100 of 200 (split "
        "seed 0)."
    )


def test_a_rare_class_keeps_one(dataset: Dataset) -> None:
    assert limited(dataset, 4, seed=0).split("train").counts()["rare"] == 1


def test_pictures_names_and_labels_stay_together(dataset: Dataset) -> None:
    few, whole = limited(dataset, 50, seed=0).split("train"), dataset.split("train")
    assert few.names is not None
    assert few.labels is not None
    assert whole.labels is not None
    places = [int(name.removesuffix(".png")) for name in few.names]
    np.testing.assert_array_equal(np.asarray(few.images), np.asarray(whole.images)[places])
    np.testing.assert_array_equal(few.labels, whole.labels[places])


def test_the_choice_depends_on_pictures_and_seed_alone(dataset: Dataset) -> None:
    order = np.random.default_rng(5).permutation(1000)
    shuffled = Dataset("shuffled", train=dataset.split("train").select(order))

    def names(data: Dataset, seed: int) -> set[str]:
        return set(limited(data, 100, seed).split("train").names or ())

    assert names(shuffled, 0) == names(dataset, 0)
    assert names(dataset, 1) != names(dataset, 0)


def test_what_is_small_enough_stays_as_it_is(dataset: Dataset) -> None:
    assert limited(dataset, 1000, seed=0) is dataset
    assert limited(dataset, 500, seed=0).valid is dataset.valid


def test_pictures_that_are_passed_are_limited_too(dataset: Dataset) -> None:
    assert len(load(recognise(dataset), DataOptions(limit=30)).split("train")) == 30


def test_less_than_one_is_refused() -> None:
    import picturewise

    with pytest.raises(UsageError, match=r"data\.limit"):
        picturewise.train("digits", settings=["data.limit=0"])


def test_each_length_of_sequences_keeps_its_share() -> None:
    few = limited(Dataset("numbers", train=sequences(["1", "12", "12", "12", "123"] * 40)), 50, seed=0)
    assert few.split("train").length_counts() == {"1": 10, "2": 30, "3": 10}
    assert "drawn length by length: train 50 of 200" in few.notes[-1]
