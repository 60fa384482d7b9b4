"""Columns and folders that say which split a line belongs to: pictures marked test are never trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
from list_album import LABELS, ROWS, draw, lines, make_album, plain, read, recognised

from picturewise.data.hints import Hints
from picturewise.data.readers.lists.recognise import recognise
from picturewise.errors import DataError

PARTS = ["train", "train", "valid", "test"] * 3


def album(root: Path, column: str, values: list[str], label: str = "label") -> Path:
    rows = (f"{name},{kind},{value}" for (name, kind), value in zip(ROWS, values, strict=True))
    return make_album(root / "album", {"labels.csv": lines(*rows, header=f"filename,{label},{column}")})


def parted(*parts: str) -> dict[str, dict[str, str]]:
    """Return the classes of each split, of which `parts` says one for each line."""
    return {
        split: {name: label for (name, label), part in zip(ROWS, parts, strict=True) if part == split}
        for split in ("train", "valid", "test")
        if split in parts
    }


@pytest.mark.parametrize(
    "column", ["split", "Split", "set", "subset", "fold", "Usage", "data_type", "phase", "whatever"]
)
def test_a_column_of_words_says_the_split(tmp_path: Path, column: str) -> None:
    root = album(tmp_path, column, PARTS)
    for path in (root, root / "labels.csv"):
        assert read(path) == (parted(*PARTS), ())


@pytest.mark.parametrize(
    ("column", "words", "read_as"),
    [
        (
            "Usage",
            ("Training", "PublicTest", "PrivateTest"),
            "PrivateTest as test, PublicTest as valid, Training as train",
        ),
        ("split", ("trainval", "val", "test"), "trainval as train"),
        ("partition", ("0", "1", "2"), "0 as train, 1 as valid, 2 as test"),
        ("split", ("0.0", "1.0", "2.0"), "0.0 as train, 1.0 as valid, 2.0 as test"),
        ("set", ("train", "eval", "test"), "eval as valid"),
        (
            "set",
            ("train_set", "valid_set", "test_set"),
            "test_set as test, train_set as train, valid_set as valid",
        ),
    ],
)
def test_other_words_are_read_with_a_note(
    tmp_path: Path, column: str, words: tuple[str, str, str], read_as: str
) -> None:
    values = [dict(zip(("train", "valid", "test"), words, strict=True))[part] for part in PARTS]
    found, notes = read(album(tmp_path, column, values))
    assert found == parted(*PARTS)
    assert len(notes) == 1
    assert f"the column '{column}' was read as the split" in notes[0]
    assert read_as in notes[0]


@pytest.mark.parametrize("words", [("1", "0"), ("True", "False"), ("yes", "no"), ("1.0", "0.0")])
@pytest.mark.parametrize(
    ("column", "yes", "no"),
    [("is_test", "test", "train"), ("istest", "test", "train"), ("is_valid", "valid", "train"),
     ("is_training_image", "train", "test"), ("train", "train", "test"), ("is_validation", "valid", "train")],
)  # fmt: skip
def test_a_column_that_asks_about_one_split_is_answered(
    tmp_path: Path, words: tuple[str, str], column: str, yes: str, no: str
) -> None:
    parts = [yes if number % 4 == 1 else no for number in range(12)]
    found, notes = read(album(tmp_path, column, [words[part == no] for part in parts]))
    assert found == parted(*parts)
    assert len(notes) == 1
    assert f"the column '{column}' was read as the splits: " in notes[0]


def test_two_questions_are_answered_together(tmp_path: Path) -> None:
    values = [f"{int(part == 'valid')},{int(part == 'test')}" for part in PARTS]
    assert read(album(tmp_path, "is_valid,is_test", values))[0] == parted(*PARTS)


@pytest.mark.parametrize(
    ("column", "values"),
    [("fold", "01234"), ("split", "01"), ("cv", "12"), ("kfold", "0123456789"), ("set", "AB")],
)
def test_numbers_that_say_too_little_are_named_and_not_used(tmp_path: Path, column: str, values: str) -> None:
    root = album(tmp_path, column, [values[number % len(values)] for number in range(12)])
    found, notes = read(root)
    assert found == {"train": LABELS}
    assert len(notes) == 1
    assert f"the column '{column}' was not used, because its values ({values[0]}, {values[1]}" in notes[0]
    assert "To use it, replace them with train, valid and test." in notes[0]
    with pytest.raises(
        DataError, match=rf"the column '{column}' contains .*, which are not split names\. Use train"
    ):
        recognise(root / "labels.csv", Hints(split_column=column))


def test_the_user_may_name_the_column(tmp_path: Path) -> None:
    other = ["test", "train"] * 6
    root = album(tmp_path, "split,mine", [f"{a},{b}" for a, b in zip(PARTS, other, strict=True)])
    found, notes = read(root)
    assert found == parted(*PARTS)
    assert len(notes) == 1
    assert (
        "the column 'mine' also contains splits. To use it instead of 'split', pass --split-column"
        in notes[0]
    )
    assert read(root, split_column="mine") == (parted(*other), ())
    with pytest.raises(
        DataError,
        match=r"does not have a column 'part' .--split-column.\. Its columns are filename, label, split",
    ):
        recognise(root / "labels.csv", Hints(split_column="part"))


def test_lines_of_other_parts_are_left_out_and_counted(tmp_path: Path) -> None:
    values = ["extra" if number in {4, 9} else part for number, part in enumerate(PARTS)]
    root = album(tmp_path, "split", values)
    found, notes = read(root)
    assert found == parted(*values)
    assert len(notes) == 1
    assert (
        "2 lines are not assigned to train, valid or test by the column 'split', so they were not used"
        in notes[0]
    )
    assert "the first is line 6." in notes[0]


def test_a_rare_split_at_the_end_of_a_list_is_found(tmp_path: Path) -> None:
    root = album(tmp_path, "split", ["train"] * 11 + ["test"])
    assert recognised(root).splits == ("train", "test")


def test_a_class_called_train_is_not_a_split(tmp_path: Path) -> None:
    text = plain(lambda name, label: f"{name},{label.replace('cat', 'train')}")
    found, notes = read(make_album(tmp_path / "album", {"labels.csv": text}))
    assert set(found) == {"train"}
    assert set(found["train"].values()) == {"train", "dog", "owl"}
    assert notes == ()


def test_a_test_part_without_labels_is_not_a_split(tmp_path: Path) -> None:
    rows = (
        f"{name},{'' if part == 'test' else label},{part}"
        for (name, label), part in zip(ROWS, PARTS, strict=True)
    )
    root = make_album(tmp_path / "album", {"labels.csv": lines(*rows, header="filename,label,split")})
    found, notes = read(root)
    assert found == {split: part for split, part in parted(*PARTS).items() if split != "test"}
    assert len(notes) == 1
    assert "3 lines of test do not have a label, so the split was not used; the first is line 5" in notes[0]


def test_a_picture_in_two_splits_is_refused(tmp_path: Path) -> None:
    root = album(tmp_path, "split", PARTS)
    with (root / "labels.csv").open("a") as file:
        file.write("cat_0.png,cat,test\n")
    with pytest.raises(DataError, match=r"images/cat_0\.png: line 2 has 'train', but line 14 has 'test'"):
        read(root)


def test_the_folders_of_the_pictures_may_say_the_splits(tmp_path: Path) -> None:
    rows, expected = [], {"train": {}, "test": {}}
    for number, label in enumerate(LABELS.values()):
        split = ("train", "test")[number % 3 == 2]
        draw(tmp_path / f"set/{split}/{number}.png")
        rows.append(f"{split}/{number}.png,{label}")
        expected[split][f"{number}.png"] = label
    (tmp_path / "set/metadata.csv").write_text(lines(*rows, header="file_name,label"))
    assert read(tmp_path / "set") == (expected, ())
