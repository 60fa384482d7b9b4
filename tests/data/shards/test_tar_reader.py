from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from many import CLASSES, label, picture, png, write_tar

from picturewise import read_dataset
from picturewise.data.hints import Hints
from picturewise.data.recognise import recognise
from picturewise.data.shards.tar_reader import _split
from picturewise.data.shards.tar_reader import recognise as recognise_tars
from picturewise.errors import DataError, UsageError


def shard(path: Path, numbers: range, *, labels: bool = True) -> Path:
    members = []
    for number in numbers:
        members.append((f"{number:04}.png", png(number)))
        if labels:
            members.append((f"{number:04}.cls", CLASSES[label(number)].encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_tar(path, members)


@pytest.mark.parametrize(
    ("train", "test"),
    [("train-0.tar", "test-0.tar"), ("train/a.tar", "test/a.tar"), ("x_training.tgz", "x_val.tar")],
)
def test_the_pictures_and_labels_of_all_shards_are_read(train: str, test: str, tmp_path: Path) -> None:
    shard(tmp_path / train, range(30))
    shard(
        (tmp_path / train).with_name((tmp_path / train).name.replace("a.", "b.").replace("0", "1")),
        range(30, 40),
    )
    shard(tmp_path / test, range(50, 70))
    found = recognise(str(tmp_path))
    dataset = read_dataset(tmp_path)
    split = dataset.test if "test" in found.splits else dataset.valid
    assert split is not None
    assert np.array_equal(split.images[:, :, :, 0], [picture(number) for number in range(50, 70)])
    assert [split.classes[one] for one in split.labels] == [
        CLASSES[label(number)] for number in range(50, 70)
    ]
    assert dataset.train.classes == CLASSES


def test_a_single_tar_is_train(tmp_path: Path) -> None:
    path = shard(tmp_path / "My letters.tar", range(40))
    source = recognise(str(path))
    assert (source.name, source.splits) == ("my-letters", ("train",))


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    members = [(f"{number}.png", png(number)) for number in range(20)]
    members += [(f"{number}.cls", b"1") for number in range(0, 20, 2)]
    ordered = sorted(members, key=lambda member: int(member[0].partition(".")[0]))
    write_tar(
        tmp_path / "train.tar", [*ordered, ("20.pth", b"x"), ("21.png", b"no picture"), ("21.cls", b"1")]
    )
    (tmp_path / "extra.bin").write_bytes(b"x")
    (tmp_path / "README.md").write_bytes(b"x")
    with pytest.raises(DataError, match="11 of 21 files cannot be used"):
        read_dataset(tmp_path)
    dataset = read_dataset(tmp_path, skip_bad=True)
    assert {item.path for item in dataset.skipped} == {f"train.tar/{n}.png" for n in (*range(1, 20, 2), 21)}
    assert any("extra.bin" in note and "not used" in note for note in dataset.notes)
    assert any(note.startswith("1 member of the tars was not used") for note in dataset.notes)


def test_tars_without_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no picture has a label"):
        read_dataset(shard(tmp_path / "a.tar", range(5), labels=False))
    with pytest.raises(DataError, match="does not contain any pictures"):
        read_dataset(write_tar(tmp_path / "b.tar", [("a.bin", b"x")]))
    captions = [
        m for n in range(60) for m in ((f"{n}.png", png(n)), (f"{n}.txt", f"a photo, number {n}".encode()))
    ]
    with pytest.raises(DataError, match="60 pictures have 60 different labels"):
        read_dataset(write_tar(tmp_path / "c.tar", captions))


def test_the_texts_may_be_sequences(tmp_path: Path) -> None:
    members = [m for n in range(100, 180) for m in ((f"{n}.png", png(n)), (f"{n}.txt", str(n).encode()))]
    path = write_tar(tmp_path / "numbers.tar", members)
    dataset = read_dataset(path, target="sequence")
    assert dataset.classes == tuple("0123456789")
    assert dataset.train.labels.ndim == 2


def test_classes_are_those_of_train(tmp_path: Path) -> None:
    write_tar(
        tmp_path / "train.tar", [("0.png", png(0)), ("0.cls", b"a"), ("1.png", png(1)), ("1.cls", b"b")]
    )
    write_tar(tmp_path / "test.tar", [("0.png", png(2)), ("0.cls", b"c")])
    with pytest.raises(DataError, match="test contains the class 'c', but train does not"):
        read_dataset(tmp_path)


def test_several_sets_are_refused(tmp_path: Path) -> None:
    for name in ("cats", "dogs"):
        shard(tmp_path / name / "0.tar", range(2))
    with pytest.raises(DataError, match="several sets of tars, in the folders"):
        recognise_tars(tmp_path)


def test_a_changed_shard_is_read_again(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", range(40))
    before = read_dataset(path)
    shard(path, range(40, 90))
    after = read_dataset(path)
    assert len(after.train) > len(before.train)


def test_no_copy_of_the_pictures_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("PICTUREWISE_HOME", str(home))
    read_dataset(shard(tmp_path / "a.tar", range(40)))
    assert not list(home.rglob("shards-*"))


@pytest.mark.parametrize(
    ("name", "split"),
    [("train-000.tar", "train"), ("x-val-1.tar.gz", "valid"), ("a_test.TAR", "test"), ("digits.tar", None)],
)
def test_splits_are_words_of_names(name: str, split: str | None) -> None:
    assert _split(Path(name)) == split


def test_hints_that_do_not_apply_are_refused(tmp_path: Path) -> None:
    path = shard(tmp_path / "a.tar", range(4))
    with pytest.raises(UsageError, match="--label-column does not apply"):
        recognise(str(path), hints=Hints(label_column="x"))
