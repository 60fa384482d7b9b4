from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.data.readers import csv_numbers, pixel_csv
from picturewise.data.readers.pixel_csv import PixelCsvReader, pixel_table, recognise
from picturewise.errors import DataError

OPTIONS = DataOptions(source="")


def write(
    path: Path, count: int = 30, *, pixels: int = 16, label: bool = True, header: bool = True, seed: int = 0
) -> np.ndarray:
    """Write a file with NumPy; return its numbers."""
    random = np.random.default_rng(seed)
    values = random.integers(0, 256, (count, pixels))
    if label:
        values = np.column_stack([np.arange(count) % 3, values])
    names = ["label"] * label + [f"pixel{number}" for number in range(pixels)]
    np.savetxt(path, values, fmt="%d", delimiter=",", header=",".join(names) if header else "", comments="")
    return values


def recognised(path: Path) -> PixelCsvReader:
    source = recognise(path)
    assert source is not None
    return source


def numbers(path: Path) -> np.ndarray:
    table = csv_numbers.look(path)
    assert table is not None
    return np.concatenate([block for _, block in csv_numbers.rows(table)])


def test_the_digit_recognizer_folder_gives_train_alone_and_test_is_held_out(tmp_path: Path) -> None:
    values = write(tmp_path / "train.csv", 150)
    write(tmp_path / "test.csv", 20, label=False, seed=1)
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    source = recognised(tmp_path)
    assert source.splits == ("train",)
    assert source.notes == (
        "test.csv does not have labels, so it was not used as a split. To classify its pictures, pass it to predict.",
    )
    part = source.read({"train"}, OPTIONS).parts["train"].pictures
    np.testing.assert_array_equal(part.images.reshape(150, 16), values[:, 1:])
    np.testing.assert_array_equal(part.labels, values[:, 0])
    assert part.classes == ("0", "1", "2")
    dataset = read_place(DataOptions(source=str(tmp_path)))
    counts = {name: len(found) for name, found in dataset.splits().items()}
    assert counts == {"train": 108, "valid": 12, "test": 30}


def test_a_test_file_with_labels_is_a_test_split(tmp_path: Path) -> None:
    write(tmp_path / "fashion-mnist_train.csv")
    write(tmp_path / "fashion-mnist_test.csv", 9)
    dataset = read_place(DataOptions(source=str(tmp_path)))
    assert len(dataset.split("test")) == 9


def test_a_file_beside_that_is_another_table_is_named(tmp_path: Path) -> None:
    write(tmp_path / "train.csv")
    (tmp_path / "test.csv").write_text("id,name\n1,one\n2,two\n")
    assert recognised(tmp_path).notes == (
        f"{tmp_path}/test.csv is not a table of pixels like the others, so it was not used.",
    )


def test_test_pictures_are_not_opened_to_train(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", 90)
    path = tmp_path / "test.csv"
    write(path)
    path.write_text(path.read_text() + "broken\n")
    read_place(DataOptions(source=str(tmp_path)), ["train", "valid"])
    with pytest.raises(DataError, match="line 32: found 1 column, but the first line has 17"):
        read_place(DataOptions(source=str(tmp_path)), ["test"])


def test_test_alone_reads_of_train_the_labels_and_no_more_pixels_than_tell_their_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "train.csv", 90)
    write(tmp_path / "test.csv", 9)
    path = tmp_path / "train.csv"
    monkeypatch.setattr(csv_numbers, "_BLOCK", 1000)
    for cell in ("999", "broken"):  # the one is parsed by arithmetic, the other line by line
        lines = path.read_text().splitlines()
        lines[50] = ",".join([*lines[50].split(",")[:-1], cell])
        path.write_text("\n".join(lines))
        found = recognised(tmp_path).read({"test"}, OPTIONS).parts["test"].pictures
        assert (len(found), found.classes) == (9, ("0", "1", "2"))
        with pytest.raises(DataError, match="line 51"):
            recognised(tmp_path).read({"train"}, OPTIONS)
    path.write_text(path.read_text().replace("\n0,", "\nzero,"))
    with pytest.raises(DataError, match="contains class numbers, but the training labels are class names"):
        recognised(tmp_path).read({"test"}, OPTIONS)


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n", "\n  \n"])
def test_lines_are_counted_before_they_are_read(
    tmp_path: Path, end: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.csv")
    content = (tmp_path / "a.csv").read_text().rstrip()
    (tmp_path / "a.csv").write_bytes((content + end).encode())
    monkeypatch.setattr(csv_numbers, "_BLOCK", block)
    table = csv_numbers.look(tmp_path / "a.csv")
    assert table is not None
    assert csv_numbers.count_rows(table) == 30


def test_pixels_go_right_into_the_array_that_room_gives(tmp_path: Path) -> None:
    values, given = write(tmp_path / "a.csv"), []

    def allocate(count: int, size: tuple[int, int], channels: int) -> np.ndarray:
        given.append(np.empty((count, *size, channels), np.uint8))
        return given[0]

    part = recognised(tmp_path / "a.csv").read({"train"}, OPTIONS, None, allocate).parts["train"]
    assert part.pictures.images is given[0]
    np.testing.assert_array_equal(given[0].reshape(30, 16), values[:, 1:])


@pytest.mark.parametrize("change", ["\n" + ",".join(["1"] * 17), ""])
def test_a_file_that_changes_between_the_count_and_the_reading_is_reported(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.csv")
    content = (tmp_path / "a.csv").read_text().rstrip()
    counted = csv_numbers.count_rows

    def count_rows(table: csv_numbers.CsvTable) -> int:
        found = counted(table)
        table.path.write_text(content + change if change else content.rpartition("\n")[0])
        return found

    monkeypatch.setattr(pixel_csv, "count_rows", count_rows)
    with pytest.raises(DataError, match="changed while it was being read"):
        recognised(tmp_path / "a.csv").read({"train"}, OPTIONS)


def test_a_mark_of_utf_8_before_the_first_number_is_passed_over(tmp_path: Path) -> None:
    values = write(tmp_path / "a.csv", header=False)
    content = (tmp_path / "a.csv").read_text().lstrip("\n")
    (tmp_path / "a.csv").write_text(content, encoding="utf-8-sig")
    part = recognised(tmp_path / "a.csv").read({"train"}, OPTIONS).parts["train"].pictures
    np.testing.assert_array_equal(part.images.reshape(30, 16), values[:, 1:])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda text: text.replace("\n", "\r").encode(),
            "lines that end in a carriage return without a line feed",
        ),
        (lambda text: text.encode("utf-16"), "is encoded in UTF-16. Save it again as UTF-8"),
        (
            lambda text: "\n".join(line.rpartition(",")[0] for line in text.splitlines()).encode(),
            r"has 24 pixel columns \(and 'label'\), which do not make a square.*whether a column is missing",
        ),
    ],
)
def test_tables_of_pixels_of_another_kind_say_which(
    tmp_path: Path, change: Callable[[str], bytes], sentence: str
) -> None:
    write(tmp_path / "a.csv", pixels=25)
    (tmp_path / "a.csv").write_bytes(change((tmp_path / "a.csv").read_text()))
    for path in (tmp_path, tmp_path / "a.csv"):
        with pytest.raises(DataError, match=sentence):
            recognise(path)


def test_a_file_without_names_has_its_label_first(tmp_path: Path) -> None:
    values = write(tmp_path / "mnist_train.csv", header=False)
    text = (tmp_path / "mnist_train.csv").read_text().lstrip("\n")
    (tmp_path / "mnist_train.csv").write_text(text)
    part = recognised(tmp_path / "mnist_train.csv").read({"train"}, OPTIONS).parts["train"].pictures
    np.testing.assert_array_equal(part.images.reshape(30, 16), values[:, 1:])
    np.testing.assert_array_equal(part.labels, values[:, 0])


def test_a_file_without_labels_can_be_read_alone(tmp_path: Path) -> None:
    write(tmp_path / "test.csv", label=False)
    source = recognised(tmp_path / "test.csv")
    assert source.splits == ("train",)
    assert source.read({"train"}, OPTIONS).parts["train"].pictures.labels is None


def test_colour_and_other_places_of_the_label_are_read(tmp_path: Path) -> None:
    down, across = np.mgrid[:12, :12] * 8
    values = ((down + across)[..., None] + [0, 50, 20] + np.arange(5)[:, None, None, None]).reshape(5, 432)
    table = np.column_stack([np.arange(1, 6), values, [0, 1, 0, 1, 0]])
    header = ",".join(["Id", *(f"p{number}" for number in range(432)), "Class"])
    np.savetxt(tmp_path / "a.csv", table, fmt="%d", delimiter=",", header=header, comments="")
    part = recognised(tmp_path / "a.csv").read({"train"}, OPTIONS).parts["train"].pictures
    np.testing.assert_array_equal(part.images, values.reshape(5, 12, 12, 3))
    np.testing.assert_array_equal(part.labels, [0, 1, 0, 1, 0])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [7, 100, 1 << 20])
def test_blocks_and_line_ends_do_not_matter(
    tmp_path: Path, end: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = write(tmp_path / "a.csv")
    content = (tmp_path / "a.csv").read_text().replace("\n", end).removesuffix(end)
    (tmp_path / "a.csv").write_bytes(content.encode())
    monkeypatch.setattr(csv_numbers, "_BLOCK", block)
    np.testing.assert_array_equal(numbers(tmp_path / "a.csv"), values)


def test_the_slow_way_reads_what_the_fast_one_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = write(tmp_path / "a.csv", 200)
    np.testing.assert_array_equal(numbers(tmp_path / "a.csv"), values)
    monkeypatch.setattr(csv_numbers, "_by_arithmetic", lambda *_: None)
    np.testing.assert_array_equal(numbers(tmp_path / "a.csv"), values)


def test_quotes_floats_and_empty_lines_at_the_end_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    line = ",".join(["1.0", '"12"', " 7 ", *["1e2"] * 14])
    path.write_text("label," + ",".join(f"p{n}" for n in range(16)) + f"\n{line}\n\n\n")
    assert numbers(path).tolist() == [[1, 12, 7, *[100] * 14]]


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("256", r"values in 0\.\.256 instead of 0\.\.1 or 0\.\.255: line 12 has 256\. Pass .*--value-range"),
        ("-1", "line 12 has -1"),
        ("1234", "line 12 has 1234"),
        ("nan", "line 12, column 2: 'nan' is not a valid number"),
        ("inf", "'inf' is not a valid"),
        ("", "'' is not a valid"),
        ("1e300", "'1e300' is not a valid"),
        ("\x1b[31m", r"'\\x1b\[31m' is not a valid number"),
        ("1,2", "line 12: found 18 columns, but the first line has 17"),
    ],
)
def test_a_value_that_is_not_a_pixel_is_named_with_its_line(tmp_path: Path, cell: str, sentence: str) -> None:
    path = tmp_path / "a.csv"
    write(path)
    lines = path.read_text().splitlines()
    lines[11] = ",".join(["1", cell, *lines[11].split(",")[2:]])
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=sentence):
        recognised(path).read({"train"}, OPTIONS)


def test_an_invalid_label_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path)
    path.write_text(path.read_text() + ",".join(["10000"] + ["1"] * 16))
    with pytest.raises(DataError, match="line 32: the label is 10000"):
        recognised(path).read({"train"}, OPTIONS)


def test_two_files_for_one_split_and_files_without_lines_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", 0)
    with pytest.raises(DataError, match="does not contain any lines of pixels"):
        recognised(tmp_path).read({"train"}, OPTIONS)
    write(tmp_path / "more.csv")
    with pytest.raises(DataError, match=r"for the same split: more\.csv and train\.csv"):
        recognise(tmp_path)


def test_other_tables_are_not_recognised(tmp_path: Path) -> None:
    for name, content in (
        ("a.csv", "name,label\nx,y\n"),
        ("b.csv", ""),
        ("c.csv", "\0\0"),
        ("d.csv", "\xff"),
        ("e.csv", "label,1,2,3,4\n"),
    ):
        (tmp_path / name).write_bytes(content.encode("latin-1"))
        assert recognise(tmp_path / name) is None
    assert recognise(tmp_path) is None


def test_pictures_to_predict_need_no_labels(tmp_path: Path) -> None:
    values = write(tmp_path / "test.csv", label=False)
    table = pixel_table(tmp_path / "test.csv")
    assert table is not None
    part = recognised(tmp_path / "test.csv").read({"train"}, OPTIONS).parts["train"].pictures
    np.testing.assert_array_equal(part.images.reshape(30, 16), values)
    assert part.labels is None
