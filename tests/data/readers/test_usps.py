from __future__ import annotations

import bz2
import os
from pathlib import Path

import numpy as np
import pytest
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.data.readers import usps
from picturewise.errors import DataError


def line(label: int, values: np.ndarray) -> str:
    return f"{label} " + " ".join(f"{place}:{value:.6g}" for place, value in enumerate(values, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name, count in (("usps.bz2", 40), ("usps.t.bz2", 10)):
        lines = [line(number % 10 + 1, random.uniform(-1, 1, 256)) for number in range(count)]
        (tmp_path / name).write_bytes(bz2.compress("\n".join([*lines, ""]).encode()))
    return tmp_path


def refused(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        usps.read_file(path)
    return str(caught.value)


def test_both_files_are_one_set(folder: Path) -> None:
    dataset = read_place(DataOptions(source=str(folder)))
    assert {name: len(part) for name, part in dataset.splits().items()} == {
        "train": 30,
        "valid": 10,
        "test": 10,
    }
    assert dataset.classes == tuple("0123456789")
    assert dataset.split("test").shape == (16, 16, 1)


def test_one_file_is_one_split(folder: Path) -> None:
    source = usps.recognise(folder / "usps.t.bz2")
    assert source is not None
    assert source.splits == ("test",)
    assert usps.recognise(folder / "other.bz2") is None


def test_train_is_read_without_opening_test(folder: Path) -> None:
    (folder / "usps.t.bz2").write_bytes(b"damaged")
    assert len(read_place(DataOptions(source=str(folder)), ["train"]).split("train")) == 30


def test_pixels_and_labels_are_these(tmp_path: Path) -> None:
    values = np.full(256, -1.0)
    values[:3] = 1, 0.5, 0
    path = tmp_path / "usps"
    path.write_text(f"{line(10, values)}\n1 2:1 256:-1\n")
    images, labels = usps.read_file(path)
    assert labels.tolist() == [9, 0]
    assert images[0, 0, :4, 0].tolist() == [255, 191, 128, 0]
    assert images[1, 0, :3, 0].tolist() == [128, 255, 128]  # a place that is left out is 0
    assert images[1, 15, 15, 0] == 0


def test_an_unpacked_file_comes_before_its_packed_copy(folder: Path) -> None:
    (folder / "usps").write_bytes(b"1 1:0\n")
    source = usps.recognise(folder)
    assert source is not None
    assert source.files["train"].name == "usps"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "does not contain any pictures"),
        (b"1 1:0\n\n", "line 2"),
        (b"0 1:0", "label 0"),
        (b"11 1:0", "label 11"),
        (b"1.5 1:0", "label 1.5"),
        (b"1 1:0 2", "pairs"),
        (b"1 1:0:0", "pairs"),
        (b"1:0 2:0", "pairs"),
        (b"1 1:", "pairs"),
        (b"1 1.0:0", "pairs"),
        (b"1 257:0", "positions increasing from 1 to 256"),
        (b"1 0:0", "positions increasing from 1 to 256"),
        (b"1 -1:0", "positions increasing from 1 to 256"),
        (b"1 99999999999:0", "positions increasing from 1 to 256"),
        (b"1 99999999999999999999:0", "positions increasing from 1 to 256"),
        (b"1 1:0 1:0", "positions increasing from 1 to 256"),
        (b"1 2:0 1:0", "positions increasing from 1 to 256"),
        (b"1 1:0\n1 1:1.5", "line 2 has values outside -1..1"),
        (b"1 1:-1.5", "outside -1..1"),
        (b"1 1:1e999", "outside -1..1"),
        (b"1e999 1:1", "label inf"),
        (b"1 1:x", "something other than numbers"),
        (b"1 1:nan", "something other than numbers"),
        (b"1 1:inf", "something other than numbers"),
        (b"1 1_0:0", "something other than numbers"),
        (b"1 1:0 # 2:1", "line 1 is empty or contains something other than numbers"),
        (b"1 qid:1 1:0", "something other than numbers"),
        (b"1 1:0\n \n1 1:0\n", "line 2 is empty"),
        (b"1 " + b"1:0 " * 100_000, "line 1 has 400,002 bytes"),
        (b"1\n" * 10_001, "At most 10,000 are allowed"),
        (b"\xff\xfe", "something other than numbers"),
    ],
)
def test_what_is_not_of_this_form_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert sentence in refused(tmp_path / "usps", content)


def test_damaged_and_truncated_files_are_refused(folder: Path) -> None:
    packed = (folder / "usps.bz2").read_bytes()
    for content in (packed[: len(packed) // 2], packed[:100] + bytes(50) + packed[150:], b"BZh9nothing"):
        assert "damaged" in refused(folder / "usps.bz2", content)


@pytest.mark.slow
def test_a_bomb_is_stopped(tmp_path: Path) -> None:
    assert "At most 67,108,864 unpacked bytes" in refused(
        tmp_path / "usps.bz2", bz2.compress(bytes(100 << 20))
    )


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "usps.bz2")
    with pytest.raises(DataError, match="not a regular file"):
        usps.read_file(tmp_path / "usps.bz2")
