from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from read_place import read_place

from picturewise.data.hints import Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.options import DataOptions
from picturewise.data.readers.hdf5 import Hdf5Reader, recognise
from picturewise.errors import DataError

pytestmark = pytest.mark.slow  # each starts processes of its own

OPTIONS = DataOptions(source="")
RANDOM = np.random.default_rng(0)


def write(path: Path, **arrays: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            if isinstance(values, dict):
                file.create_dataset(name, **values)
            else:
                file[name] = values
    return path


def recognised(path: Path) -> Hdf5Reader:
    source = recognise(path)
    assert source is not None
    return source


def grey(count: int = 40) -> np.ndarray:
    return (RANDOM.random((count, 8, 8)) * 255).astype(np.float32)


def test_the_grey_svhn_layout_is_read_with_its_three_splits(tmp_path: Path) -> None:
    parts = {f"X_{name}": grey(count) for name, count in (("train", 40), ("val", 20), ("test", 10))}
    labels = {f"y_{name[2:]}": (np.arange(len(part)) % 10).astype(np.uint8) for name, part in parts.items()}
    write(tmp_path / "SVHN_single_grey1.h5", **parts, **labels)
    for path in (tmp_path, tmp_path / "SVHN_single_grey1.h5"):
        dataset = read_place(DataOptions(source=str(path)))
        assert dataset.name == "svhn-single-grey1"
        assert dataset.classes == tuple("0123456789")
        for split, name in (("train", "train"), ("valid", "val"), ("test", "test")):
            found = dataset.split(split)
            np.testing.assert_array_equal(found.images[..., 0], np.rint(parts[f"X_{name}"]))
            np.testing.assert_array_equal(found.labels, labels[f"y_{name}"])


@pytest.mark.parametrize(
    "storage",
    [
        {},
        {"chunks": (7, 8, 8)},
        {"chunks": (7, 3, 5), "compression": "gzip", "shuffle": True},
        {"chunks": (40, 8, 8), "compression": "lzf", "fletcher32": True},
        {"chunks": True, "maxshape": (None, 8, 8)},
    ],
)
def test_the_common_ways_to_store_numbers_are_read(tmp_path: Path, storage: dict[str, Any]) -> None:
    values = grey()
    path = write(tmp_path / "a.h5", images={"data": values, **storage}, labels=np.arange(40) % 2)
    found = recognised(path).read({"train"}, OPTIONS).parts["train"].pictures
    np.testing.assert_array_equal(found.images[..., 0], np.rint(values))


@pytest.mark.parametrize("kind", ["u1", "<i2", ">i4", "<u8", "<f2", ">f4", "<f8"])
def test_every_kind_of_number_is_read(tmp_path: Path, kind: str) -> None:
    values = RANDOM.integers(0, 256, (6, 4, 4))
    path = write(tmp_path / "a.h5", x_train=values.astype(kind), y_train=np.arange(6))
    np.testing.assert_array_equal(
        recognised(path).read({"train"}, OPTIONS).parts["train"].pictures.images[..., 0], values
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((6, 3, 4, 5), (6, 4, 5, 3)), ((6, 48), (6, 4, 4, 3)), ((6, 4, 5, 1), (6, 4, 5, 1))],
)
def test_other_layouts_are_converted_to_ours(
    tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    path = write(tmp_path / "a.h5", x_train=np.zeros(shape, np.uint8), y_train=np.arange(6))
    assert recognised(path).read({"train"}, OPTIONS).parts["train"].pictures.images.shape == expected


def test_floats_up_to_one_are_scaled_as_train_says_whichever_split_is_read(tmp_path: Path) -> None:
    train = np.linspace(0, 1, 2 * 16).reshape(2, 4, 4)
    path = write(tmp_path / "a.h5", x_train=train, y_train=[0, 1], x_test=train[:1] * 0.2, y_test=[0])
    found = recognised(path).read({"test"}, OPTIONS).parts["test"].pictures
    np.testing.assert_array_equal(found.images[..., 0], np.rint(np.float32(51) * train[:1]))
    write(path, x_train=train * 255, y_train=[0, 1], x_test=np.ones((1, 4, 4)), y_test=[0])
    with pytest.raises(
        DataError, match=r"x_test contains values in 0\.\.1, but the train split contains values in 0\.\.255"
    ):
        recognised(path).read({"test"}, OPTIONS)


def test_test_alone_reads_of_train_the_labels_and_the_range_of_floats(tmp_path: Path) -> None:
    def damaged(train: np.ndarray) -> Path:
        """A file whose last picture of train is packed in a way that cannot be unpacked."""
        path = write(
            tmp_path / "a.h5", x_train={"data": train, "chunks": (1, 4, 4), "compression": "gzip"},
            y_train=[0, 1, 2], x_test=np.full((1, 4, 4), 77), y_test=[2],
        )  # fmt: skip
        with h5py.File(path, "a") as file:
            file["x_train"].id.write_direct_chunk((2, 0, 0), b"damaged")
        return path

    source = recognised(damaged(RANDOM.integers(0, 256, (3, 4, 4), np.uint8)))
    assert source.read({"test"}, OPTIONS).parts["test"].pictures.classes == ("0", "1", "2")
    with pytest.raises(DataError, match="damaged"):
        source.read({"train"}, OPTIONS)
    with pytest.raises(DataError, match="damaged"):
        recognised(damaged(RANDOM.random((3, 4, 4)))).read({"test"}, OPTIONS)


def test_one_hot_labels_and_missing_labels_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", x_train=np.zeros((3, 4, 4), "u1"), y_train=np.eye(3)[[2, 0, 1]])
    assert recognised(path).read({"train"}, OPTIONS).parts["train"].pictures.labels.tolist() == [2, 0, 1]
    write(path, images=np.zeros((3, 4, 4), "u1"))
    assert recognised(path).read({"train"}, OPTIONS).parts["train"].pictures.labels is None


def test_a_file_with_other_arrays_says_which(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", weights=np.zeros(3), y_train=[1])
    with pytest.raises(
        DataError,
        match=r"a\.h5 does not have an array of pictures .found 'weights', 'y_train'.\. Name the arrays x_train",
    ):
        recognise(path)
    with pytest.raises(DataError, match="found no arrays"):
        recognise(write(path))


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (
            {"X_train": np.zeros((3, 4, 4)), "y_train": [0, 1]},
            r"y_train contains 2 labels for 3 pictures",
        ),
        ({"X_train": np.full((3, 4, 4), np.nan), "y_train": [0, 1, 0]}, "picture 0 .* has the value nan"),
        ({"X_train": np.full((3, 4, 4), np.inf), "y_train": [0, 1, 0]}, "picture 0 .* has the value inf"),
        (
            {"X_train": np.full((3, 4, 4), 7e5), "y_train": [0, 1, 0]},
            r"picture 0 \(counted from 0\) has 700000",
        ),
        ({"X_train": np.zeros((3, 4, 4)), "y_train": [0, 1.5, 0]}, "y_train: label 1 .* is 1.5"),
        ({"X_train": np.zeros((3, 4, 4)), "y_train": np.ones((3, 2))}, "row 0 .* is not one-hot"),
        (
            {"X_train": np.zeros((3, 4, 4)), "y_test": [0, 1, 0]},
            "has the labels 'y_test', but not their pictures",
        ),
        (
            {"X_train": np.full((3, 4, 4), 300), "y_train": [0, 1, 0]},
            r"values in 300\.\.300 instead of 0\.\.1 or 0\.\.255",
        ),
        ({"X_train": np.zeros((3, 5)), "y_train": [0, 1, 0]}, r"has shape \(3, 5\)\. Expected pictures"),
        ({"X_train": np.zeros((2, 4, 4)), "y_train": [0, -1]}, "label 1 .* is -1"),
        (
            {"X_train": np.zeros((2, 4, 4)), "y_train": [0, 1], "x_train": [1]},
            "has two arrays for the same split, 'X_train' and 'x_train'",
        ),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(
    tmp_path: Path, arrays: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        recognised(write(tmp_path / "a.h5", **arrays)).read({"train"}, OPTIONS)


def test_labels_that_only_test_has_are_refused(tmp_path: Path) -> None:
    zeros = np.zeros((2, 4, 4), "u1")
    path = write(tmp_path / "a.h5", x_train=zeros, y_train=[0, 1], x_test=zeros, y_test=[0, 2])
    with pytest.raises(
        DataError, match=r"label 1 .* is 2, but there are only 2 classes\. Use labels in 0\.\.1"
    ):
        read_place(DataOptions(source=str(path)))


def test_names_with_further_words_are_understood_if_there_are_no_plainer_ones(tmp_path: Path) -> None:
    zeros = np.zeros((2, 4, 4), "u1")
    path = write(
        tmp_path / "a.h5", train_set_x=zeros, train_set_y=[0, 1], test_set_x=zeros, test_set_y=[0, 1]
    )
    assert recognised(path).splits == ("train", "test")
    path = write(path, x_train=zeros, y_train=[0, 1], x_train_small=zeros[:1], mean_image=zeros[0])
    assert len(recognised(path).read({"train"}, OPTIONS).parts["train"].pictures) == 2


def test_a_truncated_file_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", x_train=grey(), y_train=np.arange(40) % 2)
    whole = path.read_bytes()
    for length in (9, 100, 2000, len(whole) - 100):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="damaged or truncated"):
            recognise(path)


def test_a_file_that_another_process_writes_says_so(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x_train"] = grey()
        file.flush()
        with pytest.raises(DataError, match=r"is being written by another process|damaged or truncated"):
            recognise(tmp_path / "a.h5")


def test_other_files_and_folders_are_not_recognised(tmp_path: Path) -> None:
    assert recognise(tmp_path) is None
    (tmp_path / "a.h5").write_bytes(b"something else")
    assert recognise(tmp_path) is None


def test_a_chunk_that_does_not_have_its_checksum_is_refused(tmp_path: Path) -> None:
    pictures = {"data": RANDOM.integers(0, 256, (6, 5, 4), np.uint8), "chunks": (3, 5, 4), "fletcher32": True}
    path = write(tmp_path / "set.h5", X_train=pictures, y_train=np.arange(6) % 2)
    content = bytearray(path.read_bytes())
    at = content.index(pictures["data"][3:].tobytes())
    content[at + 7] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"set\.h5"):
        recognised(path).read(["train"], OPTIONS)


def read(path: Path, **hints: str) -> tuple[ImageSet, tuple[str, ...], tuple[str, ...]]:
    source = recognise(path, Hints(**hints))  # type: ignore[arg-type]
    assert source is not None
    reading = source.read({"train"}, OPTIONS)
    return reading.parts["train"].pictures, source.splits, reading.notes


BYTES = RANDOM.integers(0, 256, (12, 8, 8, 3), np.uint8)
HALVES = np.arange(12) % 2


def test_a_course_has_a_file_for_each_split_and_names_as_bytes(tmp_path: Path) -> None:
    names = np.array([b"non-cat", b"cat"])
    write(tmp_path / "train_cats.h5", train_set_x=BYTES, train_set_y=HALVES, list_classes=names)
    write(tmp_path / "test_cats.h5", test_set_x=BYTES[:4], test_set_y=HALVES[:4], list_classes=names)
    part, splits, notes = read(tmp_path)
    assert (part.classes, splits, notes) == (("non-cat", "cat"), ("train", "test"), ())
    write(tmp_path / "train_cats.h5", train_set_x=BYTES, train_set_y=HALVES, list_classes=np.arange(2))
    assert read(tmp_path / "train_cats.h5")[0].classes == ("0", "1")


@pytest.mark.parametrize("named", [".", "level_2_split_train_x.h5", "level_2_split_train_y.h5"])
def test_pictures_and_labels_may_have_a_file_each(tmp_path: Path, named: str) -> None:
    write(tmp_path / "level_2_split_train_x.h5", x=BYTES)
    write(tmp_path / "level_2_split_train_y.h5", y=HALVES.reshape(-1, 1, 1, 1))
    part, _, notes = read(tmp_path / named)
    assert part.labels is not None
    assert (part.labels.tolist(), notes) == (HALVES.tolist(), ())
    np.testing.assert_array_equal(part.images, BYTES)


def test_the_range_of_train_is_used_if_test_has_a_separate_file(tmp_path: Path) -> None:
    write(tmp_path / "train.h5", x=np.linspace(0, 1, 128).reshape(2, 8, 8), y=[0, 1])
    write(tmp_path / "test.h5", x=np.full((1, 8, 8), 0.2), y=[0])
    found = recognised(tmp_path).read({"test"}, OPTIONS).parts["test"].pictures
    assert (found.images == 51).all()


def test_groups_attributes_and_other_names_of_labels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["train/images"], file["train/labels"] = BYTES, HALVES
        file["train/labels"].attrs["class_names"] = ["cat", "owl"]
    part, splits, notes = read(path)
    assert (part.classes, splits, notes) == (("cat", "owl"), ("train",), ())
    write(path, images=BYTES, ans=HALVES)
    part, _, notes = read(path)
    assert part.labels is None
    assert "'ans' (12 integers) was not used. If it contains the labels, pass --label-column ans." in notes[0]
    part, _, notes = read(path, label_column="ans")
    assert part.labels is not None
    assert (part.labels.tolist(), notes) == (HALVES.tolist(), ())


def test_arrays_with_the_pictures_in_the_last_axis_are_turned(tmp_path: Path) -> None:
    chunks = {"data": BYTES.transpose(1, 2, 3, 0), "chunks": (3, 8, 3, 5), "compression": "gzip"}
    part, _, notes = read(write(tmp_path / "a.h5", X=chunks, y=HALVES))
    np.testing.assert_array_equal(part.images, BYTES)
    assert "the last axis of 'X' was read as the picture index" in notes[0]


def test_a_group_where_an_array_should_be_is_reported(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("x_train")
    with pytest.raises(DataError, match=r"x_train is a group. Expected an array"):
        recognise(tmp_path / "a.h5")
