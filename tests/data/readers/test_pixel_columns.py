"""What the columns of tables of pixels are for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from picturewise.data.hints import Hints
from picturewise.data.options import DataOptions
from picturewise.data.readers.pixel_csv import recognise
from picturewise.errors import DataError, UsageError

RANDOM = np.random.default_rng(0)
ACROSS, DOWN = np.meshgrid(np.arange(8), np.arange(8))
PICTURES = np.stack([10 + ACROSS * 20 + DOWN * 10 + n % 30 for n in range(60)]).reshape(60, 64)
PICTURES[:, 30] = 255
LABELS = np.arange(60) % 3


def write(path: Path, *columns: Any, header: list[str] | None = None, separator: str = ",") -> Path:
    table = np.column_stack([np.asarray(column).astype(str) for column in columns])
    lines = [separator.join(row) for row in table.tolist()]
    path.write_text("\n".join(([separator.join(header)] if header else []) + lines) + "\n")
    return path


def read(path: Path, **hints: str) -> tuple[np.ndarray, list[int], tuple[str, ...], tuple[str, ...]]:
    source = recognise(path, Hints(**hints))  # type: ignore[arg-type]
    assert source is not None
    reading = source.read(source.splits, DataOptions(source=""))
    part = reading.parts["train"].pictures
    labels = [] if part.labels is None else part.labels.tolist()
    return part.images.reshape(len(part), -1), labels, part.classes, reading.notes


PIXELS = [f"pixel{number}" for number in range(64)]


@pytest.mark.parametrize("corner", [0, 7, "varies"])
def test_labels_in_the_last_column_are_found_whatever_the_first_pixel_is(tmp_path: Path, corner: Any) -> None:
    pictures = PICTURES.copy()
    if corner != "varies":
        pictures[:, 0] = corner
    images, labels, classes, notes = read(write(tmp_path / "a.csv", pictures, LABELS))
    np.testing.assert_array_equal(images, pictures)
    assert (labels, classes) == (LABELS.tolist(), ("0", "1", "2"))
    assert "the labels were found in the last column" in notes[0]


def test_labels_in_the_first_column_need_no_note(tmp_path: Path) -> None:
    _, labels, _, notes = read(write(tmp_path / "a.csv", np.sort(LABELS), PICTURES))
    assert (labels, notes) == (np.sort(LABELS).tolist(), ())


def test_where_both_ends_can_be_labels_the_user_decides(tmp_path: Path) -> None:
    ink = RANDOM.integers(0, 2, (60, 64))
    path = write(tmp_path / "a.csv", LABELS % 2, ink)
    with pytest.raises(
        DataError, match=r"either the first or the last column could be the labels.*--label-column first or"
    ):
        recognise(path)
    for asked, expected in (
        ("first", LABELS % 2),
        ("1", LABELS % 2),
        ("last", ink[:, -1]),
        ("65", ink[:, -1]),
    ):
        assert read(path, label_column=asked, value_range="0..1")[1] == expected.tolist()
    with pytest.raises(UsageError, match=r"does not have a column '66'. Pass one of its 65 columns"):
        recognise(path, Hints(label_column="66"))
    path = write(tmp_path / "b.csv", PICTURES, RANDOM.random(60))
    with pytest.raises(DataError, match="neither the first nor the last column looks like labels"):
        recognise(path)


@pytest.mark.parametrize("separator", [";", "\t", " "])
def test_other_separators_are_read(tmp_path: Path, separator: str) -> None:
    header = ["label", *PIXELS] if separator != " " else None
    images, labels, _, notes = read(
        write(tmp_path / "a.csv", LABELS, PICTURES, header=header, separator=separator)
    )
    np.testing.assert_array_equal(images, PICTURES)
    assert (labels, notes) == (LABELS.tolist(), ())


@pytest.mark.parametrize(
    "header", [["0", *(f"0.{number}" for number in range(1, 65))], [str(number) for number in range(65)]]
)
def test_a_first_line_that_pandas_made_of_numbers_is_not_a_picture(tmp_path: Path, header: list[str]) -> None:
    images, labels, _, notes = read(write(tmp_path / "a.csv", LABELS, PICTURES, header=header))
    np.testing.assert_array_equal(images, PICTURES)
    assert labels == LABELS.tolist()
    assert "was read as column names" in notes[0]


def test_all_pixels_of_a_picture_may_be_in_one_column(tmp_path: Path) -> None:
    strings = [" ".join(map(str, row)) for row in PICTURES]
    usage = np.repeat(["Training", "PublicTest", "PrivateTest"], [40, 10, 10])
    path = write(tmp_path / "fer2013.csv", LABELS, strings, usage, header=["emotion", "pixels", "Usage"])
    source = recognise(path)
    assert source is not None
    reading = source.read(source.splits, DataOptions(source=""))
    assert {split: len(part.pictures) for split, part in reading.parts.items()} == {
        "train": 40,
        "valid": 10,
        "test": 10,
    }
    images, labels, _, notes = read(path)
    np.testing.assert_array_equal(images, PICTURES[:40])
    assert (labels, notes) == (LABELS[:40].tolist(), ())
    path.write_text(path.read_text().replace(strings[3], strings[3] + " 7"))
    with pytest.raises(DataError, match="line 5 has 65 values"):
        read(path)


def test_the_only_other_column_is_the_label_and_of_several_one_is_asked_for(tmp_path: Path) -> None:
    kinds = np.array(["owl", "cat", "dog"])[LABELS]
    path = write(tmp_path / "a.csv", kinds, PICTURES, header=["what", *PIXELS])
    _, labels, classes, notes = read(path)
    assert (labels[:3], classes) == ([2, 0, 1], ("cat", "dog", "owl"))
    assert "the column 'what' was used as the labels" in notes[0]
    path = write(tmp_path / "b.csv", kinds, LABELS, PICTURES, header=["what", "size", *PIXELS])
    with pytest.raises(
        DataError,
        match=r"any of the columns 'what', 'size' could be the labels. Choose one with --label-column",
    ):
        recognise(path)
    assert "the column 'what' was not used" in read(path, label_column="size")[3][0]


def test_columns_of_splits_that_say_none_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", LABELS, PICTURES, LABELS, header=["label", *PIXELS, "fold"])
    assert (
        "the column 'fold' was not used, because it does not contain train, valid and test"
        in read(path)[3][0]
    )
    with pytest.raises(DataError, match="the column 'fold' contains 0, 1, 2, which are not split names"):
        recognise(path, Hints(split_column="fold"))


def test_lists_of_files_are_not_pixels(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(60)]
    header = ["filename", *(f"class{number}" for number in range(64))]
    assert recognise(write(tmp_path / "a.csv", names, np.eye(60, 64, dtype=int), header=header)) is None
