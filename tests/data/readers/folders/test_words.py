from __future__ import annotations

import pytest

from picturewise.data.readers.folders.words import (
    means_annotations,
    means_no_class,
    means_part,
    means_pictures,
    means_unlabelled,
    other_words,
)


@pytest.mark.parametrize(
    "name",
    [
        "masks",
        "Masks",
        "labels",
        "Annotations",
        "train_masks",
        "ground_truth",
        "SegmentationClass",
        "bbox",
        "01_gt",
    ],
)
def test_words_for_annotations(name: str) -> None:
    assert means_annotations(name)
    assert means_no_class(name)


@pytest.mark.parametrize(
    "name", ["no_mask", "with_mask", "mask_worn", "truth", "label maker", "class", "objects"]
)
def test_names_with_further_words_are_not_annotations(name: str) -> None:
    assert not means_annotations(name)
    assert not means_no_class(name)


@pytest.mark.parametrize("name", ["images", "JPEGImages", "imgs", "images_001", "train_images", "png"])
def test_words_for_pictures(name: str) -> None:
    assert means_pictures(name)


@pytest.mark.parametrize("name", ["cat_images", "x", "new", "data", "imagery"])
def test_names_that_are_not_words_for_pictures(name: str) -> None:
    assert not means_pictures(name)


@pytest.mark.parametrize(
    "name", ["input", "targets", "images_resized", "raw", "grayscale", "train", "val2017"]
)
def test_other_words_that_are_not_a_class(name: str) -> None:
    assert means_no_class(name)


@pytest.mark.parametrize("name", ["cat", "train station", "raw fish", "red", "1", "x", "猫"])
def test_what_may_be_a_class(name: str) -> None:
    assert not means_no_class(name)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        *(
            (name, True)
            for name in ("fold1", "Fold 2", "part_03", "HAM10000_images_part_1", "batch-7", "set1")
        ),
        *((name, False) for name in ("class1", "1", "fold", "person2", "n01440764", "unfold1")),
    ],
)
def test_numbered_parts(name: str, part: bool) -> None:
    assert means_part(name) == part


def test_words_for_pictures_without_labels() -> None:
    assert [means_unlabelled(name) for name in ("pred", "seg_pred", "Unlabeled", "predator")] == [
        True,
        True,
        True,
        False,
    ]
    assert (other_words("seg_pred"), other_words("pred_images_2")) == (("seg",), ())
