from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray
from read_place import read_place

from picturewise.catalogue.entries import entries
from picturewise.catalogue.installed import Installed
from picturewise.data.catalogue_reader import open_installed
from picturewise.data.options import DataOptions
from picturewise.data.readers.svhn import SvhnReader, recognise
from picturewise.errors import DataError

OPTIONS = DataOptions(source="")


def write(
    path: Path, count: int = 30, *, seed: int = 0, packed: bool = True, **changed: object
) -> NDArray[np.uint8]:
    """Write a file with SciPy; return X as (N, H, W, C)."""
    x = np.random.default_rng(seed).integers(0, 256, (32, 32, 3, count), np.uint8)
    y = (np.arange(count, dtype=np.uint8) % 10 + 1)[:, np.newaxis]
    scipy.io.savemat(path, {"X": x, "y": y} | changed, do_compression=packed)
    return x.transpose(3, 0, 1, 2)


def recognised(path: Path) -> SvhnReader:
    source = recognise(path)
    assert source is not None
    return source


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("kind", [np.uint8, np.float64, np.int32])
def test_pictures_and_labels_are_those_that_scipy_wrote(tmp_path: Path, packed: bool, kind: type) -> None:
    y = (np.arange(700) % 10 + 1).astype(kind)[:, np.newaxis]
    expected = write(tmp_path / "train_32x32.mat", 700, packed=packed, y=y)
    train = recognised(tmp_path).read({"train"}, OPTIONS).parts["train"].pictures
    np.testing.assert_array_equal(train.images, expected)
    assert train.labels is not None
    assert train.labels[:12].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    assert train.classes == tuple("0123456789")


def test_a_folder_has_the_splits_that_its_names_say(tmp_path: Path) -> None:
    for seed, name in enumerate(("train", "test", "extra")):
        write(tmp_path / f"{name}_32x32.mat", seed=seed)
    source = recognised(tmp_path)
    assert source.splits == ("train", "test")
    assert (
        "extra_32x32.mat was not used. To train on train and extra together, use svhn-extra"
        in source.notes[0]
    )
    dataset = read_place(DataOptions(source=str(tmp_path)))
    assert {name: len(part) for name, part in dataset.splits().items()} == {
        "train": 20,
        "valid": 10,
        "test": 30,
    }


def test_train_and_extra_come_together_where_that_is_asked_for(tmp_path: Path) -> None:
    train, extra, _ = (
        write(tmp_path / f"{name}_32x32.mat", 30 + seed, seed=seed)
        for seed, name in enumerate(("train", "extra", "test"))
    )
    source = recognised(tmp_path).with_extra()
    assert (source.splits, source.notes) == (("train", "test"), ())
    assert source.inputs("train") == (tmp_path / "train_32x32.mat", tmp_path / "extra_32x32.mat")
    found = source.read(["train", "test"], OPTIONS).parts
    np.testing.assert_array_equal(found["train"].pictures.images, np.concatenate([train, extra]))
    assert found["train"].pictures.labels.tolist()[28:34] == [9, 0, 1, 2, 3, 4]
    assert len(found["test"].pictures) == 32
    alone = recognised(tmp_path / "extra_32x32.mat")
    assert alone.with_extra() is alone


def test_pictures_of_another_size_do_not_come_together(tmp_path: Path) -> None:
    write(tmp_path / "train_32x32.mat")
    write(tmp_path / "extra_32x32.mat", X=np.zeros((16, 16, 3, 30), np.uint8))
    with pytest.raises(DataError, match=r"differ in size \(train_32x32.mat 32x32, extra_32x32.mat 16x16\)"):
        recognised(tmp_path).with_extra().read(["train"], OPTIONS)


def test_the_catalogue_joins_train_and_extra_in_one_set_and_not_in_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "test", "extra"):
        write(tmp_path / f"{name}_32x32.mat")
    monkeypatch.setattr(Installed, "folder", tmp_path)
    for name, count in (("svhn", 30), ("svhn-extra", 60)):
        source = open_installed(name, entries()[name], recognise)
        assert len(source.read(["train"], OPTIONS).parts["train"].pictures) == count


def test_a_single_file_is_one_split(tmp_path: Path) -> None:
    for name, split in (("train", "train"), ("test", "test"), ("extra", "train"), ("mine", "train")):
        write(tmp_path / f"{name}_32x32.mat")
        assert recognised(tmp_path / f"{name}_32x32.mat").splits == (split,)


def test_the_extra_set_alone_is_train(tmp_path: Path) -> None:
    write(tmp_path / "extra_32x32.mat")
    assert recognised(tmp_path).splits == ("train",)


def test_test_pictures_are_not_opened_to_train(tmp_path: Path) -> None:
    write(tmp_path / "train_32x32.mat", 100)
    (tmp_path / "test_32x32.mat").write_bytes(b"not opened")
    dataset = read_place(DataOptions(source=str(tmp_path)), ["train", "valid"])
    assert list(dataset.splits()) == ["train", "valid"]


def test_another_size_is_heeded(tmp_path: Path) -> None:
    write(tmp_path / "train_32x32.mat")
    part = recognised(tmp_path).read({"train"}, DataOptions(source="", size=(8, 9))).parts["train"]
    assert part.pictures.images.shape == (30, 8, 9, 3)


def test_other_folders_and_files_are_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "other.mat.txt").write_text("x")
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "other.mat.txt") is None


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"y": np.full((30, 1), 11, np.uint8)}, r"label 0 .* is 11. Expected an integer in 0\.\.10"),
        ({"y": np.full((30, 1), np.nan)}, "label 0 .* is nan"),
        ({"y": np.ones((29, 1), np.uint8)}, r"y has shape \(29, 1\)\. Expected \(30, 1\)"),
        ({"y": "text"}, "does not contain both X and y .found X."),
        ({"X": np.zeros((32, 32, 30), np.uint8)}, r"X has shape \(32, 32, 30, 1\) and dtype uint8"),
        ({"X": np.full((32, 32, 3, 30), -0.5)}, r"X contains values in -0\.5\.\.-0\.5 .*--value-range"),
        ({"X": np.zeros((32, 32, 3, 30), complex)}, "does not contain both X and y .found y."),
    ],
)
def test_arrays_of_another_form_are_refused(
    tmp_path: Path, changed: dict[str, object], sentence: str
) -> None:
    write(tmp_path / "train_32x32.mat", **changed)
    with pytest.raises(DataError, match=sentence):
        recognised(tmp_path).read({"train"}, OPTIONS)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    write(tmp_path / "whole.mat")
    whole = (tmp_path / "whole.mat").read_bytes()
    path = tmp_path / "train_32x32.mat"
    for length in [0, 5, 127, 128, 130, 140, 1000, len(whole) // 2, len(whole) - 30, len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"damaged or truncated|does not contain both X and y"):
            recognised(path).read({"train"}, OPTIONS)


def test_a_changed_pixel_is_noticed_by_the_checksum(tmp_path: Path) -> None:
    path = tmp_path / "train_32x32.mat"
    write(path)
    content = bytearray(path.read_bytes())
    content[50_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be decompressed"):
        recognised(path).read({"train"}, OPTIONS)


def test_a_file_of_version_7_3_is_distinguished(tmp_path: Path) -> None:
    path = tmp_path / "train_32x32.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n")
    assert recognise(path) is None  # HDF5's reader takes it
    with pytest.raises(
        DataError,
        match=r"MATLAB 7\.3 file, but only version 7 and older are supported here\. Save it with '-v7'",
    ):
        recognised(tmp_path).read({"train"}, OPTIONS)
