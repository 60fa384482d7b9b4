from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from picturewise.data.options import DataOptions
from picturewise.data.readers.idx import IdxReader, recognise
from picturewise.errors import DataError

WriteIdx = Callable[..., Path]


@pytest.fixture
def write_pair(write_idx: WriteIdx) -> Callable[..., None]:
    """Write pictures of one pixel each and their labels under the names given."""

    def write(folder: Path, images: str, labels: str | None, values: tuple[int, ...] = (0, 1, 2)) -> None:
        write_idx(folder / images, [10 * value for value in values], (len(values), 1, 1))
        if labels is not None:
            write_idx(folder / labels, values, (len(values),))

    return write


def recognised(path: Path) -> IdxReader:
    source = recognise(path)
    assert source is not None
    return source


def labels_read(path: Path, **options: object) -> dict[str, list[int]]:
    source = recognised(path)
    reading = source.read(source.splits, DataOptions(source=str(path), **options))
    for part in reading.parts.values():
        np.testing.assert_array_equal(part.pictures.images.ravel(), 10 * part.pictures.labels)
    return {split: part.pictures.labels.tolist() for split, part in reading.parts.items()}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (
            ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
            ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        ),
        (
            ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
            ("t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"),
        ),
        (
            ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
            ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz"),
        ),
        (
            ("emnist-letters-train-images-idx3-ubyte.gz", "emnist-letters-train-labels-idx1-ubyte.gz"),
            ("emnist-letters-test-images-idx3-ubyte.gz", "emnist-letters-test-labels-idx1-ubyte.gz"),
        ),
        (("Training_Images.bin", "Training_Labels.bin"), ("Testing_Images.bin", "Testing_Labels.bin")),
    ],
)
def test_names_tell_the_split_and_the_pairs(
    tmp_path: Path, write_pair: Callable[..., None], train: tuple[str, str], test: tuple[str, str]
) -> None:
    write_pair(tmp_path, *train, (2, 0, 1))
    write_pair(tmp_path, *test, (1, 2))
    assert labels_read(tmp_path) == {"train": [2, 0, 1], "test": [1, 2]}


def test_a_validation_pair_is_known_by_its_name(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair(tmp_path, "train-images", "train-labels")
    write_pair(tmp_path, "val-images", "val-labels", (1,))
    assert labels_read(tmp_path) == {"train": [0, 1, 2], "valid": [1]}


def test_a_pair_without_a_hint_is_train(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair(tmp_path, "images", "labels")
    assert labels_read(tmp_path) == {"train": [0, 1, 2]}


def test_files_are_known_by_their_first_bytes_where_names_say_nothing(
    tmp_path: Path, write_pair: Callable[..., None]
) -> None:
    write_pair(tmp_path, "digits.images", "digits.labels")
    (tmp_path / "README").write_text("Two files of digits.")
    (tmp_path / "images.txt").write_text("what the images show")
    assert labels_read(tmp_path) == {"train": [0, 1, 2]}


def test_a_plain_file_is_preferred_to_its_gzipped_copy(
    tmp_path: Path, write_pair: Callable[..., None]
) -> None:
    write_pair(tmp_path, "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b broken")
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(b"\x1f\x8b broken")
    assert labels_read(tmp_path) == {"train": [0, 1, 2]}


@pytest.mark.parametrize("named", ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"])
def test_one_file_of_a_pair_finds_the_other(
    tmp_path: Path, write_pair: Callable[..., None], named: str
) -> None:
    write_pair(tmp_path, "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte")
    write_pair(tmp_path, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", (1,))
    write_pair(tmp_path, "other-train-images-idx3-ubyte", "other-train-labels-idx1-ubyte", (1,))
    assert labels_read(tmp_path / named) == {"train": [0, 1, 2]}


def test_a_single_test_file_is_the_test_split(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair(tmp_path, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", (1,))
    assert labels_read(tmp_path / "t10k-images-idx3-ubyte") == {"test": [1]}


def test_pictures_without_labels_have_none(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair(tmp_path, "images-idx3-ubyte", None)
    reading = recognised(tmp_path).read({"train"}, DataOptions(source=""))
    assert reading.parts["train"].pictures.labels is None
    assert len(reading.parts["train"].pictures) == 3


def test_labels_without_pictures_are_an_error(tmp_path: Path, write_idx: WriteIdx) -> None:
    write_idx(tmp_path / "train-labels-idx1-ubyte", [1], (1,))
    for path in (tmp_path, tmp_path / "train-labels-idx1-ubyte"):
        with pytest.raises(DataError, match=r"The pictures for .*train-labels-idx1-ubyte were not found"):
            recognise(path)


def test_the_classes_are_those_of_train_whatever_is_read(
    tmp_path: Path, write_pair: Callable[..., None]
) -> None:
    write_pair(tmp_path, "train-images", "train-labels", (0, 4))
    write_pair(tmp_path, "test-images", "test-labels", (1,))
    reading = recognised(tmp_path).read({"test"}, DataOptions(source=""))
    assert reading.parts["test"].pictures.classes == ("0", "1", "2", "3", "4")


def test_a_test_label_that_train_does_not_reach_is_an_error(
    tmp_path: Path, write_pair: Callable[..., None]
) -> None:
    write_pair(tmp_path, "train-images", "train-labels", (0, 1))
    write_pair(tmp_path, "test-images", "test-labels", (2,))
    with pytest.raises(DataError, match=r"test-labels: label 0 .* is 2, but there are only 2 classes"):
        labels_read(tmp_path)


def test_counts_that_differ_are_an_error_that_names_both(tmp_path: Path, write_idx: WriteIdx) -> None:
    write_idx(tmp_path / "train-images", b"\0" * 3, (3, 1, 1))
    write_idx(tmp_path / "train-labels", b"\0" * 2, (2,))
    with pytest.raises(
        DataError, match=r"train-labels contains 2 labels for the 3 pictures of .*train-images"
    ):
        labels_read(tmp_path)


def test_several_sets_in_one_folder_are_an_error(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    for name in ("emnist-digits", "emnist-letters"):
        write_pair(tmp_path, f"{name}-train-images-idx3-ubyte", f"{name}-train-labels-idx1-ubyte")
    with pytest.raises(
        DataError, match=r"several sets of IDX files .emnist digits, emnist letters.. Move each"
    ):
        recognise(tmp_path)


def test_two_files_for_one_thing_are_an_error(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    write_pair(tmp_path, "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    write_pair(tmp_path, "training-images-idx3-ubyte", None)
    with pytest.raises(
        DataError, match=r"two files of pictures for the same split: train-images.* and training-images"
    ):
        recognise(tmp_path)


def test_a_file_with_a_telling_name_is_claimed_however_damaged(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(DataError, match="train-images-idx3-ubyte is empty"):
        labels_read(tmp_path)


def test_a_folder_without_idx_files_is_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / ".images-idx3-ubyte").write_bytes(b"hidden")
    (tmp_path / "notes.txt").write_text("nothing")
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "notes.txt") is None


def test_another_size_changes_the_pictures_but_not_their_digests(tmp_path: Path, write_idx: WriteIdx) -> None:
    write_idx(tmp_path / "images", bytes(range(32)), (2, 4, 4))
    source = recognised(tmp_path)
    small = source.read({"train"}, DataOptions(source="")).parts["train"]
    large = source.read({"train"}, DataOptions(source="", size=(6, 8))).parts["train"]
    assert small.pictures.images.shape == (2, 4, 4, 1)
    assert large.pictures.images.shape == (2, 6, 8, 1)
    np.testing.assert_array_equal(large.source_digests, small.source_digests)


def test_files_may_be_in_folders_with_their_own_name(tmp_path: Path, write_pair: Callable[..., None]) -> None:
    images, labels = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
    write_pair(tmp_path / "flat", images, labels, (2, 0, 1))
    for name in (images, labels):
        (tmp_path / "set" / name).mkdir(parents=True)
        (tmp_path / "flat" / name).rename(tmp_path / "set" / name / name)
    for place in ("set", f"set/{images}", f"set/{images}/{images}", f"set/{labels}/{labels}"):
        assert labels_of(tmp_path / place) == {"train": [2, 0, 1]}
    # Kaggle's copy has each file twice.
    write_pair(tmp_path / "set", images.replace("-idx", ".idx"), labels.replace("-idx", ".idx"), (2, 0, 1))
    assert labels_of(tmp_path / "set") == {"train": [2, 0, 1]}
    write_pair(tmp_path / "set", images.replace("-idx", ".idx"), None, (2, 0, 1, 0))
    with pytest.raises(DataError, match="have the same name but differ in size"):
        recognise(tmp_path / "set")


def labels_of(path: Path) -> dict[str, list[int]]:
    source = recognised(path)
    reading = source.read(source.splits, DataOptions(source=str(path)))
    return {split: part.pictures.labels.tolist() for split, part in reading.parts.items()}


def test_emnist_is_turned_upright_and_its_letters_have_names(tmp_path: Path, write_idx: WriteIdx) -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20  # stored with rows and columns exchanged
    write_idx(
        tmp_path / "emnist-letters-train-images-idx3-ubyte",
        np.ascontiguousarray(picture.T).tobytes() * 2,
        (2, 4, 3),
    )
    write_idx(tmp_path / "emnist-letters-train-labels-idx1-ubyte", [1, 26], (2,))
    reading = recognised(tmp_path).read({"train"}, DataOptions(source=""))
    part = reading.parts["train"].pictures
    np.testing.assert_array_equal(part.images[0, ..., 0], picture)
    assert (part.classes[0], part.classes[25], len(part.classes)) == ("a", "z", 26)
    assert part.labels is not None
    assert part.labels.tolist() == [0, 25]
    assert reading.notes[0].startswith("The pictures were transposed, because the file names")
    assert recognised(tmp_path).as_stored().read({"train"}, DataOptions(source="")).notes == ()
    write_idx(tmp_path / "emnist-letters-train-labels-idx1-ubyte", [1, 27], (2,))
    with pytest.raises(
        DataError, match=r"label 1 .* is 27, but there are only 26 classes\. Use labels in 1\.\.26"
    ):
        recognised(tmp_path).read({"train"}, DataOptions(source=""))


@pytest.mark.parametrize(
    ("name", "content", "classes", "noted"),
    [
        ("train-mapping.txt", "0 65\n1 66\n2 67\n", ("A", "B", "C"), ""),
        ("class_names.txt", "cat\nowl\nbig dog\n", ("cat", "owl", "big dog"), ""),
        ("labels.txt", "0 cat\n1 owl\n2 dog\n", ("cat", "owl", "dog"), ""),
        (
            "classes.txt",
            "cat\nowl\n",
            ("0", "1", "2"),
            "was not used, because it lists only 2 classes, but the labels go up to 2",
        ),
        (
            "kmnist_classmap.csv",
            "index,char\n",
            ("0", "1", "2"),
            "seems to list the class names, but was not used",
        ),
    ],
)
def test_files_beside_may_name_the_classes(
    tmp_path: Path,
    write_pair: Callable[..., None],
    name: str,
    content: str,
    classes: tuple[str, ...],
    noted: str,
) -> None:
    write_pair(tmp_path, "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    (tmp_path / name).write_text(content)
    reading = recognised(tmp_path).read({"train"}, DataOptions(source=""))
    assert reading.parts["train"].pictures.classes == classes
    assert noted in " ".join(reading.notes)
    assert bool(noted) == bool(reading.notes)
