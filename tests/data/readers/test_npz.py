from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.data.imageset import ImageSet
from sightline.data.options import DataOptions
from sightline.data.readers import npz, picklesets
from sightline.errors import DataError

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
    source = npz.recognise(path) or picklesets.recognise(path)
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
    [("images", "labels"), ("X", "y"), ("TrainImages", "none"), ("train_images", "train_labels")],
)
def test_other_names_are_understood(tmp_path: Path, form: str, pictures: str, labels: str) -> None:
    path = write(tmp_path, form, **{pictures: GREY, labels: LABELS})
    if labels == "none":
        with pytest.raises(DataError, match=r"found 'TrainImages', 'none', expected x_train and y_train"):
            parts(path)
    else:
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
    "labels", [LABELS, LABELS[:, None], np.eye(3)[LABELS], LABELS.astype("f4"), LABELS.astype("u1")]
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
        ({"x_train": GREY, "y_train": LABELS[:3]}, "holds 3 labels for 4 pictures, expected one each"),
        ({"x_train": GREY * np.nan, "y_train": LABELS}, "values that are NaN or infinite"),
        ({"x_train": GREY / np.inf - np.inf, "y_train": LABELS}, "values that are NaN or infinite"),
        (
            {"x_train": GREY * 3.0, "y_train": LABELS},
            r"values in [0-9]+\.\.[0-9]+, expected 0\.\.1 or 0\.\.255",
        ),
        ({"x_train": GREY, "y_train": -LABELS}, r"labels in -2\.\.0, expected class numbers"),
        ({"x_train": GREY, "y_train": LABELS + 0.5}, "labels that are no whole numbers"),
        ({"x_train": GREY, "y_train": np.ones((4, 3))}, "is not one-hot"),
        (
            {"x_train": GREY, "y_train": LABELS, "labels": ["a", "b"]},
            r"labels up to 2, but there are 2 classes",
        ),
        (
            {"x_train": GREY, "y_train": LABELS, "x_test": GREY, "y_test": LABELS + 1},
            "labels up to 3, but there are 3",
        ),
        ({"x_train": GREY[:0], "y_train": LABELS[:0]}, "holds no pictures"),
        (
            {"x_train": GREY[..., None].repeat(4, 3), "y_train": LABELS},
            r"shape \(4, 5, 6, 4\), expected pictures as",
        ),
        ({"y_train": LABELS}, "has no array of pictures: found 'y_train', expected x_train and y_train"),
        ({"x_train": GREY, "y_test": LABELS}, "has 'y_test' without its pictures"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, form: str, arrays: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        parts(write(tmp_path, form, **arrays))


def test_the_test_arrays_of_an_npz_are_not_decoded_for_train(tmp_path: Path) -> None:
    path = write(tmp_path, "npz", x_train=GREY, y_train=LABELS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_test.npy", b"damaged")
    assert list(parts(path, "train")) == ["train"]
    with pytest.raises(DataError, match="'x_test' is truncated or no array"):
        parts(path)


def test_an_npz_of_objects_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "npz", x_train=np.array([{}, []], object), y_train=LABELS)
    with pytest.raises(
        DataError, match="array of Python objects, expected plain numbers; Sightline runs no code"
    ):
        parts(path)
