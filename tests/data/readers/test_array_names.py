"""What names and forms say of arrays."""

from __future__ import annotations

import pytest

from picturewise.data.readers.array_names import ArrayForm, find_keys
from picturewise.errors import DataError, UsageError

GREY, FEW = ArrayForm((120, 20, 20), "u"), ArrayForm((30, 20, 20), "u")
LABELS, NAMES = ArrayForm((120,), "i"), ArrayForm((3,), "U")


@pytest.mark.parametrize(
    ("names", "pictures", "labels"),
    [
        (("x", "y"), {"train": "x"}, {"train": "y"}),
        (("imgs", "lbls"), {"train": "imgs"}, {"train": "lbls"}),
        (("train_set_x", "train_set_y"), {"train": "train_set_x"}, {"train": "train_set_y"}),
        (("train/images", "train/labels"), {"train": "train/images"}, {"train": "train/labels"}),
        (("a_train_x/x", "a_train_y/y"), {"train": "a_train_x/x"}, {"train": "a_train_y/y"}),
        (("testX", "testY"), {"test": "testX"}, {"test": "testY"}),
    ],
)
def test_names_say_roles_and_splits(
    names: tuple[str, str], pictures: dict[str, str], labels: dict[str, str]
) -> None:
    keys = find_keys({names[0]: GREY, names[1]: LABELS}, "file")
    assert keys is not None
    assert (keys.pictures, keys.labels, keys.notes) == (pictures, labels, ())


def test_arrays_without_a_split_beside_those_of_test_are_train() -> None:
    keys = find_keys(
        {"images": GREY, "labels": LABELS, "test_images": FEW, "test_labels": ArrayForm((30,), "i")}, "f"
    )
    assert keys is not None
    assert keys.pictures == {"train": "images", "test": "test_images"}
    assert keys.labels == {"train": "labels", "test": "test_labels"}


def test_shapes_tell_where_names_do_not() -> None:
    keys = find_keys({"arr_0": GREY, "arr_1": LABELS}, "f")
    assert keys is not None
    assert (keys.pictures, keys.labels) == ({"train": "arr_0"}, {"train": "arr_1"})
    assert keys.notes == (
        "f: 'arr_0' was used as the pictures and 'arr_1' as their labels, because of their shapes.",
    )
    assert (
        find_keys({"arr_0": GREY, "arr_1": LABELS, "arr_2": FEW, "arr_3": ArrayForm((30,), "i")}, "f") is None
    )
    with pytest.raises(
        DataError,
        match=r"any of 'arr_1', 'arr_2' could be the labels of 'arr_0'. Choose one with --label-column",
    ):
        find_keys({"arr_0": GREY, "arr_1": LABELS, "arr_2": LABELS}, "f")


def test_what_is_not_used_is_named() -> None:
    others = {"ans": LABELS, "masks": GREY, "weight": ArrayForm((120,), "f"), "version": ArrayForm((3,), "i")}
    keys = find_keys({"images": GREY, **others}, "galaxy.h5")
    assert keys is not None
    assert keys.labels == {}
    assert keys.notes == (
        "galaxy.h5: 'ans' (120 integers) was not used. If it contains the labels, pass --label-column ans.",
        "galaxy.h5: 'masks' (120x20x20 integers) was not used.",
        "galaxy.h5: 'weight' (120 floats) was not used.",
    )


def test_one_of_several_labels_is_asked_for() -> None:
    arrays = {
        "x_train": GREY,
        "fine_train": LABELS,
        "coarse_train": LABELS,
        "x_test": FEW,
        "coarse_test": None,
    }
    keys = find_keys(arrays, "f", "coarse_train")
    assert keys is not None
    assert keys.labels == {"train": "coarse_train", "test": "coarse_test"}
    with pytest.raises(UsageError, match=r"f does not have an array 'medium'. Its arrays are 'x_train'"):
        find_keys(arrays, "f", "medium")
    with pytest.raises(
        DataError,
        match=r"two arrays for the same split, 'y_fine' and 'y_coarse'\. Choose one with --label-column",
    ):
        find_keys({"x": GREY, "y_fine": LABELS, "y_coarse": LABELS}, "f")


def test_names_of_classes_are_distinguished_from_names_of_pictures() -> None:
    keys = find_keys({"x": GREY, "y": LABELS, "kinds": NAMES}, "f")
    assert keys is not None
    assert keys.classes == "kinds"
    files = find_keys({"x": GREY, "y": LABELS, "names": ArrayForm((120,), "U")}, "f")
    assert files is not None
    assert files.classes is None
    assert "'names' (120 strings) was not used" in files.notes[0]


@pytest.mark.parametrize(
    ("shape", "labels", "last"),
    [
        ((20, 20, 3, 120), (120, 1), True),
        ((20, 20, 120), (120,), True),
        ((120, 20, 20, 3), (120,), False),
        ((20, 20, 3, 20), (20,), True),  # 20 pictures of 20x20: the other reading has 20 channels
        ((120, 3, 20, 20), (120,), False),
    ],
)
def test_the_axis_that_counts_the_pictures_may_be_the_last(
    shape: tuple[int, ...], labels: tuple[int, ...], last: bool
) -> None:
    keys = find_keys({"X": ArrayForm(shape, "u"), "y": ArrayForm(labels, "u")}, "f")
    assert keys is not None
    assert keys.pictures_last == (frozenset({"X"}) if last else frozenset())
