"""Lists in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from list_album import CLASSES, LABELS, ROWS, make_album, read

from picturewise.data.readers.lists.recognise import recognise
from picturewise.errors import DataError

RECORDS = [{"file_name": name, "label": label} for name, label in ROWS]
IN_LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("images/metadata.jsonl", IN_LINES),
        ("images/metadata.csv", "file_name,label\n" + "".join(f"{a},{b}\n" for a, b in ROWS)),
        ("metadata.jsonl", "\n" + IN_LINES.replace("\n", "\r\n")),
        ("labels.json", IN_LINES),
        ("labels.json", json.dumps(RECORDS)),
        ("labels.json", "\ufeff" + json.dumps(RECORDS, indent=2)),
        ("labels.json", json.dumps(LABELS)),
        ("labels.json", json.dumps({name: {"label": label, "width": 4} for name, label in ROWS})),
        ("labels.json", json.dumps({name[:-4]: label for name, label in ROWS})),
        ("labels.json", json.dumps({one: [name for name, label in ROWS if label == one] for one in CLASSES})),
        ("labels.json", json.dumps([[name, label] for name, label in ROWS])),
        ("labels.json", json.dumps([{**record, "caption": {"en": "?"}, "tags": []} for record in RECORDS])),
    ],
)
def test_each_form_of_json_gives_the_same(tmp_path: Path, file: str, text: str) -> None:
    root = make_album(tmp_path / "album", {file: text})
    for path in (root, root / file):
        assert read(path) == ({"train": LABELS}, ())


def test_numbers_are_labels_too(tmp_path: Path) -> None:
    numbers = {name: CLASSES.index(label) for name, label in ROWS}
    found, notes = read(make_album(tmp_path / "album", {"labels.json": json.dumps(numbers)}))
    assert found == {"train": {name: str(number) for name, number in numbers.items()}}
    assert notes == ()


def test_records_of_each_split(tmp_path: Path) -> None:
    parts = {"train": RECORDS[::2], "test": RECORDS[1::2]}
    root = make_album(tmp_path / "album", {"splits.json": json.dumps(parts)})
    expected = {split: {r["file_name"]: r["label"] for r in records} for split, records in parts.items()}
    assert read(root) == (expected, ())


def test_a_split_folder_may_hold_its_own_list(tmp_path: Path) -> None:
    for split, rows in (("train", ROWS[::2]), ("test", ROWS[1::2])):
        text = "".join(json.dumps({"file_name": name, "label": label}) + "\n" for name, label in rows)
        make_album(tmp_path / "album", {f"{split}/metadata.jsonl": text}, split)
        for name, _ in (ROWS[1::2], ROWS[::2])[split == "test"]:
            (tmp_path / "album" / split / name).unlink()
    assert read(tmp_path / "album") == ({"train": dict(ROWS[::2]), "test": dict(ROWS[1::2])}, ())


@pytest.mark.parametrize(
    "document",
    [
        {"images": [{"id": 1, "file_name": "cat_0.png"}], "annotations": [{"image_id": 1}], "categories": []},
        {"images": []},
    ],
)
def test_descriptions_of_objects_are_refused(tmp_path: Path, document: object) -> None:
    root = make_album(tmp_path / "album", {"labels.json": json.dumps(document)})
    with pytest.raises(DataError, match=r"labels\.json describes objects in pictures \(COCO\)"):
        recognise(root / "labels.json")


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "{}", "[1, 2]", "null", "3", '"text"', "[" * 50_000, '{"a": ' * 50_000, '{"a": 1}\n[]\n',
        '{"n": ' + "9" * 5000 + "}", '{"a": [1], "b": 2}', '{"cat": [[1]]}', "[[1, 2], [3]]", '[{"a": null}]',
        '{"version": "1.0", "name": "cats"}', "\x00", "{'single': 'quotes'}",
    ],
)  # fmt: skip
def test_other_json_is_not_recognised(tmp_path: Path, text: str) -> None:
    root = make_album(tmp_path / "album", {"labels.json": text, "labels.jsonl": text})
    assert recognise(root) is None
    for name in ("labels.json", "labels.jsonl"):
        assert recognise(root / name) is None


def test_a_line_that_is_not_a_record_is_named(tmp_path: Path) -> None:
    lines = IN_LINES.splitlines(keepends=True)
    root = make_album(tmp_path / "album", {"metadata.jsonl": "".join([*lines[:7], "[1, 2]\n", *lines[7:]])})
    with pytest.raises(DataError, match=r"metadata\.jsonl, line 8 is not a record\. Expected, for example"):
        read(root)
