from __future__ import annotations

import numpy as np
import pytest

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError


def pictures(*classes: str) -> ImageSet:
    return ImageSet(np.zeros((1, 2, 2, 1), np.uint8), np.zeros(1, np.int64), classes, "here")


def test_splits_come_in_the_order_train_valid_test() -> None:
    dataset = Dataset("set", test=pictures("a", "b"), train=pictures("a", "b"))
    assert list(dataset.splits()) == ["train", "test"]
    assert dataset.classes == ("a", "b")
    assert dataset.split("test") is dataset.test


def test_a_split_that_is_not_there_is_an_error_that_lists_the_others() -> None:
    with pytest.raises(DataError, match=r"set does not have a valid split\. Its splits are train\."):
        Dataset("set", train=pictures("a", "b")).split("valid")


def test_no_split_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match="set does not have pictures in any split"):
        Dataset("set")


def test_splits_with_different_classes_are_an_error() -> None:
    with pytest.raises(DataError, match="the classes of test differ"):
        Dataset("set", train=pictures("a", "b"), test=pictures("b", "a"))
