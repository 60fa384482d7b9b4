"""Arrays and PyTorch data sets go the whole way, as a user hands them in."""

from __future__ import annotations

import csv
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Subset, TensorDataset

import picturewise
from picturewise.errors import DataError, Interrupted, UsageError

pytestmark = pytest.mark.slow  # small, but many


OPTIONS: dict[str, Any] = {"model": "mlp 8", "epochs": 8, "progress": False}


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def stripes(count: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (N, 8, 8), bright on the left or on the right."""
    random, labels = np.random.default_rng(seed), np.arange(count) % 2
    images = random.integers(0, 100, (count, 8, 8), np.uint8)
    images[labels == 0, :, :4] += 120
    images[labels == 1, :, 4:] += 120
    return images, labels


def tensors() -> TensorDataset:
    images, labels = stripes()
    return TensorDataset(torch.from_numpy(images)[:, None] / 255, torch.from_numpy(labels))


class Photographs:
    """What torchvision's data sets look like."""

    classes = ("left", "right")

    def __len__(self) -> int:
        return 120

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        images, labels = stripes()
        return Image.fromarray(images[index]), int(labels[index])


@pytest.mark.parametrize("data", [stripes(), tensors(), Photographs(), Subset(tensors(), range(120))])
def test_pictures_handed_in_are_learned_and_evaluated(data: Any) -> None:
    run = picturewise.train(data, **OPTIONS)
    assert run.name == "pictures-mlp-8-1"
    assert run.recipe.data.source is None
    assert "source" not in (run.path / "recipe.toml").read_text()
    assert "24 of 120 training pictures were held out, class by class" in run.record.data.notes[0]
    evaluation = picturewise.evaluate(run, data=data)
    assert (evaluation.own, evaluation.pictures, evaluation.learned_from) == (True, 24, 0)
    assert evaluation.accuracy.value == 1
    assert run.evaluation() == evaluation
    with (run.path / "splits.csv").open(newline="") as file:
        assert Counter(row["split"] for row in csv.DictReader(file)) == {"train": 96, "test": 24}


def test_all_forms_of_the_same_pictures_give_the_same_weights() -> None:
    runs = [
        picturewise.train(data, **OPTIONS)
        for data in (stripes(), tensors(), (stripes()[0] / 255, stripes()[1]))
    ]
    assert len({run.record.final_weights_sha256 for run in runs}) == 1
    assert picturewise.compare(runs, data=stripes(), progress=False).pictures == 24


def test_splits_may_be_handed_in_by_name() -> None:
    data = {"train": stripes(), "test": stripes(30, seed=1)}
    run = picturewise.train(data, **OPTIONS)
    assert picturewise.evaluate(run, data=data).pictures == 30
    found = picturewise.inspect(data, out="looks", progress=False)
    assert {name: split.pictures for name, split in found.splits.items()} == {
        "train": 108,
        "valid": 12,
        "test": 30,
    }
    assert Path("looks/samples.png").exists()


def test_the_options_of_the_run_hold_out_the_splits() -> None:
    settings = {"data.test_fraction": 0.5, "data.split_seed": 3}
    run = picturewise.train(stripes(), settings=settings, **OPTIONS)
    assert picturewise.evaluate(run, data=stripes()).pictures == 60
    whole = picturewise.make_dataset(stripes(), test_fraction=0.5, split_seed=3)
    assert picturewise.evaluate(run, data=whole).pictures == 60


def test_other_pictures_are_evaluated_all_and_those_learned_from_are_told() -> None:
    run = picturewise.train(stripes(), **OPTIONS)
    found = picturewise.evaluate(run, data=stripes(50, seed=1))
    assert (found.own, found.pictures, found.learned_from, found.notes) == (False, 50, 0, ())
    images, labels = stripes()
    found = picturewise.evaluate(run, data=(images[:50] / 255, labels[:50]))
    assert found.pictures == 50
    assert 30 < (found.learned_from or 0) < 50  # the others are in the test split that was held out
    assert f"The run was trained on {found.learned_from} of these 50 pictures" in found.notes[0]
    assert run.evaluation() is None
    with pytest.raises(DataError, match="has the splits train, valid, but no test split"):
        picturewise.evaluate(run, data={"train": stripes(9), "valid": stripes(9)})


def test_a_classifiers_file_is_evaluated_on_arrays() -> None:
    run = picturewise.train(stripes(), **OPTIONS)
    found = picturewise.evaluate(run.classifier_path, data={"test": stripes(50, seed=1)})
    assert (found.pictures, found.learned_from) == (50, 0)
    assert picturewise.evaluate(run.classifier(), data=stripes(50, seed=1)).learned_from is None


def test_an_interrupted_run_goes_on_with_the_same_arrays_alone() -> None:
    class Stop(picturewise.Callback):
        def on_epoch(self, trainer: object, row: object) -> None:
            signal.raise_signal(signal.SIGINT)

    whole = picturewise.train(stripes(), **OPTIONS)
    with pytest.raises(Interrupted):
        picturewise.train(stripes(), out="part", callbacks=[Stop()], **OPTIONS)
    with pytest.raises(DataError, match="Pass them again as data="):
        picturewise.resume("part", progress=False)
    with pytest.raises(DataError, match="SHA-256 differs"):
        picturewise.resume("part", data=stripes(seed=1), progress=False)
    resumed = picturewise.resume("part", data=tensors(), progress=False)
    assert resumed.record.final_weights_sha256 == whole.record.final_weights_sha256


def test_named_classes_and_names_reach_the_run() -> None:
    images, labels = stripes()
    names = [f"film{place // 6}_{place}" for place in range(120)]
    dataset = picturewise.make_dataset(
        (images, labels), classes=["left", "right"], names=names, name="films", group_by=r"(film\d+)_"
    )
    run = picturewise.train(dataset, **OPTIONS)
    assert run.record.data.classes == ("left", "right")
    with (run.path / "splits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == set(names)
    films = {(row["name"].split("_")[0], row["split"]) for row in rows}
    assert len(films) == 20
    assert picturewise.evaluate(run, data=dataset).pictures % 6 == 0


def test_pictures_in_memory_are_brought_to_the_size_that_is_asked_for() -> None:
    found = picturewise.inspect(stripes(), size=(16, 16), progress=False)
    assert (found.height, found.width, found.source) == (16, 16, None)
    run = picturewise.train(stripes(), settings={"data.size": [6, 6]}, **OPTIONS)
    assert run.record.data.shape == (6, 6, 1)
    assert picturewise.evaluate(run).pictures == 24


def test_the_run_that_train_returns_holds_its_pictures() -> None:
    run = picturewise.train(stripes(), **OPTIONS)
    held = picturewise.evaluate(run)
    assert held.own
    assert held == picturewise.evaluate(run, data=stripes())
    again = picturewise.train(stripes(), model="mlp 4", epochs=1, progress=False)
    assert picturewise.compare([run, again], progress=False).pictures == held.pictures
    with pytest.raises(DataError, match="were passed from Python and are not stored"):
        picturewise.evaluate(picturewise.open_run(run.path))


def test_a_data_set_that_was_read_remembers_where_from(idx_folder: Path) -> None:
    dataset = picturewise.read_dataset(idx_folder, splits=("train", "valid"))
    run = picturewise.train(dataset, **OPTIONS)
    assert run.recipe.data.source == str(idx_folder)
    assert run.recipe == picturewise.train(idx_folder, **OPTIONS).recipe
    found = picturewise.evaluate(picturewise.open_run(run.path))
    assert (found.own, found.pictures) == (True, 20)
    again = picturewise.train(recipe=run.path / "recipe.toml", progress=False)
    assert again.record.final_weights_sha256 == run.record.final_weights_sha256


def test_a_data_set_that_was_read_otherwise_than_the_recipe_says_has_no_place(picture_folder: Path) -> None:
    dataset = picturewise.read_dataset(picture_folder, size=(8, 8))
    run = picturewise.train(dataset, settings={"data.size": [6, 6]}, **OPTIONS)
    assert (run.recipe.data.source, run.record.data.shape) == (None, (6, 6, 3))
    assert picturewise.evaluate(run).own


def test_what_is_no_data_leaves_no_folder_behind() -> None:
    with pytest.raises(UsageError, match=r"is of type int\. Pass a pair"):
        picturewise.train(3, progress=False)  # type: ignore[arg-type]
    assert not Path("runs").exists()
