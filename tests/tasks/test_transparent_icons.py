"""White icons on transparency, from train to prediction: one background, kept with the classifier."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from picturewise.errors import DataError
from picturewise.prediction.classifier import load_classifier
from picturewise.recipes.recipe import make_recipe
from picturewise.runs.record import read_record
from picturewise.tasks.evaluate import evaluate
from picturewise.tasks.load import read_dataset
from picturewise.tasks.predict import predict
from picturewise.tasks.train import train


def icon(kind: str, number: int, ink: int = 255) -> Image.Image:
    alpha = np.zeros((10, 10), np.uint8)
    top, left = 1 + number % 3, 1 + number // 3 % 4
    alpha[top : top + (1 if kind == "bar" else 5), left : left + 5] = 255
    return Image.merge("RGBA", [Image.new("L", (10, 10), ink)] * 3 + [Image.fromarray(alpha)])


@pytest.fixture(scope="module")
def icons(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("icons")
    for kind in ("bar", "block"):
        (folder / kind).mkdir()
        for number in range(30):
            icon(kind, number).save(folder / kind / f"{number:02}.png")
    return folder


@pytest.mark.slow
def test_a_classifier_of_white_icons_puts_what_it_predicts_on_black(icons: Path, tmp_path: Path) -> None:
    run = train(
        icons,
        out=tmp_path / "run",
        layers="flatten; dense 16 relu",
        epochs=6,
        progress=False,
    )
    assert load_classifier(run.path / "classifier.safetensors").description.background == "black"
    assert read_record(run.path / "run.json").data.background == "black"
    assert any("so light that white would hide them" in note for note in run.record.data.notes)
    icon("block", 2).save(tmp_path / "block.png")
    icon("bar", 2).save(tmp_path / "bar.png")
    answers, _ = predict(run, [tmp_path / "block.png", tmp_path / "bar.png"])
    assert [answer.label for answer in answers] == ["block", "bar"]
    in_memory, _ = predict(run, [icon("block", 2), icon("bar", 2)])
    assert [answer.probabilities for answer in in_memory] == [answer.probabilities for answer in answers]
    # Other pictures with labels are read for the classifier too, whatever their own train split would ask for.
    other = tmp_path / "other"
    for kind in ("bar", "block"):
        (other / kind).mkdir(parents=True)
        for number in range(6):
            icon(kind, number).save(other / kind / f"{number}.png")
        icon(kind, 1, ink=90).save(other / kind / "dark.png")
    found = evaluate(run.path / "classifier.safetensors", data=other, progress=False)
    assert found.pictures == 14
    assert found.accuracy.value > 0.9


def test_the_option_is_reached_from_python_and_from_a_recipe(icons: Path) -> None:
    assert read_dataset(icons).background == "black"
    with pytest.raises(DataError, match="no class has two different pictures"):  # all are white now
        read_dataset(icons, background="white")
    assert make_recipe({"data": {"source": "x", "background": "black"}}).data.background == "black"
