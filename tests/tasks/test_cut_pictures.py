"""Classifiers that were trained on what was cut out of pictures, and the note where others are whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from drawn_numbers import NUMBERS, roughen, write_format_1

import picturewise
from picturewise.data.pictures.cut import Cut, Spacing
from picturewise.errors import DataError
from picturewise.prediction.classifier import Classifier

SAID = "The classifier was trained on single symbols that were cut out of pictures as squares"
MORE = ("90", "81", "72", "63", "54", "45", "36", "27", "18", "09", "101", "5")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("numbers")
    return roughen(write_format_1(folder / "svhn", {"train": (*NUMBERS, *MORE), "test": ("10", "2", "345")}))


@pytest.fixture(scope="module")
def digits(root: Path, tmp_path_factory: pytest.TempPathFactory) -> picturewise.Run:
    return picturewise.train(
        root, target="class", layers=["flatten"], epochs=1, size=(16, 16), augmentation=[],
        out=tmp_path_factory.mktemp("run") / "digits", progress=False,
    )  # fmt: skip


def test_a_classifier_knows_what_it_was_trained_on(digits: picturewise.Run) -> None:
    cut = Cut("symbol", Spacing(16 / 20, (10 / 20, 0.05), (12 / 20, 0.05)))
    assert digits.record.data.cut == digits.classifier().description.cut == cut
    assert digits.record.data.name == "svhn-digits"
    assert digits.classifier().classes == tuple("0123456789")


def test_whole_pictures_are_noted(digits: picturewise.Run, root: Path) -> None:
    found = picturewise.predict(digits, sorted((root / "test").glob("*.png")))
    assert len(found.predictions) == 3
    assert sum(SAID in note for note in found.notes) == 1
    old = Classifier(digits.classifier().arrays, replace(digits.classifier().description, cut=None))
    assert not any(SAID in note for note in picturewise.predict(old, root / "test" / "1.png").notes)


def test_digits_are_cut_out_where_there_are_boxes(
    digits: picturewise.Run, root: Path, tmp_path: Path
) -> None:
    found = picturewise.predict(digits, root)
    assert [one.name for one in found.predictions] == [
        *("test/1.png#1", "test/1.png#2", "test/2.png#1", "test/3.png#1", "test/3.png#2", "test/3.png#3"),
    ]
    assert not any(SAID in note for note in found.notes)
    other = write_format_1(tmp_path / "other", {"test": ("98", "7")})
    evaluation = picturewise.evaluate(digits, data=other, progress=False)
    assert evaluation.pictures == 3
    assert not any(SAID in note for note in evaluation.notes)
    with pytest.raises(DataError, match=r"test/1.png#1 is not a file of its own, so it cannot be sorted"):
        picturewise.predict(digits, root, sort_into=tmp_path / "sorted")


def test_evaluation_on_whole_pictures_is_noted(digits: picturewise.Run, tmp_path: Path) -> None:
    for name in ("1", "2"):
        write_format_1(tmp_path / name, {"train": (name, name)})
        (tmp_path / "pictures").mkdir(exist_ok=True)
        (tmp_path / name / "train" / "digitStruct.mat").unlink()
        (tmp_path / name / "train").rename(tmp_path / "pictures" / name)
    evaluation = picturewise.evaluate(digits, data=tmp_path / "pictures", progress=False)
    assert evaluation.pictures == 4
    assert sum(SAID in note for note in evaluation.notes) == 1
