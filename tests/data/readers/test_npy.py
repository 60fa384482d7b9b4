"""Arrays that were saved one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from picturewise.data.hints import Hints
from picturewise.data.options import DataOptions
from picturewise.data.readers.array_sets import ArraySetReader
from picturewise.data.readers.npy import recognise
from picturewise.errors import DataError

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
PICTURES[:, 0, 0] = 255
LABELS = np.array([0, 1, 0, 1, 0, 1])


def recognised(path: Path, **hints: str) -> ArraySetReader:
    source = recognise(path, Hints(**hints))  # type: ignore[arg-type]
    assert source is not None
    return source


@pytest.mark.parametrize("named", ["digits_x.npy", "digits_y.npy"])
def test_one_file_of_a_pair_finds_the_other(tmp_path: Path, named: str) -> None:
    np.save(tmp_path / "digits_x.npy", PICTURES)
    np.save(tmp_path / "digits_y.npy", LABELS)
    np.save(tmp_path / "other_y.npy", LABELS[:2])
    part = recognised(tmp_path / named).read({"train"}, DataOptions(source="")).parts["train"].pictures
    np.testing.assert_array_equal(part.images[..., 0], PICTURES)
    assert part.labels is not None
    assert part.labels.tolist() == LABELS.tolist()


def test_pictures_alone_have_no_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "pictures.npy", PICTURES)
    reading = recognised(tmp_path / "pictures.npy").read({"train"}, DataOptions(source=""))
    assert reading.parts["train"].pictures.labels is None


def test_a_file_per_class_is_read_as_quick_draw_publishes_them(tmp_path: Path) -> None:
    for name, rows in (("full_numpy_bitmap_the cat", PICTURES[:2]), ("full_numpy_bitmap_bee", PICTURES[2:])):
        np.save(tmp_path / f"{name}.npy", rows.reshape(len(rows), -1))
    part = recognised(tmp_path).read({"train"}, DataOptions(source="")).parts["train"].pictures
    assert part.counts() == {"bee": 4, "the cat": 2}
    np.testing.assert_array_equal(part.images[:4, ..., 0], PICTURES[2:])


def test_files_beside_arrays_are_named(tmp_path: Path) -> None:
    np.save(tmp_path / "x_train.npy", PICTURES)
    np.save(tmp_path / "y_train.npy", LABELS)
    (tmp_path / "labels.csv").write_text("a,b\n")
    (tmp_path / "README.md").write_text("hello")
    assert recognised(tmp_path).keys.notes == (
        f"{tmp_path}: labels.csv was not used, because it is not a .npy file.",
    )


def test_what_makes_no_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "singles" / "cat").mkdir(parents=True)
    np.save(tmp_path / "singles" / "cat" / "0.npy", PICTURES[0])
    with pytest.raises(DataError, match=r"contains folders of \.npy files \(cat/0\.npy\).*numpy\.savez"):
        recognise(tmp_path / "singles")
    (tmp_path / "mixed").mkdir()
    np.save(tmp_path / "mixed" / "cat.npy", PICTURES)
    np.save(tmp_path / "mixed" / "dog.npy", PICTURES[:, :4])
    with pytest.raises(
        DataError, match=r"their contents cannot be identified from their names: cat.npy, dog.npy"
    ):
        recognise(tmp_path / "mixed")
    np.save(tmp_path / "numbers.npy", LABELS)
    with pytest.raises(DataError, match=r"contains 6 integers.*, not pictures"):
        recognise(tmp_path / "numbers.npy")


def test_other_files_and_folders_are_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "a.txt") is None
