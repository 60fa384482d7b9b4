"""Oddities of labels are noted once, in one sentence each; labels without oddities get no note."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_numbers import sequences
from numpy.typing import NDArray

import picturewise
from picturewise.data.imageset import ImageSet
from picturewise.data.remarks import remarks

RANDOM = np.random.default_rng(0)


def pictures(count: int) -> NDArray[np.uint8]:
    return RANDOM.integers(0, 256, (count, 4, 4, 1), np.uint8)


def train(labels: list[int], classes: tuple[str, ...]) -> ImageSet:
    return ImageSet(pictures(len(labels)), np.array(labels, np.int64), classes, "these")


def test_an_ordinary_set_is_not_remarked_upon() -> None:
    assert remarks(train([0, 1, 2] * 4, ("cat", "dog", "night heron"))) == []
    unlabelled = ImageSet(pictures(3), None, (), "these")
    assert remarks(unlabelled) == []


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("Cat", "cat", "dog"), "'Cat' and 'cat'"),
        (("dog ", "dog", "cat"), "'dog ' and 'dog'"),
        (("night heron", "nightheron", "dog"), "'night heron' and 'nightheron'"),
        (("STRASSE", "straße", "dog"), "'STRASSE' and 'straße'"),
    ],
)
def test_names_that_differ_only_in_case_or_spaces(classes: tuple[str, ...], expected: str) -> None:
    (sentence,) = remarks(train([0, 1, 2], classes))
    assert expected in sentence


def test_classes_without_a_picture() -> None:
    (sentence,) = remarks(train([3, 7, 7], tuple(map(str, range(8)))))
    assert sentence.startswith("6 of 8 classes do not have pictures to train on: 0, 1, 2, 4")
    assert "Only the labels 3, 7 occur;" in sentence


def test_equal_pictures_with_different_labels() -> None:
    images = pictures(6)
    images[4] = images[5] = images[1]
    images[3] = images[0]
    part = ImageSet(images, np.array([0, 0, 1, 0, 1, 1]), ("cat", "dog"), "these", names=[*"abcdef"])
    (sentence,) = remarks(part)
    assert sentence.startswith(
        "3 pictures are identical to a picture with a different label; the first pair is b with the label 'cat' and "
    )
    assert "e with the label 'dog'" in sentence


def test_every_reading_of_a_set_has_the_remarks() -> None:
    dataset = picturewise.make_dataset((pictures(40), [3, 7] * 20))
    assert sum("do not have pictures to train on" in note for note in dataset.notes) == 1


def test_equal_pictures_with_different_sequences() -> None:
    part = sequences(["07", "7", "07", "12"])
    part.images[1] = part.images[0]
    part.images[2] = part.images[0]
    (note,) = remarks(part)
    assert "3 pictures are identical to a picture with a different label" in note
    assert "with the label '07'" in note
    assert "with the label '7'" in note
    assert remarks(sequences(["07", "7", "07"])) == []
