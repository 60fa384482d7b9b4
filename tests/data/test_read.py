from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from read_place import read_place

from picturewise.data.dataset import Dataset
from picturewise.data.options import DataOptions
from picturewise.errors import DataError
from picturewise.split_names import SPLITS, SplitName

SavePicture = Callable[..., Path]
MakeClasses = Callable[..., Path]
WriteIdx = Callable[..., Path]

SHARED = Path(__file__).parents[3] / "shared" / "data"


def load(source: Path | str, *splits: SplitName, **options: object) -> Dataset:
    return read_place(DataOptions(source=str(source), **options), splits or SPLITS)


def fingerprints(dataset: Dataset) -> dict[str, str]:
    return {split: pictures.fingerprint for split, pictures in dataset.splits().items()}


@pytest.fixture
def idx(tmp_path: Path, write_idx: WriteIdx) -> Path:
    """An IDX set of 200 train and 50 test pictures, in a folder named Tiny_Set."""
    random = np.random.default_rng(0)
    for prefix, count in (("train", 200), ("t10k", 50)):
        pixels = random.integers(0, 256, count * 16, dtype=np.uint8)
        write_idx(tmp_path / "Tiny_Set" / f"{prefix}-images-idx3-ubyte.gz", pixels.tobytes(), (count, 4, 4))
        write_idx(
            tmp_path / "Tiny_Set" / f"{prefix}-labels-idx1-ubyte", [n % 4 for n in range(count)], (count,)
        )
    return tmp_path / "Tiny_Set"


def test_the_digits_of_the_catalogue_get_both_splits_held_out() -> None:
    dataset = load("digits")
    assert dataset.name == "digits"
    assert {split: len(part) for split, part in dataset.splits().items()} == {
        "train": 1295,
        "valid": 143,
        "test": 359,
    }
    assert len(dataset.notes) == 2


def test_the_splits_of_the_digits_are_these_on_every_machine() -> None:
    assert {split: fingerprint[:12] for split, fingerprint in fingerprints(load("digits")).items()} == {
        "train": "7e6eda0804dd",
        "valid": "eebd17514a89",
        "test": "7a1568ce3283",
    }


def test_a_folder_of_idx_files_keeps_its_test_split(idx: Path) -> None:
    dataset = load(idx)
    assert dataset.name == "tiny-set"
    assert {split: len(part) for split, part in dataset.splits().items()} == {
        "train": 180,
        "valid": 20,
        "test": 50,
    }
    assert len(dataset.notes) == 1


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b damaged", b"\0\0\x08\x03"])
def test_train_and_valid_are_read_without_opening_the_test_files_of_an_idx_set(
    idx: Path, damage: bytes
) -> None:
    before = fingerprints(load(idx, "train", "valid"))
    for file in idx.glob("t10k*"):
        file.write_bytes(damage)
    assert fingerprints(load(idx, "train", "valid")) == before
    with pytest.raises(DataError, match="t10k"):
        load(idx)


@pytest.mark.slow
def test_train_and_valid_are_read_without_opening_the_test_files_of_class_folders(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "train")
    make_classes(tmp_path / "test")
    before = fingerprints(load(tmp_path, "train", "valid"))
    for file in (tmp_path / "test").rglob("*.png"):
        file.write_bytes(b"damaged")
    assert fingerprints(load(tmp_path, "train", "valid")) == before
    with pytest.raises(DataError, match="20 of 20 files cannot be used as pictures"):
        load(tmp_path)


@pytest.mark.parametrize("form", ["idx", "folders", "digits"])
def test_a_split_is_the_same_whichever_are_read_with_it(
    form: str, idx: Path, tmp_path: Path, make_classes: MakeClasses
) -> None:
    source = {"idx": idx, "folders": tmp_path / "animals", "digits": "digits"}[form]
    make_classes(tmp_path / "animals", count=20)
    together = fingerprints(load(source))
    for split in SPLITS:
        assert fingerprints(load(source, split)) == {split: together[split]}


@pytest.mark.slow
def test_the_held_out_splits_do_not_depend_on_size_fit_or_file_names(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "one", count=20)
    small, large = (
        load(tmp_path / "one", size=size, resize=fit) for size, fit in [((4, 4), "crop"), ((9, 7), "pad")]
    )
    for split in SPLITS:
        assert small.split(split).names == large.split(split).names

    def contents(root: Path, split: SplitName) -> set[bytes]:
        return {(root / name).read_bytes() for name in load(root).split(split).names or ()}

    before = {split: contents(tmp_path / "one", split) for split in SPLITS}
    for index, file in enumerate(sorted((tmp_path / "one").rglob("*.png"), reverse=True)):
        file.rename(file.with_name(f"renamed-{index}.png"))
    assert {split: contents(tmp_path / "one", split) for split in SPLITS} == before


def test_copies_of_a_picture_do_not_straddle_the_splits(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path, count=20)
    for file in sorted(tmp_path.rglob("*.png")):
        file.with_stem(f"{file.stem}-copy").write_bytes(file.read_bytes())
    for part in load(tmp_path).splits().values():
        names = {name.removesuffix(".png") for name in part.names or ()}
        originals = {name.removesuffix("-copy") for name in names}
        assert names == originals | {f"{name}-copy" for name in originals}


def test_an_own_validation_split_is_kept_and_only_test_is_held_out(
    tmp_path: Path, make_classes: MakeClasses
) -> None:
    make_classes(tmp_path / "train", count=20)
    make_classes(tmp_path / "val", count=5)
    dataset = load(tmp_path)
    assert {split: len(part) for split, part in dataset.splits().items()} == {
        "train": 32,
        "valid": 10,
        "test": 8,
    }
    assert len(dataset.notes) == 1


def test_a_lone_test_file_gives_the_test_split_and_nothing_else(idx: Path) -> None:
    file = idx / "t10k-images-idx3-ubyte.gz"
    assert list(load(file).splits()) == ["test"]
    with pytest.raises(
        DataError,
        match=r"does not have a train or valid split, and none can be held out: its only splits are test",
    ):
        load(file, "train", "valid")


def test_pictures_without_labels_are_read_as_they_are(tmp_path: Path, write_idx: WriteIdx) -> None:
    write_idx(tmp_path / "images-idx3-ubyte", bytes(32), (2, 4, 4))
    dataset = load(tmp_path)
    assert list(dataset.splits()) == ["train"]
    assert dataset.split("train").labels is None
    assert "does not have labels" in dataset.notes[0]


def test_skipped_files_and_notes_reach_the_dataset(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path, ("cat",), height=9)
    make_classes(tmp_path, ("dog",), height=10)
    (tmp_path / "dog" / "bad.png").write_text("bad")
    dataset = load(tmp_path, skip_bad=True)
    assert [skipped.path for skipped in dataset.skipped] == ["dog/bad.png"]
    assert dataset.notes[0].startswith("The pictures differ in size")
    assert len(dataset.notes) == 3


def test_progress_is_reported_while_folders_are_read(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path)
    seen: list[tuple[int, int]] = []
    read_place(DataOptions(source=str(tmp_path)), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (40, 40)


def test_a_wrong_name_gets_the_nearest_of_the_catalogue() -> None:
    with pytest.raises(DataError, match=r"'digit' is neither an existing path .* Did you mean 'digits'\?"):
        load("digit")


@pytest.mark.parametrize("wrong", ["", "  ", "/no/such/folder", "a\0b", "digits/none"])
def test_a_path_that_does_not_exist_is_an_error(wrong: str) -> None:
    with pytest.raises(DataError, match=r"is neither an existing path nor a catalogue name \(digits, "):
        load(wrong)


def test_a_path_too_long_for_the_system_is_an_error() -> None:
    with pytest.raises(DataError, match="cannot be read: File name too long"):
        load("x" * 5000)


def test_a_name_of_the_catalogue_wins_over_a_folder_and_says_so(
    tmp_path: Path, make_classes: MakeClasses, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_classes(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    assert (
        load("digits").notes[0]
        == "'digits' was read as the catalogue name of a data set. For the folder of that name, pass './digits'."
    )
    assert load("./digits").classes == ("cat", "dog")


def test_the_home_folder_can_be_written_short(
    tmp_path: Path, make_classes: MakeClasses, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_classes(tmp_path / "pets")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load("~/pets").name == "pets"


def test_a_folder_of_no_known_form_is_an_error_that_says_what_is_there(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c\n.csv", "d.csv"):
        (tmp_path / name).touch()
    with pytest.raises(
        DataError, match=r"found 4 files \(a\.csv, b\.csv, c\\n\.csv, …\)\. Pass a folder with one"
    ):
        load(tmp_path)


def test_an_empty_folder_is_called_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found an empty folder\. Pass"):
        load(tmp_path)


def test_a_file_of_no_known_form_is_an_error_that_says_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(
        DataError, match=r"data\.zip is not in a format that Picturewise reads: found a zip archive"
    ):
        load(tmp_path / "data.zip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_sockets_are_refused_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket")
        for name in ("pipe", "socket"):
            with pytest.raises(
                DataError, match=f"{name} is not in a format .* found neither a file nor a folder"
            ):
                load(name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_an_error(tmp_path: Path, make_classes: MakeClasses) -> None:
    make_classes(tmp_path)
    (tmp_path / "cat").chmod(0)
    try:
        with pytest.raises(DataError, match="cat cannot be read: Permission denied"):
            load(tmp_path)
    finally:
        (tmp_path / "cat").chmod(0o700)


def test_what_the_system_refuses_becomes_one_sentence(
    tmp_path: Path, make_classes: MakeClasses, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_classes(tmp_path)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(DataError, match=rf"^{tmp_path} cannot be read: Permission denied\.$"):
        load(tmp_path)


def test_splits_of_different_shapes_are_an_error(tmp_path: Path, write_idx: WriteIdx) -> None:
    for prefix, side in (("train", 4), ("test", 5)):
        write_idx(tmp_path / f"{prefix}-images", bytes(range(4 * side * side)), (4, side, side))
        write_idx(tmp_path / f"{prefix}-labels", [0, 0, 1, 1], (4,))
    with pytest.raises(DataError, match=r"differ in height, width or channels \(train 4x4x1, .*test 5x5x1\)"):
        load(tmp_path)
    assert load(tmp_path, size=(4, 4)).split("test").shape == (4, 4, 1)


def test_importing_the_room_imports_no_heavy_library() -> None:
    code = "import sys, picturewise.data.read; print({'PIL', 'sklearn', 'scipy', 'torch'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "mnist").is_dir(), reason=f"MNIST is not in {SHARED.name}/")
def test_mnist_is_read_with_its_own_test_split() -> None:
    dataset = load(SHARED / "mnist")
    assert dataset.name == "mnist"
    assert [len(part) for part in dataset.splits().values()] == [54_001, 5_999, 10_000]
    assert list(dataset.split("test").counts().values()) == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]


def test_a_folder_with_only_one_data_file_means_that_file(tmp_path: Path) -> None:
    (tmp_path / "kaggle").mkdir()
    random = np.random.default_rng(0)
    arrays = {"images": random.integers(0, 256, (30, 8, 8), np.uint8), "labels": np.arange(30) % 3}
    np.savez(tmp_path / "kaggle" / "shapes.npz", **arrays)
    (tmp_path / "kaggle" / ".hidden").touch()
    found = read_place(DataOptions(source=str(tmp_path / "kaggle")))
    assert found.name == read_place(DataOptions(source=str(tmp_path / "kaggle" / "shapes.npz"))).name
    np.savez(tmp_path / "kaggle" / "more.npz", **arrays)
    with pytest.raises(DataError, match=r"2 \.npz files that are not parts of one set"):
        read_place(DataOptions(source=str(tmp_path / "kaggle")))
