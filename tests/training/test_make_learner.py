"""A learner is made from a recipe and pictures alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError, UsageError
from picturewise.networks.weights import fingerprint
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.recipes.recipe import make_recipe
from picturewise.training.make_learner import make_learner, rebuild_learner


def test_a_learner_needs_no_folder(tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    learner = tiny.learner()
    with learner.learning():
        learner.step(learner.begin(1), 1, 0, 0.01)
    learner.evaluate(learner.valid)
    assert list(tmp_path.iterdir()) == []


def test_its_recipe_is_effective_and_what_was_decided_against_the_wish_is_noted(tiny: ModuleType) -> None:
    recipe = make_recipe(tiny.recipe().model_dump(), {"preparation": {"views": ["mirror"]}})
    parts = {
        name: replace(part, classes=("0", "1", "2")) for name, part in tiny.dataset().splits().items()
    }  # which no mirror may show
    learner, notes = make_learner(recipe, Dataset("digits", **parts))
    assert isinstance(learner.recipe, EffectiveRecipe)
    assert learner.recipe.training.optimizer == "adamw"
    assert learner.recipe.preparation.views == learner.preparation.views == ()
    assert len(notes) == 2
    assert "'flip'" in notes[0]
    assert "'mirror'" in notes[1]
    assert make_learner(tiny.recipe(), tiny.dataset())[1] == ()


def test_first_weights_depend_on_the_seed_alone(tiny: ModuleType) -> None:
    found = [
        fingerprint(tiny.learner(seed=seed, **options).network.state_dict())
        for seed, options in [(7, {}), (7, {"epochs": 9}), (8, {})]
    ]
    assert found[0] == found[1] != found[2]


def test_a_run_that_has_saved_a_state_does_not_need_the_weights_that_it_began_with(
    tiny: ModuleType, tmp_path: Path
) -> None:
    tiny.start(tmp_path / "old", epochs=1).fit()
    learner = tiny.learner(layers=[f"pretrained {tmp_path / 'old'}"])
    again = rebuild_learner(learner.recipe, tiny.dataset(), begun=False)
    assert fingerprint(again.network.state_dict()) == fingerprint(learner.network.state_dict())
    (tmp_path / "old" / "classifier.safetensors").unlink()
    rebuilt = rebuild_learner(learner.recipe, tiny.dataset(), begun=True)
    rebuilt.load(*learner.state(), "here")
    assert fingerprint(rebuilt.network.state_dict()) == fingerprint(learner.network.state_dict())
    with pytest.raises(UsageError, match=r"The weights '.*' were not found"):
        rebuild_learner(learner.recipe, tiny.dataset(), begun=False)


def test_a_users_module_is_trained_in_place(tiny: ModuleType) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    learner = tiny.learner(network=module)
    assert learner.network is module
    before = module[1].weight.detach().clone()
    with learner.learning():
        learner.step(learner.begin(1), 1, 0, 0.01)
    assert not torch.equal(module[1].weight, before)


def test_pictures_without_labels_are_refused(tiny: ModuleType) -> None:
    with pytest.raises(DataError, match="tiny does not have labelled pictures in its valid split"):
        make_learner(tiny.recipe(), Dataset("tiny", train=tiny.dataset().train))


def test_pictures_that_no_classifier_takes_are_refused(tiny: ModuleType) -> None:
    images = np.zeros((4, 2, 1025, 1), np.uint8)
    part = ImageSet(images, np.arange(4) % 2, ("a", "b"), "made by a test")
    with pytest.raises(
        DataError,
        match="wide: the pictures in the train split are 2x1025x1, but networks accept at most 1,024 pixels",
    ):
        make_learner(tiny.recipe(), Dataset("wide", train=part, valid=part))


@pytest.mark.parametrize(
    ("layers", "shared"),
    [
        (["conv 64", "batchnorm", "relu", "avgpool global"], False),
        (["conv 64", "conv 260", "batchnorm", "relu", "avgpool global"], True),  # 131 million multiplications
        (["conv 64", "residual 64 x2", "avgpool global"], True),  # 128 million
        (["conv 64", "residual 16 x40", "avgpool global"], False),  # 169 million in 283 operations
    ],
)
def test_cores_share_a_step_only_where_each_operation_is_worth_it(
    tiny: ModuleType, monkeypatch: pytest.MonkeyPatch, layers: list[str], shared: bool
) -> None:
    monkeypatch.setattr("picturewise.training.machine.available_cores", lambda: 6)
    assert tiny.learner(layers=layers).machine.threads == (6 if shared else 1)
