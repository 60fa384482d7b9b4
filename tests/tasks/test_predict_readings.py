"""`predict` with a classifier that reads sequences: tables, JSON, what is left to people, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from reading_classifiers import pictures, reader

import picturewise
from picturewise.cli.app import run
from picturewise.errors import UsageError
from picturewise.prediction.predict import Prediction


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier's file and a folder with 12 pictures and a file that is none."""
    folder = tmp_path_factory.mktemp("scene")
    reader().save(folder / "it.safetensors")
    (folder / "pictures").mkdir()
    for number, image in enumerate(pictures(12)):
        Image.fromarray(image[..., 0]).save(folder / "pictures" / f"{number:02d}.png")
    (folder / "pictures" / "99.png").write_text("not a picture")
    return folder


def predicted(scene: Path, **options: Any) -> list[Prediction]:
    found = picturewise.predict(scene / "it.safetensors", scene / "pictures", skip_bad=True, **options)
    return found.predictions


def test_the_table_has_whole_readings_with_their_zeros(scene: Path, tmp_path: Path) -> None:
    readings = predicted(scene, csv=tmp_path / "a.csv", top=3)
    with (tmp_path / "a.csv").open(newline="") as file:
        *rows, bad = csv.DictReader(file)
    assert [*rows[0]] == [
        "path", "label", "probability", "label_2", "probability_2", "label_3", "probability_3", "error",
    ]  # fmt: skip
    assert any(row["label"].startswith("0") for row in rows)
    for row, one in zip(rows, readings, strict=True):
        (label, chance), *others = [*one.probabilities.items()][:3]
        assert (row["label"], float(row["probability"])) == (label, pytest.approx(chance, rel=1e-6))
        assert [row["label_2"], row["label_3"]] == [label for label, _ in others]
    assert (bad["label"], bad["label_3"]) == ("", "")
    assert bad["error"]


def test_left_to_people_are_those_below_the_stored_threshold(
    scene: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    least = reader().description.thresholds["0.99"]  # type: ignore[index]
    readings = predicted(scene)
    left = [one.probability < least for one in readings]
    assert 0 < sum(left) < len(left)
    place, table = str(scene / "it.safetensors"), tmp_path / "a.csv"
    given = [place, str(scene / "pictures"), "--abstain", "0.99"]
    assert run(["predict", *given, "--csv", str(table), "--top", "2"]) == 1  # one file is left out
    said = capsys.readouterr().out
    assert f"{sum(left)} of 12 left to people (confidence below 0.5)" in said
    with table.open(newline="") as file:
        rows = [*csv.DictReader(file)][:12]
    for row, one, unsure in zip(rows, readings, left, strict=True):
        assert row["label"] == ("" if unsure else one.label)
        assert (row["label_2"] == "") == unsure
        assert float(row["probability"]) == pytest.approx(one.probability, rel=1e-6)
    run(["predict", *given, "--jsonl"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()][:12]
    assert [one["abstained"] for one in told] == left
    assert [one["label"] == "" for one in told] == left
    run(["predict", *given])
    assert capsys.readouterr().out.count(": left to people (") == sum(left)


def test_the_command_shows_the_symbols_or_the_readings(
    scene: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = predicted(scene)[0]
    given = ["predict", str(scene / "it.safetensors"), str(scene / "pictures" / "00.png")]
    assert run(given) == 0
    first, length, *places = capsys.readouterr().out.splitlines()
    assert f"00.png: {one.label} (" in first
    assert length.split()[:2] == ["length:", str(len(one.label))]
    assert [line.split()[2] for line in places] == [*one.label]
    assert run([*given, "--top", "2"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == [*one.probabilities][:2]
    assert run([*given, "--json", "--min-confidence", "0.99"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["classifier"]["alphabet"] == [*"1234056789"]
    (row,) = told["predictions"]
    assert (row["label"], row["unsure"]) == (one.label, True)
    assert row["parts"][0]["part"] == f"length: {len(one.label)}"
    assert row["probabilities"] == pytest.approx(one.probabilities)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"probabilities": True, "csv": "a.csv"}, "--probabilities has a column for each class, but this classifier"),
        ({"kaggle": "a.csv"}, "--kaggle has the class of each picture, but this classifier reads sequences"),
        ({"sort_into": "sorted"}, "--sort-into makes a folder for each class, but this classifier reads sequences"),
        ({"top": 101}, "--top is 101, but at most 100 readings"),
        ({"abstain": 0.97}, "threshold for an accuracy of 0.97. Choose from 0.98, 0.99,"),
        ({"abstain": 98}, "--abstain is 98. Expected an accuracy between 0 and 1"),
        ({"abstain": 0.98, "min_confidence": 0.5}, "Pass only one of them"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(
    scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as found:
        predicted(scene, **options)
    assert sentence in str(found.value)
    assert [*tmp_path.iterdir()] == []


def test_a_classifier_that_never_was_so_accurate_has_no_threshold(scene: Path) -> None:
    with pytest.raises(UsageError, match="no readings of its validation pictures were that accurate"):
        picturewise.predict(reader(thresholds={}), scene / "pictures", abstain=0.98)


def test_a_classifier_of_classes_cannot_abstain(scene: Path) -> None:
    import pages

    with pytest.raises(UsageError, match=r"this one names classes\. Use --min-confidence"):
        picturewise.predict(pages.classifier(), scene / "pictures", abstain=0.98)
