"""What comes out of lists: pictures, classes, what is left out; alike in every task."""

from __future__ import annotations

from pathlib import Path

import pytest
from list_album import CLASSES, LABELS, ROWS, draw, lines, make_album, plain, read, recognised

import picturewise
from picturewise.data.hints import Hints
from picturewise.data.options import DataOptions
from picturewise.data.readers.lists.recognise import recognise
from picturewise.data.recognise import recognise as recognise_any
from picturewise.errors import DataError, UsageError


def ids(rows: list[tuple[str, str]]) -> str:
    return lines(*(f"{name[:-4]},{label}" for name, label in rows), header="id,label")


CLEAN = {
    "Kaggle": ("train", {"train.csv": ids(ROWS)}),
    "breeds": ("train", {"labels.csv": ids(ROWS).replace("label", "breed", 1)}),
    "file names": ("images", {"train.csv": plain()}),
    "beside": (".", {"train_labels.csv": plain(header="Image,Category")}),
    "other folder": ("some folder", {"my list.csv": plain(header='"file_name","label"')}),
    "semicolons": ("images", {"labels.csv": plain().replace(",", ";")}),
    "tabs": ("images", {"labels.tsv": plain().replace(",", "\t")}),
    "no header": ("images", {"labels.csv": plain(header="")}),
    "ImageNet's": ("train", {"train.txt": plain(lambda a, b: f"{a} {CLASSES.index(b)}", "")}),
    "imagefolder": ("images", {"images/metadata.csv": plain(header="file_name,label")}),
    "Roboflow": ("train", {"train/_classes.csv": plain(header="filename, class")}),
    "relative": ("images", {"labels.csv": plain(lambda a, b: f"./images/{a},{b}")}),
    "index": ("images", {"labels.csv": plain(lambda a, b: f"{list(LABELS).index(a)},{a},{b}", ",file,label")}),
    "sizes": ("images", {"labels.csv": plain(lambda a, b: f"{a},4,4,{b}", "filename,width,height,class")}),
    "captions": ("images", {"labels.csv": plain(lambda a, b: f"{a},a {a},{b}", "file,caption,label")}),
    "numbers and names": (
        "images",
        {"labels.csv": plain(lambda a, b: f"{a},{CLASSES.index(b)},{b}", "file,label,label_name")},
    ),
    "two lists": ("images", {"train.csv": ids(ROWS[::2]), "test.csv": ids(ROWS[1::2])}),
    "three lists": ("images", {"train.csv": ids(ROWS[::3]), "val.csv": ids(ROWS[1::3]), "test.csv": ids(ROWS[2::3])}),
    "split column": (
        "images",
        {"labels.csv": lines(*(f"{a},{b},{('train', 'test')[n % 2]}" for n, (a, b) in enumerate(ROWS)),
                             header="filename,label,split")},
    ),
    "other folder for the list": ("images", {"annotations/labels.csv": plain()}),
    "two parts": ("images/a", {"labels.csv": plain()}),
    "submission": ("images", {"train.csv": plain(), "sample_submission.csv": plain(lambda a, b: f"{a},cat")}),
    "papers": ("images", {"labels.csv": plain(), "README.md": "0", "LICENSE.txt": "all\n", "names.txt": "cat\n"}),
    "hidden": ("images", {"labels.csv": plain(), ".old.csv": plain(), "images/.ds/x.csv": plain()}),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_list_gives_all_its_pictures_and_no_note(tmp_path: Path, name: str) -> None:
    folder, files = CLEAN[name]
    found, notes = read(make_album(tmp_path / "album", files, folder))
    numbers = {label: str(CLASSES.index(label)) for label in CLASSES}
    together = {picture: label for part in found.values() for picture, label in part.items()}
    assert together in (LABELS, {picture: numbers[label] for picture, label in ROWS})
    assert notes == ()


def test_pictures_are_the_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain(header="")})
    (root / "labels.csv").write_text(
        "".join(sorted(plain(header="").splitlines(keepends=True), reverse=True))
    )
    pictures = recognised(root).read({"train"}, DataOptions(source="")).parts["train"].pictures
    assert pictures.names == [f"images/{name}" for name in LABELS]
    assert pictures.classes == CLASSES
    assert pictures.origin == f"{root}/labels.csv"
    for name, image in zip(pictures.names, pictures.images, strict=True):
        from picturewise.data.pictures.decode import read_picture

        assert (image == read_picture(root / name, None, 1)).all()


def test_lists_of_several_splits_keep_the_classes_of_train(tmp_path: Path) -> None:
    files = {"train.csv": ids(ROWS[1:]), "test.csv": "id,label\ncat_0,dog\n"}
    root = make_album(tmp_path / "album", files)
    assert read(root)[0]["test"] == {"cat_0.png": "dog"}
    (root / "test.csv").write_text("id,label\ncat_0,dogs\n")
    reader = recognised(root)
    assert reader.read({"train"}, DataOptions(source="")).parts["train"]
    with pytest.raises(DataError, match=r"class 'dogs', but train\.csv does not.* Did you mean 'dog'"):
        reader.read({"test"}, DataOptions(source=""))


def test_missing_pictures_are_counted_among_all_lines_and_the_first_is_named(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()})
    draw(root / "extra/x.png")
    for name in ("cat_0.png", "cat_1.png", "owl_3.png"):
        (root / "images" / name).unlink()
    for path in (root, root / "labels.csv"):
        with pytest.raises(
            DataError,
            match=rf"labels\.csv: 3 of 12 lines list a picture that is not in {root}; the first is 'cat_0\.png' in "
            r"line 2\. Correct the list, or leave these lines out with --skip-bad\.",
        ):
            read(path)
    reading = recognised(root).read({"train"}, DataOptions(source="", skip_bad=True))
    assert len(reading.parts["train"].pictures) == 9
    assert [(file.path, file.reason) for file in reading.skipped] == [
        ("cat_0.png", "it is listed in line 2, but was not found"),
        ("cat_1.png", "it is listed in line 3, but was not found"),
        ("owl_3.png", "it is listed in line 13, but was not found"),
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("cat_0.png,cat,dog", "line 14: found 3 columns, but the first line has 2"),
        ("cat_0.png", "line 14: found 1 column, but the first line has 2"),
        (",cat", r"1 of 13 lines lists a picture .* '' in line 14"),
        ("cat_0.png," + "c" * 300, "at most 200"),
        ("../../secret,cat", r"'\.\./\.\./secret' in line 14"),
        ("/etc/passwd,cat", "'/etc/passwd' in line 14"),
        ('"x,cat', "line 14: found 1 column,|unexpected end"),
        ("x" * 200_000 + ",cat", "field larger than field limit"),
        ("\x1b[31m,cat", r"'\\x1b\[31m' in line 14"),
        ("train\0.png,cat", r"in line 14|line contains NUL"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain() + line})
    with pytest.raises(DataError, match=sentence) as caught:
        read(root)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_a_single_class_is_refused(tmp_path: Path) -> None:
    root = make_album(
        tmp_path / "album", {"labels.csv": lines("cat_0.png,cat", "cat_1.png,cat", "cat_2.png,cat")}
    )
    with pytest.raises(DataError, match=r"contains 1 different label. Expected 2"):
        read(root)


def test_hints_are_obeyed_and_kept(tmp_path: Path) -> None:
    parts = [("train,test", "test,train")[number % 2] for number in range(len(ROWS))]
    rows = (f"{a},{a},{b},{b[::-1]},{part}" for (a, b), part in zip(ROWS, parts, strict=True))
    text = lines(*rows, header="one,two,label,back,split,turned")
    root = make_album(tmp_path / "album", {"labels.csv": text})
    hints = {"file_column": "two", "label_column": "back", "split_column": "turned"}
    found, _ = read(root, **hints)
    assert found["test"] == {name: label[::-1] for name, label in ROWS[::2]}
    assert recognise_any(root, hints=Hints(**hints)).hints == Hints(**hints)
    dataset = picturewise.read_dataset(root, **hints)
    assert dataset.classes == ("god", "lwo", "tac")
    assert dataset.test is not None
    assert sorted(map(str, dataset.test.names or ())) == [f"images/{name}" for name, _ in ROWS[::2]]
    with pytest.raises(UsageError, match=r"--layout does not apply"):
        recognise_any(root, hints=Hints(layout="planar"))


def test_a_column_that_no_list_has_is_refused(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()})
    for hint in ("label_column", "file_column", "split_column"):
        option = "--" + hint.replace("_", "-")
        for path in (root, root / "labels.csv"):
            with pytest.raises(
                DataError,
                match=rf"does not have a column 'kind' .{option}.\. Its columns are filename, label",
            ):
                recognise_any(path, hints=Hints(**{hint: "kind"}))


def test_two_columns_of_pictures_are_refused_unless_one_is_named(tmp_path: Path) -> None:
    text = lines(
        *(f"{a},{c},{b}" for (a, b), (c, _) in zip(ROWS, ROWS[::-1], strict=True)), header="left,right,label"
    )
    root = make_album(tmp_path / "album", {"labels.csv": text})
    with pytest.raises(
        DataError,
        match=r"has two columns with file names of pictures, 'left' and 'right'\. Choose one with --file-column",
    ):
        recognise(root / "labels.csv")
    assert read(root, file_column="left") == ({"train": LABELS}, ())
    (root / "labels.csv").write_text(text.replace("left,right", "image,right"))
    found, notes = read(root)
    assert found == {"train": LABELS}
    assert len(notes) == 1
    assert (
        "the pictures were taken from the column 'image'. To use the column 'right', pass --file-column"
        in notes[0]
    )


def test_the_number_of_a_line_is_not_the_name_of_a_picture(tmp_path: Path) -> None:
    """Though pictures are called by numbers too."""
    turned = {f"{number}": label for number, label in zip(reversed(range(12)), LABELS.values(), strict=True)}
    for number, name in enumerate(LABELS):
        draw(tmp_path / "images" / name).rename(tmp_path / f"images/{number}.png")
    for header in (",number,label", ",id,label", "row,image,label"):
        rows = (f"{line},{number},{label}" for line, (number, label) in enumerate(turned.items()))
        (tmp_path / "labels.csv").write_text(lines(*rows, header=header))
        assert read(tmp_path) == ({"train": {f"{n}.png": label for n, label in turned.items()}}, ())
    (tmp_path / "labels.csv").write_text(
        (tmp_path / "labels.csv").read_text().replace("row,image", "one,other")
    )
    with pytest.raises(
        DataError,
        match=r"has two columns with file names of pictures, 'one' and 'other'\. Choose one with --file-column",
    ):
        recognise_any(tmp_path)


def test_a_change_beside_the_pictures_is_noticed(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()})
    assert len(picturewise.read_dataset(root / "labels.csv").notes) == 2  # of what is held out
    assert len(picturewise.read_dataset(root).notes) == 2
    draw(root / "later/x.png")
    assert len(picturewise.read_dataset(root).notes) == 3
    (root / "labels.csv").write_text(plain().replace("cat", "pig").replace("pig_", "cat_"))
    assert picturewise.read_dataset(root).classes == ("dog", "owl", "pig")
    assert picturewise.read_dataset(root / "labels.csv").classes == ("dog", "owl", "pig")


@pytest.mark.slow
def test_every_task_reads_a_list_alike(tmp_path: Path) -> None:
    text = lines(*(f"{a},{b},x,{('train', 'test')[n % 4 == 3]}" for n, (a, b) in enumerate(ROWS)),
                 header="filename,kind,note,part")  # fmt: skip
    root = make_album(tmp_path / "album", {"labels.csv": text})
    settings = {"data.label_column": "kind", "data.split_column": "part"}
    run = picturewise.train(
        root, settings=settings, model="mlp 4", epochs=1, out=tmp_path / "run", progress=False
    )
    tested = sorted(name for n, (name, _) in enumerate(ROWS) if n % 4 == 3)
    assert picturewise.evaluate(run).pictures == len(tested)
    predictions, _ = picturewise.predict(run, root, hints=Hints(label_column="kind", split_column="part"))
    assert sorted(Path(prediction.name).name for prediction in predictions) == tested
    (root / "test.csv").write_text("filename\n" + "".join(f"{name}\n" for name in tested))
    predictions, _ = picturewise.predict(run, root / "test.csv")
    assert sorted(Path(prediction.name).name for prediction in predictions) == tested
