from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.readers import npz, pickled_arrays
from picturewise.errors import DataError

GREY = np.random.default_rng(0).integers(0, 256, (4, 5, 6), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
COLOUR[0, 0, 0], COLOUR[0, 0, 1] = 0, 255  # the whole range
LABELS = np.array([0, 2, 1, 2])


@pytest.fixture(params=["npz", "pickle"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def write(folder: Path, form: str, **arrays: Any) -> Path:
    path = folder / f"set.{form}"
    if form == "npz":
        np.savez_compressed(path, **arrays)
    else:
        path.write_bytes(pickle.dumps(arrays))
    return path


def parts(path: Path, *splits: str) -> dict[str, ImageSet]:
    source = npz.recognise(path) or pickled_arrays.recognise(path)
    assert source is not None
    reading = source.read(splits or source.splits, DataOptions(source=""))
    return {split: part.pictures for split, part in reading.parts.items()}


def test_the_names_of_keras_are_understood(tmp_path: Path, form: str) -> None:
    found = parts(write(tmp_path, form, x_test=GREY[:2], x_train=GREY, y_train=LABELS, y_test=LABELS[:2]))
    assert list(found) == ["train", "test"]
    np.testing.assert_array_equal(found["train"].images[..., 0], GREY)
    assert found["train"].labels.tolist() == [0, 2, 1, 2]
    assert found["test"].classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("pictures", "labels"),
    [
        ("images", "labels"),
        ("X", "y"),
        ("train_images", "train_labels"),
        ("imgs", "lbls"),
        ("trainX", "trainY"),
        ("Xtrain", "ytrain"),
        ("TrainImages", "TrainLabels"),
        ("train/images", "train/labels"),
    ],
)
def test_other_names_are_understood(tmp_path: Path, form: str, pictures: str, labels: str) -> None:
    path = write(tmp_path, form, **{pictures: GREY, labels: LABELS})
    assert parts(path)["train"].labels.tolist() == [0, 2, 1, 2]


@pytest.mark.parametrize(
    "stored",
    [
        COLOUR,
        COLOUR.transpose(0, 3, 1, 2),
        np.asfortranarray(COLOUR),
        COLOUR.astype(">i4"),
        COLOUR.astype("f4"),
        COLOUR / 255,
        (COLOUR / 255).astype("f2"),
    ],
    ids=["NHWC", "NCHW", "Fortran", "big-endian", "0..255", "0..1", "half"],
)
def test_layouts_and_ranges_come_to_the_same_pictures(tmp_path: Path, form: str, stored: np.ndarray) -> None:
    found = parts(write(tmp_path, form, x_train=stored, y_train=LABELS))
    np.testing.assert_array_equal(found["train"].images, COLOUR)


@pytest.mark.parametrize(
    "labels",
    [
        *(LABELS, LABELS[:, None], LABELS[None], LABELS[:, None, None, None], np.eye(3)[LABELS]),
        *(LABELS.astype("f4"), LABELS.astype("u1"), LABELS.astype(">i8")),
    ],
)
def test_labels_of_every_form_come_to_the_same(tmp_path: Path, form: str, labels: np.ndarray) -> None:
    assert parts(write(tmp_path, form, x_train=GREY, y_train=labels))["train"].labels.tolist() == [0, 2, 1, 2]


@pytest.mark.parametrize("top", [1, 255])
@pytest.mark.parametrize("divided", [False, True])
def test_normalised_pictures_are_restored(tmp_path: Path, form: str, top: int, divided: bool) -> None:
    values = COLOUR.transpose(0, 3, 1, 2).astype("f4") / (255 / top)
    mean, std = values.mean(axis=0), values.std(axis=0) + 0.01
    stored = (values - mean) / (std if divided else 1)
    path = write(
        tmp_path, form, x_train=stored, y_train=LABELS, x_test=stored[1:2], y_test=LABELS[1:2],
        labels=["cat", "dog", "owl"], mean_image=mean, std_image=std,
    )  # fmt: skip
    found = parts(path)
    np.testing.assert_array_equal(found["train"].images, COLOUR)
    np.testing.assert_array_equal(found["test"].images, COLOUR[1:2])
    assert found["train"].classes == ("cat", "dog", "owl")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (
            {"x_train": GREY, "y_train": LABELS[:3]},
            "contains 3 labels for 4 pictures. Pass one label for each picture",
        ),
        (
            {"x_train": GREY * np.nan, "y_train": LABELS},
            r"'x_train': picture 0 \(counted from 0\) has the value nan",
        ),
        ({"x_train": GREY / np.inf - np.inf, "y_train": LABELS}, "picture 0 .* has the value -inf"),
        (
            {"x_train": GREY * 1.5, "y_train": LABELS},
            r"values in [0-9]+\.\.[0-9]+ instead of 0\.\.1 or 0\.\.255",
        ),
        (
            {"x_train": GREY, "y_train": -LABELS},
            r"'y_train': label 1 .* is -2. Expected an integer in 0\.\.9999",
        ),
        ({"x_train": GREY, "y_train": LABELS + 0.5}, "label 0 .* is 0.5. Expected an integer"),
        ({"x_train": GREY, "y_train": np.ones((4, 3))}, "is not one-hot"),
        (
            {"x_train": GREY, "y_train": LABELS, "labels": ["a", "b"]},
            r"label 1 .* is 2, but there are only 2 classes",
        ),
        (
            {"x_train": GREY, "y_train": LABELS, "x_test": GREY, "y_test": LABELS + 1},
            "'y_test': label 1 .* is 3, but there are only 3 classes",
        ),
        ({"x_train": GREY[:0], "y_train": LABELS[:0]}, "does not contain any pictures"),
        (
            {"x_train": GREY[..., None].repeat(4, 3), "y_train": LABELS},
            r"shape \(4, 5, 6, 4\). Expected 1 or 3 channels",
        ),
        (
            {"y_train": LABELS},
            "does not have an array of pictures .found 'y_train'.. Name the arrays x_train and y_train",
        ),
        ({"x_train": GREY, "y_test": LABELS}, "has the labels 'y_test', but not their pictures"),
    ],
)
def test_what_cannot_be_used_is_reported(
    tmp_path: Path, form: str, arrays: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        parts(write(tmp_path, form, **arrays))


def test_the_test_arrays_of_an_npz_are_not_decoded_for_train(tmp_path: Path) -> None:
    path = write(tmp_path, "npz", x_train=GREY, y_train=LABELS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_test.npy", b"damaged")
    assert list(parts(path, "train")) == ["train"]
    with pytest.raises(DataError, match="'x_test' is truncated or is not in NumPy's"):
        parts(path)


def test_of_train_nothing_is_read_for_test_alone_that_its_first_bytes_tell(tmp_path: Path) -> None:
    many = np.random.default_rng(0).integers(
        0, 256, (4000, 20, 20), np.uint8
    )  # more than is unpacked at once
    labels = np.arange(4000) % 3
    for train, reads in ((many, False), (many / 255, True)):
        path = write(tmp_path, "npz", x_train=train, y_train=labels, x_test=GREY, y_test=LABELS)
        content = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            old = archive.getinfo("x_train.npy").CRC.to_bytes(4, "little")  # the last thing that is looked at
        path.write_bytes(content.replace(old, bytes([old[0] ^ 1]) + old[1:]))
        if reads:
            with pytest.raises(DataError, match="damaged"):
                parts(path, "test")
        else:
            assert list(parts(path, "test")) == ["test"]


def test_arrays_of_other_things_are_refused(tmp_path: Path, form: str) -> None:
    with pytest.raises(DataError, match=r"again as integers or floats"):
        parts(write(tmp_path, form, x_train=np.zeros(4, [("a", "u1", (5, 6))]), y_train=LABELS))


def test_a_pickle_that_loses_a_name_between_two_looks_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path, "pickle", x_train=GREY, y_train=LABELS)
    source = pickled_arrays.recognise(path)
    assert source is not None
    write(tmp_path, "pickle", x_train=GREY)
    with pytest.raises(DataError, match="no longer contains 'y_train'"):
        source.read(source.splits, DataOptions(source=""))


def test_an_npz_of_objects_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "npz", x_train=np.array([{}, []], object), y_train=LABELS)
    with pytest.raises(
        DataError,
        match=r"array of Python objects\. Save it again as integers or floats; Picturewise never runs code",
    ):
        parts(path)


def test_two_arrays_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    np.savez(path, x_train=np.zeros((4, 5, 4), np.uint8), y_train=np.arange(4) % 2)
    with zipfile.ZipFile(path, "a") as packed:
        labels = packed.read("y_train.npy")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("y_train.npy", labels)
    with pytest.raises(DataError, match=r"set\.npz contains 2 files with the name 'y_train\.npy'"):
        npz.recognise(path)
