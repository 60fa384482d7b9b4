from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from picturewise.data.dataset import Dataset
from picturewise.errors import DataError, UsageError
from picturewise.networks.weights import fingerprint
from picturewise.networks.whitening import second_moments, whitening_kernels, whitening_layer
from picturewise.preparing.preparation import fit_preparation
from picturewise.runs.run import open_run
from picturewise.training import start as starting
from picturewise.training.callbacks import EarlyStopping, HistoryFile, KeptClassifier
from picturewise.training.trainer import Callback


def test_starting_writes_the_recipe_and_the_record_and_trains_nothing_yet(
    tmp_path: Path, tiny: ModuleType
) -> None:
    trainer = tiny.start(tmp_path / "deep" / "run")
    assert sorted(path.name for path in (tmp_path / "deep" / "run").iterdir()) == [
        ".lock",
        "recipe.toml",
        "run.json",
        "splits.csv",
    ]
    record = open_run(tmp_path / "deep" / "run").record
    assert record == trainer.record
    assert record.status == "running"
    # conv 4·(9+1), batchnorm 2·4, dense (36+1)·8, output (8+1)·3; running mean and variance of 4 channels
    assert (record.trainable_parameters, record.fixed_parameters) == (40 + 8 + 37 * 8 + 27, 8)
    assert (record.parameters, record.statistics) == (40 + 8 + 37 * 8 + 27, 8)
    assert record.machine["device"] == "cpu"
    assert record.machine["torch"] == torch.__version__
    assert trainer.learner.preparation == fit_preparation(trainer.learner.train, grey=False)


def test_a_whitening_layer_knows_the_train_pictures_and_learns_nothing_but_its_bias(
    tmp_path: Path, tiny: ModuleType
) -> None:
    layers = ["conv 8 2x2 valid whiten", "flatten"]
    trainer = tiny.start(tmp_path / "run", layers=layers)
    layer = whitening_layer(trainer.network)
    assert layer is not None
    learner = trainer.learner
    prepared = learner.preparation.apply(torch.from_numpy(learner.train.images))
    expected = whitening_kernels(second_moments(prepared, (2, 2)), 8).view(8, 1, 2, 2)
    assert torch.equal(layer.weight, expected)
    assert (trainer.record.trainable_parameters, trainer.record.fixed_parameters) == (8 + 3 * 200 + 3, 32)
    trainer.fit()
    assert torch.equal(layer.weight, expected)
    assert bool(layer.bias.any())  # type: ignore[union-attr]
    assert torch.equal(open_run(tmp_path / "run").classifier().network[0].weight, expected)


def test_built_in_callbacks_come_before_the_users(tmp_path: Path, tiny: ModuleType) -> None:
    own = Callback()
    kinds = [type(callback) for callback in tiny.start(tmp_path / "a", callbacks=[own], patience=3).callbacks]
    assert kinds == [KeptClassifier, HistoryFile, EarlyStopping, Callback]
    assert [type(callback) for callback in tiny.start(tmp_path / "b").callbacks] == kinds[:2]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda train, valid: (None, valid),
            "tiny does not have labelled pictures in its train split, which training needs. Add some",
        ),
        (lambda train, valid: (train, None), "tiny does not have labelled pictures in its valid split"),
        (
            lambda train, valid: (replace(train, labels=None), valid),
            "train does not have labels, so it cannot be used",
        ),
        (
            lambda train, valid: (train, replace(valid, labels=None)),
            "tiny does not have labelled pictures in its valid split",
        ),
        (
            lambda train, valid: (train, valid.select(np.array([], np.int64))),
            "tiny does not have labelled pictures in its valid split",
        ),
        (
            lambda train, valid: (train, replace(valid, images=valid.images[:, :5])),
            "tiny: the pictures in the valid split are 5x6x1, but those in the train split are 6x6x1. Use the",
        ),
        (
            lambda train, valid: tuple(
                replace(x, labels=x.labels * 0, classes=("one",)) for x in (train, valid)
            ),
            "tiny has only one class, 'one'. Add pictures of another class",
        ),
    ],
)
def test_data_that_cannot_be_learnt_from_is_refused_before_anything_is_written(
    tmp_path: Path, tiny: ModuleType, change: Any, sentence: str
) -> None:
    data = tiny.dataset()
    train, valid = change(data.train, data.valid)
    with pytest.raises(DataError, match=sentence):
        starting.start(tiny.recipe(), Dataset("tiny", train, valid), tmp_path / "run")
    assert not (tmp_path / "run").exists()


class Own(nn.Module):
    """A user's network with a given number of outputs."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.last = nn.Linear(36, outputs)
        self.frozen = nn.Parameter(torch.zeros(5), requires_grad=False)

    def forward(self, batch: Tensor) -> Tensor:
        found: Tensor = self.last(self.norm(batch).flatten(1))
        return found


def test_a_users_module_is_checked_without_being_changed(tmp_path: Path, tiny: ModuleType) -> None:
    network = Own().train()
    before = fingerprint(network.state_dict())
    trainer = tiny.start(tmp_path / "run", network=network)
    assert network.training
    assert fingerprint(network.state_dict()) == before
    assert trainer.record.module == f"{Own.__module__}.Own"
    assert trainer.record.trainable_parameters == 2 + 37 * 3
    assert trainer.record.fixed_parameters == 2 + 5  # running mean and variance, and what is frozen
    assert trainer.record.parameters == 2 + 37 * 3 + 5


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (
            Own(4),
            r"Own returns shape \(2, 4\) for a batch of two pictures\. Expected \(2, 3\), one logit for each class",
        ),
        (nn.Flatten(0), r"Flatten returns shape \(72,\) for a batch"),
        (nn.Linear(5, 3), r"Linear does not accept a batch of two pictures \(2, 1, 6, 6\): mat1 and mat2"),
        (nn.LSTM(6, 3), r"LSTM does not accept a batch of two pictures"),
    ],
)
def test_a_module_that_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, tiny: ModuleType, network: nn.Module, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        tiny.start(tmp_path / "run", network=network)
    assert not (tmp_path / "run").exists()
    assert network.training


def test_a_run_goes_on_only_with_the_kind_of_network_that_it_began_with(
    tmp_path: Path, tiny: ModuleType
) -> None:
    tiny.start(tmp_path / "lines")
    with pytest.raises(UsageError, match=r"lines was trained from layer lines\. Resume it without network="):
        tiny.resume(tmp_path / "lines", network=nn.Sequential())
    tiny.start(tmp_path / "module", network=Own())
    with pytest.raises(
        UsageError,
        match=r"module was trained with the Python class .*Own\. Pass an instance of it as network=",
    ):
        tiny.resume(tmp_path / "module")


@pytest.mark.parametrize("name", ["train", "valid"])
def test_a_run_goes_on_only_with_the_pictures_that_it_began_with(
    tmp_path: Path, tiny: ModuleType, name: str
) -> None:
    tiny.start(tmp_path / "run")
    parts = tiny.dataset().splits()
    images = parts[name].images.copy()
    images[-1, -1, -1] ^= 1
    parts[name] = replace(parts[name], images=images)
    with pytest.raises(
        DataError, match=rf"The {name} pictures in made by a test are not the ones that .*run was trai"
    ):
        starting.resume(open_run(tmp_path / "run"), Dataset("tiny", **parts))
    parts[name] = None
    with pytest.raises(DataError):
        starting.resume(open_run(tmp_path / "run"), Dataset("tiny", **parts))
    with pytest.raises(DataError):
        starting.resume(open_run(tmp_path / "run"), Dataset("tiny", test=tiny.dataset().valid))


def test_another_machine_is_noted_when_a_run_goes_on(
    tmp_path: Path, tiny: ModuleType, monkeypatch: Any
) -> None:
    tiny.start(tmp_path / "run")
    assert tiny.resume(tmp_path / "run").notes == ()
    monkeypatch.setattr(starting, "processor", lambda: "Another 9000")
    trainer = tiny.resume(tmp_path / "run")
    trainer.fit()
    assert trainer.notes == (
        "The machine or its libraries have changed since the run started, so the last digits may differ.",
    )


def test_a_gpu_that_is_not_there_is_refused_before_anything_is_written(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"training\.device is 'cuda', but PyTorch cannot find a GPU"):
        tiny.start(tmp_path / "run", device="cuda")
    assert not (tmp_path / "run").exists()
