from __future__ import annotations

import numpy as np
import pytest

from picturewise.data.arrays.labels import (
    are_numbers_in_order,
    check_labelled,
    check_labels,
    given_labels,
    number_classes,
    numbered_classes,
    to_class_names,
    to_labels,
)
from picturewise.errors import DataError


@pytest.mark.parametrize(
    "values",
    [
        np.array([1, 0, 2]),
        np.array([[1], [0], [2]], "u1"),
        np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]),
        np.array([1.0, 0.0, 2.0], "f2"),
        np.array([1, 0, 2], ">i8"),
        [1, 0, 2],
        (1.0, False, 2),
    ],
)
def test_labels_may_be_numbers_or_one_hot(values: object) -> None:
    labels = to_labels(values, 3, "y")
    assert labels.tolist() == [1, 0, 2]
    assert labels.dtype == np.int64


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([1, 2], "y contains 2 labels for 3 pictures. Pass one label for each picture"),
        ([1, -1, 0], r"y: label 1 \(counted from 0\) is -1. Expected an integer in 0\.\.9999"),
        ([1, 0, 1.5], "label 2 .* is 1.5"),
        ([1, 0, np.nan], "label 2 .* is nan"),
        ([1, np.inf, 0], "label 1 .* is inf"),
        ([1, 0, 10_000], r"is 10000. Expected an integer in 0\.\.9999"),
    ],
)
def test_labels_that_are_none_are_refused_in_lists_and_arrays(values: list[float], sentence: str) -> None:
    for form in (values, np.array(values)):
        with pytest.raises(DataError, match=sentence):
            to_labels(form, 3, "y")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            np.array([[0, 1], [1, 1], [1, 0]]),
            r"has shape \(3, 2\), but row 1 \(counted from 0\) is not one-hot",
        ),
        (np.zeros((3, 0)), "row 0 .* is not one-hot"),
        (np.zeros((3, 2, 1)), r"has shape \(3, 2, 1\), .*Pass class numbers of shape \(N,\)"),
        (np.array(3), r"has shape \(\), .*Pass class numbers"),
        (np.array(["a", "b", "c"]), "contains strings. Pass class numbers"),
        (np.zeros(3, complex), "contains values of type complex128"),
        ("abc", "is not an array or a list. Pass class numbers"),
        ([1, "\x1b", 2], r"label 1 .* is '\\x1b'"),
        ([1, 2**70, 2], "label 1 .* is 1180591620717411303424"),
    ],
)
def test_what_is_not_a_list_of_labels_is_refused(values: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        to_labels(values, 3, "y")


def test_the_largest_label_can_be_another() -> None:
    with pytest.raises(DataError, match=r"is 11. Expected an integer in 0\.\.10"):
        to_labels([11], 1, "y", most=10)


def test_a_label_outside_the_classes_is_named() -> None:
    check_labels(np.array([0, 1]), ("a", "b"), "y")
    with pytest.raises(
        DataError,
        match=r"y: label 1 \(counted from 0\) is 2, but there are only 2 classes\. Use labels in 0\.\.1",
    ):
        check_labels(np.array([0, 2]), ("a", "b"), "y")


def test_classes_without_names_are_numbers() -> None:
    assert numbered_classes(np.array([2, 0])) == ("0", "1", "2")
    assert numbered_classes(np.empty(0, np.int64)) == ()
    assert numbered_classes(None) == ()


def test_class_names_are_texts_that_are_there_once() -> None:
    assert to_class_names([b"a", "b"], "x") == ("a", "b")
    assert to_class_names(np.array(["a", "b"]), "x") == ("a", "b")
    for bad in (["a", "a"], [1], "text", np.array([["a"]])):
        with pytest.raises(DataError, match=r"^x (contains|is not a list)"):
            to_class_names(bad, "x")


@pytest.mark.parametrize(
    ("values", "expected", "names"),
    [
        (np.array(["owl", "cat", "owl"]), [1, 0, 1], ("cat", "owl")),
        (np.array([b"owl", b"cat", b"owl"])[:, None], [1, 0, 1], ("cat", "owl")),
        (["10", b"9", None], [1, 0, -1], ("9", "10")),
        ([[2], [0], [1]], [2, 0, 1], None),
        ([[0, 1], [1, 0], [0, 1]], [1, 0, 1], None),
        (np.array([[0, 2, 1]]), [0, 2, 1], None),
        (np.array([0, 2, 1]).reshape(3, 1, 1, 1), [0, 2, 1], None),
        (np.array([True, False, True]), [1, 0, 1], None),
        (np.array([1.0, np.nan, -1.0]), [1, -1, -1], None),
        (np.array([7, 255, 0], "u1"), [7, -1, 0], None),
        (np.array([7, 255, 200], "u1"), [7, 255, 200], None),
        (np.array([7, 255, 0], ">u2"), [7, 255, 0], None),
    ],
)
def test_labels_come_as_numbers_names_or_marks_for_none(
    values: object, expected: list[int], names: tuple[str, ...] | None
) -> None:
    labels = given_labels(values, 3, "y")
    assert (labels.numbers.tolist(), labels.names) == (expected, names)
    assert labels.are_there


def test_a_rare_picture_without_label_is_refused_with_the_way_out() -> None:
    labels = given_labels([0, None, 1, None], 4, "y")
    with pytest.raises(
        DataError,
        match=r"y does not have labels for 2 of 4 pictures: label 1 .* is nan\. Leave .* out with --skip",
    ):
        check_labelled(labels.numbers, "y", labels.mark, skip_bad=False)
    check_labelled(labels.numbers, "y", labels.mark, skip_bad=True)


def test_train_says_which_number_is_which_class() -> None:
    names, train = ("cat", "owl"), given_labels([1, 2, 1], 3, "y")
    numbering = number_classes(train, names, "y")
    assert numbering.of(train, "y").tolist() == [0, 1, 0]
    assert numbering.notes == ("y: the labels start at 1, so 1 means 'cat' and 2 means 'owl'.",)
    with pytest.raises(DataError, match="a label is 0, but the training labels start at 1"):
        numbering.of(given_labels([0, 1], 2, "y"), "y")
    with pytest.raises(
        DataError, match=r"label 0 .* is 3, but there are only 2 classes\. Use labels in 1\.\.2"
    ):
        numbering.of(given_labels([3], 1, "y"), "y")
    by_name = number_classes(given_labels(["owl", "cat"], 2, "y"), None, "y")
    assert by_name.classes == names
    with pytest.raises(DataError, match=r"y contains unknown labels: dog. Use only the classes cat, owl"):
        by_name.of(given_labels(["dog", "cat"], 2, "y"), "y")
    with pytest.raises(DataError, match="contains class numbers, but the training labels are class names"):
        by_name.of(given_labels([0, 1], 2, "y"), "y")


def test_names_of_classes_may_be_beside_their_numbers() -> None:
    for table in ({0: "a", 1: "b"}, {"b": 1, "a": 0}):
        assert to_class_names(table, "x") == ("a", "b")
    with pytest.raises(DataError, match=r"^x (contains|is not a list)"):
        to_class_names({0: "a", 2: "b"}, "x")
    assert are_numbers_in_order(np.arange(3))
    assert not are_numbers_in_order([1, 2])
