from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.data.readers.labels_csv import LabelledFilesReader, recognise
from picturewise.errors import DataError

OPTIONS = DataOptions(source="")
SavePicture = Callable[..., Path]


@pytest.fixture
def competition(tmp_path: Path, save_picture: SavePicture) -> Callable[..., Path]:
    """Make a folder with a list of 20 pictures and the pictures."""

    def make(
        listed: str = "train.csv", folder: str = "train", header: str = "id,label", ending: str = ""
    ) -> Path:
        lines = [header]
        for number in range(20):
            save_picture(tmp_path / folder / f"p{number}.png", seed=number)
            lines.append(f"p{number}{ending},{('dog', 'cat')[number % 2]}")
        (tmp_path / listed).write_text("\n".join(lines) + "\n")
        return tmp_path

    return make


def recognised(path: Path) -> LabelledFilesReader:
    source = recognise(path)
    assert source is not None
    return source


@pytest.mark.slow
@pytest.mark.parametrize(
    ("listed", "folder", "header", "ending"),
    [
        ("train.csv", "train", "id,label", ""),
        ("labels.csv", "train", "id,breed", ""),
        ("train.csv", "images", "filename,class", ".png"),
        ("train_labels.csv", ".", "Image,Category", ".png"),
        ("my list.csv", "some folder", '"file_name","label"', ".png"),
    ],
)
def test_names_and_labels_are_found_in_the_usual_layouts(
    competition: Callable[..., Path], listed: str, folder: str, header: str, ending: str
) -> None:
    root = competition(listed, folder, header, ending)
    for path in (root, root / listed):
        found = recognised(path).read({"train"}, OPTIONS).parts["train"].pictures
        assert found.classes == ("cat", "dog")
        assert found.names is not None
        assert found.labels is not None
        labels = {
            Path(name).name: found.classes[label]
            for name, label in zip(found.names, found.labels, strict=True)
        }
        assert labels == {f"p{number}.png": ("dog", "cat")[number % 2] for number in range(20)}


def test_an_unlabelled_test_list_and_a_submission_are_no_splits(
    competition: Callable[..., Path], save_picture: SavePicture
) -> None:
    root = competition()
    save_picture(root / "test" / "q1.png")
    (root / "test.csv").write_text("id\nq1\n")
    (root / "sample_submission.csv").write_text("id,label\nq1,cat\n")
    assert recognised(root).splits == ("train",)
    assert list(read_place(DataOptions(source=str(root))).splits()) == ["train", "valid", "test"]


def test_lists_of_several_splits_keep_the_classes_of_train(
    competition: Callable[..., Path], save_picture: SavePicture
) -> None:
    root = competition()
    save_picture(root / "test" / "q1.png")
    (root / "test.csv").write_text("id,label\nq1,dog\n")
    assert read_place(DataOptions(source=str(root))).split("test").labels.tolist() == [1]
    (root / "test.csv").write_text("id,label\nq1,dogs\n")
    assert read_place(DataOptions(source=str(root)), ["train"])
    with pytest.raises(DataError, match=r"class 'dogs', which train\.csv does not have.* Did you mean 'dog'"):
        read_place(DataOptions(source=str(root)))


def test_names_may_hold_folders(competition: Callable[..., Path], save_picture: SavePicture) -> None:
    root = competition()
    save_picture(root / "train" / "deep" / "x.png", seed=99)
    with (root / "train.csv").open("a") as file:
        file.write("deep/x,cat\n")
    found = recognised(root).read({"train"}, OPTIONS).parts["train"].pictures
    assert found.names is not None
    assert "train/deep/x.png" in found.names


def test_labels_for_files_that_are_not_there_are_told_with_their_line(
    competition: Callable[..., Path],
) -> None:
    root = competition()
    (root / "train" / "p3.png").unlink()
    with pytest.raises(
        DataError,
        match=r"1 of 19 files .* p3: named in line 5 of .*train\.csv, but not in train\. .*--skip-bad",
    ):
        recognised(root).read({"train"}, OPTIONS)
    reading = recognised(root).read({"train"}, DataOptions(source="", skip_bad=True))
    assert len(reading.parts["train"].pictures) == 19
    assert reading.skipped[0].path == "p3"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("p1,cat", r"line 22: 'p1' stands in line 3 already"),
        ("x,cat,dog", "line 22: 3 columns, expected 2"),
        ("x", "line 22: 1 columns, expected 2"),
        ("x,", "line 22: the name is 'x' and the label ''"),
        (",cat", "line 22: the name is ''"),
        ("x," + "c" * 300, "at most 200 characters"),
        ("../../secret,cat", r"\.\./\.\./secret: named in line 22"),
        ("/etc/passwd,cat", "/etc/passwd: named in line 22"),
        ('"x,cat', "line 22: 1 columns|unexpected end"),
        ("x" * 200_000 + ",cat", "field larger than field limit"),
        ("\x1b[31m,cat", r"\\x1b\[31m: named in line 22"),
        ("train\0.png,cat", "named in line 22|line contains NUL"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(
    competition: Callable[..., Path], line: str, sentence: str
) -> None:
    root = competition()
    with (root / "train.csv").open("a") as file:
        file.write(line)
    with pytest.raises(DataError, match=sentence) as caught:
        recognised(root).read({"train"}, OPTIONS)
    assert str(caught.value).isprintable()


def test_two_lists_for_one_split_and_a_single_class_are_refused(competition: Callable[..., Path]) -> None:
    root = competition()
    (root / "more.csv").write_text("id,label\np1,cat\n")
    with pytest.raises(DataError, match=r"two lists of pictures for one split, more\.csv and train\.csv"):
        recognise(root)
    (root / "train.csv").unlink()
    with pytest.raises(DataError, match="holds 1 different labels, expected 2"):
        recognised(root).read({"train"}, OPTIONS)


def test_class_folders_with_an_unrelated_table_stay_class_folders(
    tmp_path: Path, make_classes: Callable[..., Path]
) -> None:
    make_classes(tmp_path)
    (tmp_path / "notes.csv").write_text("name,label\nnothing,here\n")
    assert recognise(tmp_path) is None
    assert read_place(DataOptions(source=str(tmp_path)), ["train"]).classes == ("cat", "dog")


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("id,colour", "has the columns id, colour, and none of labels among them, expected one named label,"),
        (
            "what,label",
            "has the columns what, label, and none of file names among them, expected one named filename,",
        ),
    ],
)
def test_a_list_that_lacks_a_column_is_told_with_those_that_it_has(
    competition: Callable[..., Path], header: str, sentence: str
) -> None:
    root = competition("train.csv", "images", header)
    for path in (root, root / "train.csv"):
        with pytest.raises(DataError, match=sentence):
            recognise(path)


def test_tables_beside_other_sets_are_passed_over(
    competition: Callable[..., Path], save_picture: SavePicture
) -> None:
    root = competition("train.csv", "cat", "id,colour")
    save_picture(root / "dog" / "1.png")  # so these are folders of classes
    assert recognise(root) is None
    (root / "train.csv").write_text("name,colour\nunknown,1\n")
    assert recognise(root / "train.csv") is None
    (root / "train.csv").write_text("name,colour\n1,2,3\n")
    assert recognise(root / "train.csv") is None
