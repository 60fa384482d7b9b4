"""A score on pictures that a run learned from never looks clean."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import picturewise
from picturewise.cli.app import run
from picturewise.errors import DataError

pytestmark = pytest.mark.slow  # small, but many


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def trained(picture_folder: Path) -> Path:
    options = ["--layers", "flatten", "--epochs", "1", "--no-folds", "--out", "run", "--json"]
    assert run(["train", str(picture_folder), *options]) == 0
    return Path("run")


def rows() -> list[dict[str, str]]:
    with Path("run/splits.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def copied(folder: Path, learned: int, new: int) -> Path:
    """A folder with some pictures that the run learned from and some of its held out test split."""
    other = Path("other")
    splits = {"learned": [], "test": []}
    for row in rows():
        splits["test" if row["split"] == "test" else "learned"].append(row["name"])
    for name in [*splits["learned"][:learned], *splits["test"][:new]]:
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / name, other / name)
    for name in ("red", "blue"):
        random = np.random.default_rng(len(name)).integers(0, 256, (16, 16, 3), np.uint8)
        (other / name).mkdir(exist_ok=True, parents=True)
        Image.fromarray(random).save(other / name / "quite-new.png")
    return other


def test_the_table_of_a_run_has_every_picture_once(trained: Path, picture_folder: Path) -> None:
    found = rows()
    assert Counter(row["split"] for row in found) == {"train": 44, "valid": 4, "test": 12}
    assert {row["name"] for row in found} == {
        str(path.relative_to(picture_folder)) for path in picture_folder.rglob("*.png")
    }
    dataset = picturewise.read_dataset(picture_folder)
    for split, part in dataset.splits().items():
        assert [row["name"] for row in found if row["split"] == split] == list(part.names or ())
        assert [row["hash"] for row in found if row["split"] == split] == [
            bytes(digest).hex() for digest in np.asarray(part.statistics.digests)
        ]


def test_pictures_without_names_are_named_by_their_place_in_the_source() -> None:
    picturewise.train("digits", layers="flatten", epochs=1, out="run", progress=False)
    found = rows()
    assert sorted(int(row["name"].removeprefix("train:")) for row in found) == list(range(1797))
    whole = picturewise.read_dataset("digits")
    assert whole.test is not None
    assert [row["name"] for row in found if row["split"] == "test"] == [
        f"train:{place}" for place in whole.test.places
    ]


def test_a_test_split_of_the_sources_own_is_not_in_the_table(idx_folder: Path) -> None:
    picturewise.train(idx_folder, layers="flatten", epochs=1, folds=0, out="run", progress=False)
    assert Counter(row["split"] for row in rows()) == {"train": 54, "valid": 6}


def test_pictures_that_were_learned_from_are_counted_and_are_findings(
    trained: Path, picture_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = copied(picture_folder, learned=5, new=4)
    capfd.readouterr()
    sentence = "The run was trained on 5 of these 11 pictures"
    assert run(["evaluate", "run", "--data", str(other)]) == 1
    assert sentence in capfd.readouterr().out
    assert run(["evaluate", "run", "--data", str(other), "--at-least", "0", "--json"]) == 1
    said = capfd.readouterr()
    found = json.loads(said.out)
    assert (found["own"], found["learned_from"], found["pictures"]) == (False, 5, 11)
    assert sentence in found["notes"][0]
    assert sentence in said.err
    assert run(["evaluate", "run/classifier.safetensors", "--data", str(other)]) == 1
    assert sentence in capfd.readouterr().out


def test_new_pictures_are_told_as_such(
    trained: Path, picture_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = copied(picture_folder, learned=0, new=4)
    capfd.readouterr()
    assert run(["evaluate", "run", "--data", str(other), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["learned_from"], found["notes"]) == (0, [])


def test_the_runs_own_test_pictures_are_clean(trained: Path) -> None:
    found = picturewise.evaluate("run", progress=False)
    assert (found.own, found.learned_from, found.notes) == (True, 0, ())
    seen = picturewise.evaluate("run", split="valid", progress=False)
    assert seen.learned_from == seen.pictures == 4


def test_a_source_that_brings_learned_pictures_as_its_own_test_is_noted_in_the_report(
    idx_folder: Path,
) -> None:
    for kind in ("images-idx3", "labels-idx1"):
        train, test = (idx_folder / f"{split}-{kind}-ubyte" for split in ("train", "t10k"))
        content = train.read_bytes()
        head, size = (16, 144) if kind.startswith("images") else (8, 1)
        test.write_bytes(test.read_bytes()[:head] + content[head : head + 20 * size])
    picturewise.train(idx_folder, layers="flatten", epochs=1, folds=0, out="run", progress=False)
    found = picturewise.evaluate("run", progress=False)
    assert found.learned_from == 20
    assert "The run was trained on 20 of these 20 pictures" in Path("run/report.html").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("damage", [None, b"name,hash,split\n"])
def test_without_the_table_nothing_is_claimed(
    trained: Path, picture_folder: Path, damage: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    other = copied(picture_folder, learned=5, new=0)
    Path("run/splits.csv").unlink()
    if damage is not None:
        Path("run/splits.csv").write_bytes(damage)
    found = picturewise.evaluate("run", data=other, progress=False)
    assert found.learned_from is None
    assert "could not be checked" in found.notes[0]
    Path("run/classifier.safetensors").rename("moved.safetensors")
    assert run(["evaluate", "moved.safetensors", "--data", str(other)]) == 0
    assert "could not be checked" in capfd.readouterr().out


def test_grey_pictures_handed_in_in_colour_are_compared_as_the_run_saw_them(idx_folder: Path) -> None:
    picturewise.train(idx_folder, layers="flatten", epochs=1, folds=0, out="run", progress=False)
    whole = picturewise.read_dataset(idx_folder).split("train")
    assert whole.labels is not None
    images = np.repeat(np.asarray(whole.images[:10]), 3, axis=3)  # colours that are all grey
    coloured = picturewise.ImageSet(images, whole.labels[:10], whole.classes, "coloured")
    found = picturewise.evaluate("run", data=picturewise.Dataset("coloured", test=coloured), progress=False)
    assert found.learned_from == 10


def test_pictures_handed_in_larger_are_compared_as_the_run_saw_them(picture_folder: Path) -> None:
    small = {"data.size": [8, 8]}
    picturewise.train(
        picture_folder, layers="flatten", epochs=1, folds=0, out="run", settings=small, progress=False
    )
    large = picturewise.read_dataset(picture_folder).split("train")
    assert large.shape == (16, 16, 3)
    found = picturewise.evaluate("run", data=picturewise.Dataset("large", test=large), progress=False)
    assert found.learned_from == len(large) == 44


def test_a_file_that_cannot_be_read_does_not_make_pictures_others(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = picturewise.train(picture_folder, model="mlp 4", epochs=1, folds=0, progress=False)
    (picture_folder / "red" / "0.png").write_bytes(b"broken")
    for data in (None, picture_folder):
        with pytest.raises(DataError, match=r"1 of 60 files cannot be used as pictures; .*red/0\.png"):
            picturewise.evaluate(found, data=data, progress=False)
