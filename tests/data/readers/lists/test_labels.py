"""Which column says the class, and what its texts are."""

from __future__ import annotations

from pathlib import Path

import pytest
from list_album import CLASSES, LABELS, ROWS, lines, make_album, plain, read

from picturewise.data.hints import Hints
from picturewise.data.readers.lists.labels import several_labels
from picturewise.data.readers.lists.recognise import recognise
from picturewise.data.recognise import recognise as recognise_any
from picturewise.errors import DataError

GROUPS = [
    "a",
    "b",
    "a",
    "b",
    "b",
    "a",
    "a",
    "b",
    "b",
    "a",
    "b",
    "a",
]  # not the classes, nor constant within one


def table(header: str, *columns: list[object] | str) -> str:
    """Return a list with these columns after the names of the pictures; each text is one line."""
    cells = [[column] * len(ROWS) if isinstance(column, str) else column for column in columns]
    return lines(
        *(f"{name},{','.join(map(str, row))}" for name, *row in zip(LABELS, *cells, strict=True)),
        header=header,
    )


TEXTS = list(LABELS.values())
NUMBERS = [CLASSES.index(label) for label in TEXTS]
TITLES = [f"title {n}" for n in range(12)]


@pytest.mark.parametrize(
    ("header", "columns", "classes"),
    [
        ("filename,label", [TEXTS], CLASSES),
        ("picture_file,diagnosis", [TEXTS], CLASSES),
        ("Bild,Tierart", [TEXTS], CLASSES),
        ("file,source", [TEXTS], CLASSES),
        ("id,colour", [TEXTS], CLASSES),
        ("what,kind", [TEXTS], CLASSES),
        ("filename,label", [[f"{n}.0" for n in NUMBERS]], ("0", "1", "2")),
        ("filename,label", [NUMBERS], ("0", "1", "2")),
        ("filename,label", [[n + 1 for n in NUMBERS]], ("1", "2", "3")),
        ("filename,title,label", [TITLES, TEXTS], CLASSES),
        ("filename,label,age", [TEXTS, [30 + n % 5 for n in range(12)]], CLASSES),
        ("filename,label,class_name", [NUMBERS, TEXTS], CLASSES),
        ("filename,ClassId,ClassName", [NUMBERS, TEXTS], CLASSES),
        ("file,width,height,ClassId", ["4", "4", NUMBERS], ("0", "1", "2")),
        ("filename,label,sex", [TEXTS, GROUPS], CLASSES),
    ],
)
def test_one_column_says_the_class_and_nothing_needs_to_be_said(
    tmp_path: Path, header: str, columns: list[list[object]], classes: tuple[str, ...]
) -> None:
    found, notes = read(make_album(tmp_path / "album", {"labels.csv": table(header, *columns)}))
    assert found == {"train": {name: classes[number] for name, number in zip(LABELS, NUMBERS, strict=True)}}
    assert notes == ()


@pytest.mark.parametrize(
    ("header", "columns", "taken", "named"),
    [
        ("filename,label,label2", [TEXTS, "x"], TEXTS, "'label', not from 'label2'"),
        ("filename,species,breed", [GROUPS, TEXTS], TEXTS, "'breed', not from 'species'"),
        ("filename,target,category", [GROUPS, TEXTS], TEXTS, "'category', not from 'target'"),
        ("filename,group,kind", ["abcdefghijkl", TEXTS], None, None),
        (
            "filename,kind,size",
            [TEXTS, [1.5, 2.5, 3.5] * 4],
            TEXTS,
            "were taken from the column 'kind'. To use another column",
        ),
    ],
)
def test_the_usual_name_decides_between_two_and_the_other_is_named(
    tmp_path: Path, header: str, columns: list[list[object]], taken: list[str] | None, named: str | None
) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": table(header, *columns)})
    found, notes = read(root)
    assert list(found["train"].values()) == (taken or TEXTS)
    if named is None:
        assert notes == ()
    else:
        assert len(notes) == 1
        assert named in notes[0]
        assert "--label-column" in notes[0]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("filename,colour,kind", [GROUPS, TEXTS]),
        ("filename,coarse_label,sub_label", [GROUPS, TEXTS]),
        ("filename,colour,sub_label,top_label", [GROUPS, GROUPS, TEXTS]),
    ],
)
def test_where_nothing_decides_the_column_must_be_named(
    tmp_path: Path, header: str, columns: list[list[object]]
) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": table(header, *columns)})
    last = header.rpartition(",")[2]
    with pytest.raises(
        DataError, match=rf"several columns could be the labels: .*'{last}'.*\. Choose one with --label"
    ):
        recognise(root / "labels.csv")
    assert read(root, label_column=last) == ({"train": LABELS}, ())
    assert read(root / "labels.csv", label_column=last.upper()) == ({"train": LABELS}, ())


def test_a_column_that_is_named_must_be_there(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain()})
    with pytest.raises(
        DataError,
        match=r"does not have a column 'lable' .--label-column.\. Its columns are filename, label\. ",
    ):
        recognise(root / "labels.csv", Hints(label_column="lable"))
    (root / "labels.csv").write_text(plain(header=""))
    with pytest.raises(
        DataError,
        match=r"a column 'kind' .--label-column.\. Its columns are 1, 2 \(the table has no header\)",
    ):
        recognise(root / "labels.csv", Hints(label_column="kind"))
    assert read(root, label_column="2") == ({"train": LABELS}, ())


FLAGS = {name: [int(label == name) for label in TEXTS] for name in CLASSES}


@pytest.mark.parametrize("change", [str, lambda flag: f"{flag}.0", lambda flag: str(bool(flag))])
def test_a_column_for_each_class_says_the_class(tmp_path: Path, change: object) -> None:
    columns = [[change(flag) for flag in FLAGS[name]] for name in CLASSES]  # type: ignore[operator]
    root = make_album(tmp_path / "album", {"labels.csv": table("image_id,cat,dog,owl", *columns)})
    found, notes = read(root)
    assert found == {"train": LABELS}
    assert notes == (
        f"{root}/labels.csv: the classes are the columns cat, dog, owl; each line has a 1 in one of them.",
    )
    assert set(read(root, label_column="dog")[0]["train"].values()) >= {change(0), change(1)} - {"0.0", "1.0"}  # type: ignore[operator]


def test_several_ones_in_a_line_are_several_classes(tmp_path: Path) -> None:
    both = [1, *FLAGS["dog"][1:]]
    root = make_album(
        tmp_path / "album", {"labels.csv": table("id,cat,dog,owl", FLAGS["cat"], both, FLAGS["owl"])}
    )
    for path in (root, root / "labels.csv"):
        with pytest.raises(
            DataError, match=r"several classes to some pictures, such as 'cat' and 'dog', .*--label-column"
        ):
            recognise_any(path)


def test_lines_without_a_one_have_no_label(tmp_path: Path) -> None:
    none = [0, *FLAGS["cat"][1:]]
    root = make_album(
        tmp_path / "album", {"labels.csv": table("id,cat,dog,owl", none, FLAGS["dog"], FLAGS["owl"])}
    )
    with pytest.raises(
        DataError, match=r"1 of 12 lines does not have a label; the first is line 2 \(images/cat_0\.png\)"
    ):
        read(root)


def joined(separator: str) -> list[str]:
    return [label + (f"{separator}blue" if number % 2 else "") for number, label in enumerate(TEXTS)]


@pytest.mark.parametrize(
    ("header", "separator"),
    [("filename,labels", " "), ("filename,tags", " "), ("filename,label", "|"), ("filename,x", ";")],
)
def test_several_labels_in_one_text_are_refused(tmp_path: Path, header: str, separator: str) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": table(header, joined(separator))})
    with pytest.raises(
        DataError,
        match=rf"contains several labels for one picture, such as 'cat{'[|]' if separator == '|' else separator}blue'",
    ):
        recognise(root / "labels.csv")
    found, _ = read(root, label_column=header.rpartition(",")[2])
    assert found["train"]["cat_1.png"] == f"cat{separator}blue"


def test_a_label_of_several_words_may_be_one(tmp_path: Path) -> None:
    found, notes = read(make_album(tmp_path / "album", {"labels.csv": table("filename,label", joined(" "))}))
    assert len(set(found["train"].values())) == 6
    assert len(notes) == 1
    assert "each string in the column 'label', such as 'cat blue', was used as one class" in notes[0]


@pytest.mark.parametrize(
    "values",
    [
        ["sea lion", "sea horse", "lion"], ["black bear", "polar bear", "brown bear"], ["New York", "York", "New D"],
        ["red apple", "green apple", "red pear", "green pear"], ["cat", "dog"], ["a, b", "c, d"], [],
    ],
)  # fmt: skip
def test_names_that_share_words_are_classes(values: list[str]) -> None:
    assert several_labels(values) is None


def test_a_class_that_may_mean_none_is_named(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain().replace(",owl", ",unknown")})
    found, notes = read(root)
    assert len(set(found["train"].values())) == 3
    assert len(notes) == 1
    assert "'unknown' was used as a class (4 pictures)" in notes[0]


@pytest.mark.parametrize("missing", ["", "nan", "NaN", "NA", "null", "unlabeled"])
def test_lines_without_a_label_are_refused_or_left_out(tmp_path: Path, missing: str) -> None:
    text = (
        plain()
        .replace("cat_3.png,cat", f"cat_3.png,{missing}")
        .replace("owl_0.png,owl", f"owl_0.png,{missing}")
    )
    root = make_album(tmp_path / "album", {"labels.csv": text})
    with pytest.raises(
        DataError,
        match=r"2 of 12 lines do not have a label; the first is line 5 \(images/cat_3\.png\).*--skip-bad",
    ):
        read(root)
    found, _ = read(root, skip_bad=True)
    assert found == {"train": {name: label for name, label in ROWS if name not in {"cat_3.png", "owl_0.png"}}}


def test_minus_one_beside_numbers_from_zero_means_no_label(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": table("id,label", [-1, *NUMBERS[1:]])})
    with pytest.raises(DataError, match=r"1 of 12 lines does not have a label; the first is line 2"):
        read(root)
    (root / "labels.csv").write_text(table("id,label", [-1 if number else 1 for number in NUMBERS]))
    assert set(read(root)[0]["train"].values()) == {"-1", "1"}


def test_measurements_are_not_classes(tmp_path: Path) -> None:
    ages = [20.5 + number % 11 for number in range(12)]
    root = make_album(tmp_path / "album", {"labels.csv": table("id,label", ages)})
    with pytest.raises(
        DataError,
        match=r"the column 'label' contains measurements such as 20\.5, not classes\. .*--label-column",
    ):
        recognise(root / "labels.csv")
    assert len(set(read(root, label_column="label")[0]["train"].values())) == 11


def test_boxes_and_groups_are_remarked_upon(tmp_path: Path) -> None:
    corners = [[n, n + 1, n, n + 1] for n in range(12)]
    columns = [TEXTS, *map(list, zip(*corners, strict=True))]
    root = make_album(tmp_path / "album", {"labels.csv": table("filename,label,x1,y1,x2,y2", *columns)})
    _, notes = read(root)
    assert len(notes) == 1
    assert (
        "the boxes in the columns 'x1', 'y1', 'x2', 'y2' were not used; the pictures were read whole"
        in notes[0]
    )
    patients = [f"p{n // 3}" for n in range(12)]
    (root / "labels.csv").write_text(table("filename,label,patient_id", TEXTS, patients))
    _, notes = read(root)
    assert len(notes) == 1
    assert "pictures with the same 'patient_id' may be in both train and test" in notes[0]
    assert "--group-by" in notes[0]


def test_what_a_list_says_twice_is_used_once_and_what_it_says_differently_refused(tmp_path: Path) -> None:
    root = make_album(tmp_path / "album", {"labels.csv": plain() + "images/cat_0.png,cat\ncat_1,cat\n"})
    found, notes = read(root)
    assert found == {"train": LABELS}
    assert notes == (
        f"{root}/labels.csv lists 2 pictures more than once with the same class; duplicates were ignored.",
    )
    (root / "labels.csv").write_text(plain() + "cat_0.png,dog\n")
    with pytest.raises(
        DataError,
        match=r"the first is images/cat_0\.png: line 2 has 'cat', but line 14 has 'dog'\. .*--skip-bad",
    ):
        read(root)
    found, _ = read(root, skip_bad=True)
    assert found == {"train": {name: label for name, label in ROWS if name != "cat_0.png"}}
