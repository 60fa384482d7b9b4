from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from picturewise import files
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import SaveError
from picturewise.runs import split_table
from picturewise.runs.split_table import read_learned, write_splits


def part(count: int, seed: int, names: list[str] | None = None) -> ImageSet:
    images = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 1), np.uint8)
    return ImageSet(images, np.arange(count) % 2, ("a", "b"), "made by a test", names)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_picture_of_train_and_valid_has_a_row_and_test_where_it_was_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split_table, "_ROWS_AT_ONCE", 4)
    train, valid, test = part(10, 0), part(3, 1), replace(part(2, 2), places=np.array([7, 5]))
    sha256 = write_splits(tmp_path / "splits.csv", Dataset("x", train, valid, reserved=test))
    found = rows(tmp_path / "splits.csv")
    assert [row["name"] for row in found] == [
        *(f"train:{place}" for place in range(10)), "valid:0", "valid:1", "valid:2", "train:7", "train:5",
    ]  # fmt: skip
    assert [row["split"] for row in found] == ["train"] * 10 + ["valid"] * 3 + ["test"] * 2
    digests = np.concatenate([piece.statistics.digests for piece in (train, valid, test)])
    assert [row["hash"] for row in found] == [digest.tobytes().hex() for digest in digests]
    learned = read_learned(tmp_path / "splits.csv", sha256)
    assert learned is not None
    np.testing.assert_array_equal(learned, digests[:13])


def test_test_pictures_of_the_sources_own_are_not_looked_at(tmp_path: Path) -> None:
    write_splits(tmp_path / "splits.csv", Dataset("x", part(4, 0), part(3, 1), test=part(2, 2)))
    assert {row["split"] for row in rows(tmp_path / "splits.csv")} == {"train", "valid"}


def test_names_of_any_kind_are_read_back(tmp_path: Path) -> None:
    names = ["a,b.png", 'says "no"', "two\nlines", "\udce9"]
    sha256 = write_splits(tmp_path / "splits.csv", Dataset("x", part(4, 0, names)))
    assert [row["name"] for row in rows(tmp_path / "splits.csv")] == [*names[:3], "\\udce9"]
    learned = read_learned(tmp_path / "splits.csv", sha256)
    assert learned is not None
    assert len(learned) == 4


def test_a_name_that_a_spreadsheet_would_run_gets_an_apostrophe(tmp_path: Path) -> None:
    names = ["=1+1.png", "@SUM(A1)", "-2+3", "'=1"]
    sha256 = write_splits(tmp_path / "splits.csv", Dataset("x", part(4, 0, names)))
    assert [row["name"] for row in rows(tmp_path / "splits.csv")] == ["'" + name for name in names]
    assert read_learned(tmp_path / "splits.csv", sha256) is not None


def test_a_table_that_is_missing_or_another_is_not_taken_for_granted(tmp_path: Path) -> None:
    path = tmp_path / "splits.csv"
    sha256 = write_splits(path, Dataset("x", part(4, 0)))
    whole = path.read_text(encoding="utf-8")
    for content in (whole[:-5], whole.replace("train\n", "test\n", 1), "", "\0"):
        path.write_text(content, encoding="utf-8")
        assert read_learned(path, sha256) is None
    assert read_learned(path, None) is None
    path.unlink()
    assert read_learned(path, sha256) is None


@pytest.mark.parametrize(
    "content", ["", "name,hash\n", "name,hash,split\na,b\n", f"name,hash,split\na,{'g' * 32},train\n",
                "name,hash,split\na,abcd,train\n", "name,hash,split\n\udce9,x,train\n"],
)  # fmt: skip
def test_a_table_that_picturewise_did_not_write_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "splits.csv"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert read_learned(path, files.sha256(path)) is None


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def broken():
        yield b"some"
        raise OSError(28, "No space left on device")

    path = tmp_path / "splits.csv"
    path.write_bytes(b"old")
    with pytest.raises(SaveError, match=r"No space left while saving .*splits\.csv; files saved earlier"):
        files.write_chunks(path, broken())
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["splits.csv"]
