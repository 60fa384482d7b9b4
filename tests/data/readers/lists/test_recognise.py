"""Which files are lists, of which split, and the notes about lists that are not used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from list_album import LABELS, ROWS, draw, lines, make_album, plain, read, recognised
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.data.readers.lists.recognise import recognise, refuse_unused
from picturewise.data.recognise import recognise as recognise_any
from picturewise.errors import DataError

HALVES = {"train": ROWS[::2], "test": ROWS[1::2]}


def competition(root: Path, **lists: str) -> Path:
    """Make Kaggle's trio: a labelled train, a test without labels, the form of a submission; and more lists."""
    for split, rows in HALVES.items():
        for name, _ in rows:
            draw(root / split / name)
    files = {
        "train.csv": lines(*(f"{name[:-4]},{label}" for name, label in HALVES["train"]), header="id,label"),
        "test.csv": lines(*(name[:-4] for name, _ in HALVES["test"]), header="id"),
        "sample_submission.csv": lines(
            *(f"{name[:-4]},cat" for name, _ in HALVES["test"]), header="id,label"
        ),
    } | {f"{name}.csv": text for name, text in lists.items()}
    for name, text in files.items():
        (root / name).write_text(text)
    return root


def test_a_test_list_without_labels_is_named_with_the_way_to_predict_it(tmp_path: Path) -> None:
    root = competition(tmp_path)
    found, notes = read(root)
    assert found == {"train": dict(HALVES["train"])}
    assert len(notes) == 1
    assert f"{root}/test.csv does not have labels, so it was not used as the test split" in notes[0]
    assert f"picturewise predict RUN {root}/test.csv" in notes[0]


def test_a_list_without_labels_is_read_without_labels(tmp_path: Path) -> None:
    root = competition(tmp_path)
    reader = recognised(root / "test.csv")
    assert reader.splits == ("train",)
    pictures = reader.read({"train"}, DataOptions(source="")).parts["train"].pictures
    assert pictures.labels is None
    assert pictures.classes == ()
    assert pictures.names is not None
    assert [Path(name).name for name in pictures.names] == sorted(name for name, _ in HALVES["test"])
    assert reader.notes == ()
    rows = (f"{name},title {number}" for number, (name, _) in enumerate(HALVES["test"]))
    (root / "test.csv").write_text(lines(*rows, header="id,title"))
    (note,) = recognised(root / "test.csv").notes
    assert note == (
        f"{root}/test.csv: the column 'title' does not repeat a small number of values, as labels do. Choose the "
        "column of labels with --label-column."
    )


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train.csv", "test.csv"), ("train", "test")),
        (("train_labels.csv", "val_labels.csv"), ("train", "valid")),
        (("trainLabels.csv", "testLabels.csv"), ("train", "test")),
        (("lists/train.txt", "lists/test.txt"), ("train", "test")),
        (("train/_annotations.csv", "test/_annotations.csv"), ("train", "test")),
        (("labels.csv", "test.csv"), ("train", "test")),
        (("training.json", "validation.json"), ("train", "valid")),
    ],
)
def test_each_list_is_the_split_in_its_name(
    tmp_path: Path, names: tuple[str, str], splits: tuple[str, str]
) -> None:
    files = {}
    for name, rows in zip(names, HALVES.values(), strict=True):
        text = json.dumps(dict(rows)) if name.endswith("json") else lines(*(f"{a},{b}" for a, b in rows))
        files[name] = text
    found, notes = read(make_album(tmp_path / "album", files))
    assert found == dict(zip(splits, map(dict, HALVES.values()), strict=True))
    assert notes == ()


def test_two_lists_for_one_split_are_refused_unless_one_is_named(tmp_path: Path) -> None:
    root = make_album(
        tmp_path / "album", {"labels.csv": plain(), "labels_old.csv": plain(lambda a, b: f"{a},{b[::-1]}")}
    )
    with pytest.raises(
        DataError, match=r"two lists of pictures for train: labels\.csv and labels_old\.csv\. Pass the one"
    ):
        recognise(root)
    assert read(root / "labels.csv") == ({"train": LABELS}, ())


def test_two_lists_that_say_the_same_are_one(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain(), "labels.json": json.dumps(LABELS)})
    assert read(root) == ({"train": LABELS}, ())


def test_a_list_beside_those_of_splits_is_named(tmp_path: Path) -> None:
    found, notes = read(competition(tmp_path, meta=lines("cat_0.png,a", "dog_0.png,a", "owl_0.png,b")))
    assert found == {"train": dict(HALVES["train"])}
    assert len(notes) == 2
    assert "meta.csv also lists these pictures, but was not used. Pass the file itself to use it." in notes[0]


def test_a_picture_in_lists_of_two_splits_is_refused(tmp_path: Path) -> None:
    files = {"train.csv": plain(), "test.csv": lines("dog_1.png,dog", "cat_1.png,cat")}
    root = make_album(tmp_path / "album", files)
    with pytest.raises(
        DataError, match=r"(cat|dog)_1\.png is both in .*test\.csv \(test\) and in train\.csv \(train\)"
    ):
        read(root)


def test_a_spreadsheet_cannot_be_read_and_is_named(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.xlsx": b"PK\x03\x04"})
    for path in (root, root / "labels.xlsx"):
        with pytest.raises(DataError, match=r"labels\.xlsx is a spreadsheet\. Save it as CSV to use it\."):
            recognise_any(path)
    (root / "labels.csv").write_text(plain())
    assert read(root) == (
        {"train": LABELS},
        (f"{root}/labels.xlsx is a spreadsheet. Save it as CSV to use it.",),
    )


def test_a_table_whose_numbers_happen_to_be_names_is_not_a_list_of_class_folders(tmp_path: Path) -> None:
    for number in range(40):
        draw(tmp_path / ("cat", "dog")[number % 2] / f"{number}.png")
    for text in ("epoch,phase\n0,a\n1,b\n2,a\n3,b\n", "id,segment\n0,a\n1,b\n2,b\n3,a\n4,a\n"):
        (tmp_path / "table.csv").write_text(text)
        assert recognise(tmp_path) is None
        refuse_unused(tmp_path)


def test_a_test_list_that_says_one_class_for_all_is_doubted(tmp_path: Path) -> None:
    for number in range(24):
        draw(tmp_path / f"images/{number}.png")
    (tmp_path / "train.csv").write_text(lines(*(f"{n},{'ab'[n % 2]}" for n in range(12)), header="id,label"))
    (tmp_path / "test.csv").write_text(lines(*(f"{n},a" for n in range(12, 24)), header="id,label"))
    _, notes = read(tmp_path)
    assert len(notes) == 1
    assert "test.csv gives 'a' as the label of all 12 pictures of test" in notes[0]


def test_folders_of_classes_for_train_and_a_list_for_test_are_one_set(tmp_path: Path) -> None:
    """As GTSRB is published at Kaggle, with a table about the classes that names pictures too."""
    classes = {"cat": "0", "dog": "1", "owl": "2"}
    for name, label in HALVES["train"]:
        draw(tmp_path / "Train" / classes[label] / name)
    for name, _ in HALVES["test"]:
        draw(tmp_path / "Test" / name)
    for number in classes.values():
        draw(tmp_path / f"Meta/{number}.png")
    texts = {
        "Train": (f"4,4,{classes[label]},Train/{classes[label]}/{name}" for name, label in HALVES["train"]),
        "Test": (f"4,4,{classes[label]},Test/{name}" for name, label in HALVES["test"]),
    }
    for name, rows in texts.items():
        (tmp_path / f"{name}.csv").write_text(lines(*rows, header="Width,Height,ClassId,Path"))
    meta = (f"Meta/{number}.png,{number},{int(number) % 2}" for number in classes.values())
    (tmp_path / "Meta.csv").write_text(lines(*meta, header="Path,ClassId,ShapeId"))
    found, notes = read(tmp_path)
    assert found == {split: {name: classes[label] for name, label in rows} for split, rows in HALVES.items()}
    assert len(notes) == 1
    assert "Meta.csv" in notes[0]


def test_a_packed_list_is_named(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv.zip": b"PK\x03\x04"})
    with pytest.raises(DataError, match=r"labels\.csv\.zip is compressed\. Unpack it to use it\."):
        recognise_any(root)
    (root / "labels.csv").write_text(plain())
    assert read(root) == ({"train": LABELS}, ())


def test_a_list_that_divides_the_folders_further_is_used_with_a_note(tmp_path: Path) -> None:
    for name, _ in ROWS:
        draw(tmp_path / ("birds" if "owl" in name else "mammals") / name)
    (tmp_path / "labels.csv").write_text(plain())
    found, notes = read(tmp_path)
    assert found == {"train": LABELS}
    assert len(notes) == 1
    assert "the classes were taken from this list, not from the folders of the pictures" in notes[0]


def test_a_list_without_labels_beside_pictures_is_refused(tmp_path: Path) -> None:
    rows = (f"{name},title {number}" for number, name in enumerate(LABELS))
    root = make_album(tmp_path / "album", {"train.csv": lines(*rows, header="id,title")})
    with pytest.raises(
        DataError,
        match=r"has the columns id, title, but none of them repeats a small number of values, as .*--label-column",
    ):
        recognise_any(root)


def test_pictures_that_no_line_names_are_counted(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()})
    for number in range(3):
        draw(root / f"extra/x{number}.png")
    note = f"{root}: 3 pictures are not listed in labels.csv and were not used; the first is extra/x0.png."
    assert read(root) == ({"train": LABELS}, (note,))
    assert read(root / "labels.csv") == ({"train": LABELS}, ())


def test_folders_of_classes_that_a_list_repeats_stay_the_same(
    tmp_path: Path, make_classes: Callable[..., Path]
) -> None:
    make_classes(tmp_path, count=6)
    before = read_place(DataOptions(source=str(tmp_path))).train
    assert before is not None
    rows = [f"{name}/{number}.png,{name}" for name in ("cat", "dog") for number in range(6)]
    (tmp_path / "labels.csv").write_text(lines(*rows))
    after = read_place(DataOptions(source=str(tmp_path)))
    assert after.train is not None
    assert after.train.fingerprint == before.fingerprint
    assert after.train.names == before.names
    assert not [note for note in after.notes if "labels.csv" in note]
    (tmp_path / "labels.csv").write_text(
        lines(*rows[:3], *rows[6:9])
    )  # of some of them: the folders say more
    assert recognise(tmp_path) is None


def test_a_list_that_gives_the_folders_classes_to_other_pictures_is_refused(
    tmp_path: Path, make_classes: Callable[..., Path]
) -> None:
    make_classes(tmp_path, count=6)
    rows = [f"{name}/{number}.png,{name}" for name in ("cat", "dog") for number in range(6)]
    (tmp_path / "labels.csv").write_text(lines(*rows).replace("cat/3.png,cat", "cat/3.png,dog"))
    with pytest.raises(
        DataError,
        match=r"gives the label 'dog' to cat/3\.png, but the class folder of this picture has another name\. Pass",
    ):
        recognise(tmp_path)
    found, _ = read(tmp_path / "labels.csv")
    assert (
        list(found["train"].values()).count("dog") == 7 or len(found["train"]) == 6
    )  # names repeat in the folders


def test_a_list_may_part_the_pictures_of_folders_in_its_own_way(tmp_path: Path) -> None:
    """Parts of a download, as in HAM10000, are not classes."""
    root = make_album(tmp_path / "album", {"labels.csv": plain()}, "part_1")
    for name in list(LABELS)[::2]:
        draw(root / "part_2" / name).replace(root / "part_2" / name)
        (root / "part_1" / name).unlink()
    assert read(root) == ({"train": LABELS}, ())


def test_lists_of_names_say_the_splits_of_folders_of_classes(tmp_path: Path) -> None:
    """As Food-101 and others are published: the folders have the classes, `train.txt` and `test.txt` the splits."""
    for name, label in ROWS:
        draw(tmp_path / "images" / label / name)
    for split, rows in HALVES.items():
        (tmp_path / "meta").mkdir(exist_ok=True)
        (tmp_path / f"meta/{split}.txt").write_text(
            lines(*(f"{label}/{name[:-4]}" for name, label in rows), header="")
        )
        (tmp_path / f"meta/{split}.json").write_text(
            json.dumps(
                {one: [f"{one}/{name[:-4]}" for name, label in rows if label == one] for _, one in rows}
            )
        )
    expected = {split: dict(rows) for split, rows in HALVES.items()}
    assert read(tmp_path) == (expected, ())
    for split in HALVES:
        (tmp_path / f"meta/{split}.json").unlink()
    assert read(tmp_path) == (expected, ())


@pytest.mark.parametrize(
    ("lists", "left"),
    [
        (
            {
                "train_list.txt": ["cat_0.png", "dog_0.png", "owl_0.png"],
                "test_list.txt": ["cat_1.png", "dog_1.png"],
            },
            7,
        ),
        ({"test_list.txt": ["images/cat_1.png", "images/dog_1.png"]}, 0),
    ],
)
def test_lists_of_names_say_the_splits_of_a_list_with_labels(
    tmp_path: Path, lists: dict[str, list[str]], left: int
) -> None:
    """As NIH's chest radiographs are published: a table for all, a list of names for each split."""
    files = {"entries.csv": plain()} | {name: lines(*names, header="") for name, names in lists.items()}
    found, notes = read(make_album(tmp_path / "album", files))
    assert found["test"] == {"cat_1.png": "cat", "dog_1.png": "dog"}
    assert len(found["train"]) == 10 - left
    assert "cat_1.png" not in found["train"]
    if left:
        assert len(notes) == 1
        assert f"{left} lines are not assigned to train, valid or test by " in notes[0]
        assert "train_list.txt, so they were not used" in notes[0]
    else:
        assert notes == ()


def test_a_list_with_a_split_column_says_the_splits_of_another(tmp_path: Path) -> None:
    """As CelebA is published: a table of attributes, and one of the parts 0, 1 and 2."""
    files = {
        "attributes.csv": plain(lambda a, b: f"{a},{b},{b[::-1]}", "image_id,kind,other"),
        "partition.csv": lines(
            *(f"{a},{n % 3}" for n, (a, _) in enumerate(ROWS)), header="image_id,partition"
        ),
    }
    found, _ = read(make_album(tmp_path / "album", files), label_column="other")
    assert found == {
        split: {name: label[::-1] for name, label in ROWS[number::3]}
        for number, split in enumerate(("train", "valid", "test"))
    }


def test_lists_of_splits_that_name_one_picture_twice_are_refused(tmp_path: Path) -> None:
    files = {
        "entries.csv": plain(),
        "train.txt": "cat_0.png\ndog_0.png\n",
        "test.txt": "dog_0.png\ncat_1.png\n",
    }
    with pytest.raises(
        DataError, match=r"train\.txt, line 2: images/dog_0\.png is already in the test split"
    ):
        recognise(make_album(tmp_path / "album", files))


def test_other_tables_beside_a_list_are_named(tmp_path: Path) -> None:
    files = {
        "labels.csv": plain(),
        "prices.csv": "what,price\nhay,3\nbone,4\n",
        "pixels.csv": lines(*(",".join(["7"] * 65) for _ in range(9)), header=""),
    }
    root = make_album(tmp_path / "album", files)
    found, notes = read(root)
    assert found == {"train": LABELS}
    assert len(notes) == 2
    assert "pixels.csv was not used, because it contains numbers, not file names" in notes[0]
    assert "prices.csv does not list any of the pictures" in notes[1]


def test_names_of_the_classes_beside_a_list_are_named(tmp_path: Path) -> None:
    numbers = {"cat": "0", "dog": "1", "owl": "2"}
    for name, label in ROWS:
        draw(tmp_path / "train_images" / f"{numbers[label]}{name[4:]}")
    text = lines(
        *(f"{numbers[label]}{name[4:]},{numbers[label]}" for name, label in ROWS), header="image_id,label"
    )
    (tmp_path / "train.csv").write_text(text)
    (tmp_path / "names.json").write_text(json.dumps({number: name for name, number in numbers.items()}))
    draw(tmp_path / "train_images/0.png")
    draw(tmp_path / "train_images/1.png")
    draw(tmp_path / "train_images/2.png")
    _, notes = read(tmp_path)
    assert any("names.json seems to list the class names, but was not used" in note for note in notes)


def test_class_folders_with_an_unrelated_table_stay_class_folders(
    tmp_path: Path, make_classes: Callable[..., Path]
) -> None:
    make_classes(tmp_path)
    for name, text in (
        ("notes.csv", "name,label\nnothing,here\n"),
        ("classes.txt", "cat\ndog\n"),
        ("README.txt", "0.png is a cat\n"),
        ("old.csv", "file,label\ngone_1.png,cat\ngone_2.png,dog\n"),
        ("attributes.csv", "id,a,b,c\n0,1,1,0\n1,0,1,1\n2,1,0,1\n"),
        ("results.xlsx", "PK"),
        ("log.csv", "epoch,phase\n0,a\n1,b\n2,a\n3,b\n"),
        ("customers.csv", "id,segment\n0,a\n1,b\n2,a\n3,b\n"),
    ):
        (tmp_path / name).write_text(text)
        assert recognise(tmp_path) is None, name
        assert refuse_unused(tmp_path) is None, name
    assert read_place(DataOptions(source=str(tmp_path)), ["train"]).classes == ("cat", "dog")


def test_a_description_for_each_picture_is_not_a_list(tmp_path: Path) -> None:
    files = {"labels.csv": plain()} | {f"boxes/{name[:-4]}.txt": "0 0.5 0.5 0.1 0.1\n" for name in LABELS}
    assert read(make_album(tmp_path / "album", files)) == ({"train": LABELS}, ())


def test_class_folders_for_train_and_a_list_for_the_rest_are_one_set(tmp_path: Path) -> None:
    for name, label in LABELS.items():
        draw(tmp_path / "train" / label / "images" / name)
        draw(tmp_path / "test" / "images" / f"t{name}")
    (tmp_path / "train" / "cat" / "cat_boxes.txt").write_text(
        "cat_0.png\t0\t0\t2\t2\ncat_1.png\t0\t0\t2\t2\n"
    )
    valid = {f"v{name}": label for name, label in ROWS[::2]}
    for name in valid:
        draw(tmp_path / "val" / "images" / name)
    rows = (f"{name}\t{label}\t0\t0\t2\t2" for name, label in valid.items())
    (tmp_path / "val" / "val_annotations.txt").write_text(lines(*rows, header=""))
    (tmp_path / "words.txt").write_text("cat\tfelis catus\ndog\tcanis\nowl\tstrix\n")
    found, notes = read(tmp_path)
    assert found == {"train": dict(ROWS), "valid": valid}
    assert (
        "12 pictures are not listed in val_annotations.txt and were not used; the first is test/" in notes[0]
    )
    assert "cat_boxes.txt" in notes[-1]
