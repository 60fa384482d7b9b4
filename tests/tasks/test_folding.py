from __future__ import annotations

import csv
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

import picturewise
from picturewise import Run, make_dataset, open_run, read_dataset, resume, train
from picturewise.errors import DataError, UsageError
from picturewise.estimator import PicturewiseClassifier
from picturewise.training import rate_finder
from picturewise.training.trainer import Callback

QUICK: dict[str, Any] = {"model": "mlp 4", "steps": 4, "batch_size": 16, "seed": 3, "progress": False}


def pictures(counts: tuple[int, ...] = (30, 30)) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.random.default_rng(0).integers(0, 120, (len(labels), 8, 8), dtype=np.uint8)
    images[labels == 0] += 100
    return images, labels


def splits(run: Run) -> dict[str, int]:
    return {name: facts.pictures for name, facts in run.record.data.splits.items()}


def test_a_small_folder_is_trained_on_all_pictures_but_the_test_split(
    picture_folder: Path, tmp_path: Path
) -> None:
    run = train(picture_folder, out=tmp_path / "run", **QUICK)
    assert splits(run) == {"train": 48}
    assert (run.recipe.training.folds, run.recipe.training.keep, run.recipe.data.valid_fraction) == (
        5,
        "best",
        0,
    )
    note = next(note for note in run.notes if "--no-folds" in note)
    assert "5 folds of all 48 choose the number of epochs and calibrate the network" in note
    assert not any("validation split, so" in note for note in run.notes)
    with (run.path / "splits.csv").open() as file:
        found = [row["split"] for row in csv.DictReader(file)]
    assert (found.count("train"), found.count("test"), len(found)) == (48, 12, 60)
    assert picturewise.evaluate(run).pictures == 12


def test_the_recipe_of_such_a_run_repeats_it_bit_for_bit(picture_folder: Path, tmp_path: Path) -> None:
    first = train(picture_folder, out=tmp_path / "first", **QUICK)
    second = train(recipe=first.path / "recipe.toml", out=tmp_path / "second", progress=False)
    assert second.classifier_sha256() == first.classifier_sha256()
    assert resume(first, progress=False).classifier_sha256() == first.classifier_sha256()


@pytest.mark.parametrize("how", ["path", "read", "arrays", "made"])
def test_every_way_to_pass_pictures_has_the_same_folds(
    picture_folder: Path, tmp_path: Path, how: str
) -> None:
    ways: dict[str, Callable[[], Any]] = {
        "path": lambda: picture_folder,
        "read": lambda: read_dataset(picture_folder),
        "arrays": pictures,
        "made": lambda: make_dataset(pictures()),
    }
    data = ways[how]()
    run = train(data, out=tmp_path / "run", **QUICK)
    assert splits(run) == {"train": 48}
    assert run.recipe.training.folds == 5
    other: Any = {"read": picture_folder, "made": pictures()}.get(how, data)
    assert train(other, out=tmp_path / "other", **QUICK).classifier_sha256() == run.classifier_sha256()


@pytest.mark.parametrize(
    "said",
    [
        {"folds": 0},
        {"valid_fraction": 0.1},
        {"limit": 20},
        {"patience": 2},
        {"settings": ["training.folds=0"]},
    ],
    ids=str,
)
def test_what_is_said_about_validation_holds(
    picture_folder: Path, tmp_path: Path, said: dict[str, Any]
) -> None:
    run = train(picture_folder, out=tmp_path / "run", **QUICK, **said)
    assert "valid" in splits(run)
    assert not (run.path / "folds").exists()


def test_a_share_that_was_passed_to_make_dataset_holds(tmp_path: Path) -> None:
    run = train(make_dataset(pictures(), valid_fraction=0.25), out=tmp_path / "run", **QUICK)
    assert splits(run) == {"train": 36, "valid": 12}


@pytest.mark.parametrize(
    ("counts", "folded"),
    [((5, 2), False), ((6, 4), False), ((7, 7), True), ((620, 620), True), ((630, 630), False)],
)
def test_folds_are_for_few_pictures_of_which_every_class_has_some(
    tmp_path: Path, counts: tuple[int, int], folded: bool
) -> None:
    run = train(pictures(counts), out=tmp_path / "run", **{**QUICK, "steps": 1})
    assert bool(run.recipe.training.folds) is folded


def test_a_source_with_a_validation_split_keeps_it(tmp_path: Path) -> None:
    images, labels = pictures()
    data = {"train": (images, labels), "valid": (images[::3], labels[::3])}
    assert splits(train(data, out=tmp_path / "run", **QUICK)) == {"train": 48, "valid": 20}
    with pytest.raises(UsageError, match="folds is 5, but the pictures already have a validation split"):
        train(data, out=tmp_path / "other", folds=5, **QUICK)


def test_folds_that_are_asked_for_are_used_however_many_pictures_there_are(tmp_path: Path) -> None:
    run = train(pictures((800, 800)), out=tmp_path / "run", folds=3, **QUICK)
    assert (run.recipe.training.folds, splits(run)) == (3, {"train": 1280})


class Nothing(Callback):
    """Watches."""


@pytest.mark.parametrize("more", [{"epochs": 3}, {"callbacks": [Nothing()]}], ids=["epochs", "callbacks"])
def test_with_epochs_or_callbacks_the_folds_only_calibrate(
    picture_folder: Path, tmp_path: Path, more: dict[str, Any]
) -> None:
    run = train(picture_folder, out=tmp_path / "run", **QUICK, **more)
    assert (run.recipe.training.folds, run.recipe.training.keep) == (5, "last")
    assert len(run.history) == run.recipe.training.epochs == run.kept_epoch.epoch
    assert any("folds of all 48 calibrate the network" in note for note in run.notes)


def test_there_is_no_validation_split_to_evaluate(picture_folder: Path, tmp_path: Path) -> None:
    run = train(picture_folder, out=tmp_path / "run", **QUICK)
    with pytest.raises(DataError, match=r"was validated in 5 folds of its training pictures"):
        picturewise.evaluate(run, split="valid")


def test_a_share_of_nothing_needs_folds(picture_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"valid_fraction is 0.*training.folds=5"):
        train(picture_folder, out=tmp_path / "run", valid_fraction=0, **QUICK)


def test_a_network_that_was_trained_on_all_pictures_is_extended_with_a_validation_split(
    picture_folder: Path, tmp_path: Path
) -> None:
    older = train(picture_folder, out=tmp_path / "older", **QUICK)
    extended = picturewise.extend(
        older, layers=["dense 4 relu"], epochs=1, out=tmp_path / "more", progress=False
    )
    assert "valid" in splits(extended.run)
    assert extended.run.recipe.training.folds is None


def test_the_estimator_folds_too(tmp_path: Path) -> None:
    images, labels = pictures()
    model = PicturewiseClassifier(model="mlp 4", steps=4, seed=3).fit(images, labels)
    assert model.run_.recipe.training.folds == 5
    assert splits(open_run(model.run_.path)) == {"train": 60}


@pytest.mark.parametrize("folds", [None, 0], ids=["folds", "split"])
def test_pictures_that_the_initial_network_was_trained_on_validate_nothing(
    picture_folder: Path, tmp_path: Path, folds: int | None
) -> None:
    older = train(picture_folder, folds=folds, out=tmp_path / "older", **QUICK)
    options: dict[str, Any] = {
        "layers": f"pretrained {older.path}; dense 4 relu",
        "progress": False,
        "epochs": 2,
    }
    run = train(picture_folder, out=tmp_path / "run", **options)
    assert run.recipe.training.folds is None  # the older network knows the pictures of every fold
    assert run.recipe.training.keep == ("last" if folds is None else "best")
    with pytest.raises(UsageError, match="was trained on these pictures, so folds of them show nothing"):
        train(picture_folder, out=tmp_path / "again", folds=5, **options)


def test_groups_of_make_dataset_stay_together(tmp_path: Path) -> None:
    names = [f"s{number % 12}_{number}" for number in range(60)]
    data = make_dataset(pictures(), names=names, group_by="^(s[0-9]+)_")
    assert "valid" in splits(train(data, out=tmp_path / "run", **QUICK))


def test_a_validation_split_that_was_put_in_place_is_used(picture_folder: Path, tmp_path: Path) -> None:
    dataset = read_dataset(picture_folder)
    assert dataset.open_valid
    mine = replace(dataset, valid=dataset.split("test"))
    assert not mine.open_valid
    assert splits(train(mine, out=tmp_path / "run", **QUICK)) == {"train": 44, "valid": 12}
    assert splits(train(dataset.resized((8, 8), "crop"), out=tmp_path / "small", **QUICK)) == {"train": 48}


def test_a_tracker_does_not_change_what_is_trained(picture_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    plain = train(picture_folder, out=tmp_path / "plain", **QUICK)
    tracked = train(picture_folder, out=tmp_path / "tracked", track="tensorboard", **QUICK)
    assert tracked.recipe.training.keep == plain.recipe.training.keep == "best"
    assert tracked.classifier_sha256() == plain.classifier_sha256()


def test_a_typed_epoch_to_keep_holds(picture_folder: Path, tmp_path: Path) -> None:
    run = train(picture_folder, out=tmp_path / "best", epochs=3, keep="best", **QUICK)
    assert run.recipe.training.keep == "best"
    run = train(picture_folder, out=tmp_path / "last", epochs=3, folds=4, **QUICK)
    assert run.recipe.training.keep == "last"


def test_more_folds_than_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folds is 10, but there are only 8 different training pictures"):
        train(pictures((5, 5)), out=tmp_path / "run", folds=10, **QUICK)


def test_no_folds_over_a_recipe_with_folds_holds_out_a_split(picture_folder: Path, tmp_path: Path) -> None:
    first = train(picture_folder, out=tmp_path / "first", **QUICK)
    second = train(recipe=first.path / "recipe.toml", folds=0, out=tmp_path / "second", progress=False)
    assert "valid" in splits(second)


class Locked(nn.Sequential):
    """Cannot be copied."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(192, 2))
        self.lock = threading.Lock()


def test_a_module_that_cannot_be_copied_needs_a_validation_split(
    picture_folder: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"size": (8, 8), "epochs": 1, "progress": False}
    with pytest.raises(UsageError, match=r"Locked cannot be copied for each fold .*folds=0"):
        train(picture_folder, network=Locked(), out=tmp_path / "run", **options)
    assert "valid" in splits(
        train(picture_folder, network=Locked(), folds=0, out=tmp_path / "more", **options)
    )


def test_a_learning_rate_is_found_for_small_sets_and_small_colour_pictures(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_finder, "BATCHES", 20)
    found = picturewise.find_learning_rate(
        picture_folder, model="mlp 8", out=tmp_path / "rate", progress=False
    )
    run = train(recipe=found.path / "recipe.toml", out=tmp_path / "run", epochs=1, progress=False)
    assert run.recipe.training.folds == 5
    random, labels = np.random.default_rng(0), np.arange(1500) % 2
    images = random.integers(0, 120, (1500, 16, 16, 3), dtype=np.uint8)
    images[labels == 0] += 100
    found = picturewise.find_learning_rate(
        (images, labels), batch_size=16, out=tmp_path / "colour", progress=False
    )
    assert found.optimizer == "muon"
