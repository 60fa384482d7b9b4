from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import picturewise
from picturewise.data.recognise import recognise
from picturewise.errors import UsageError
from picturewise.recipes.recipe import Recipe, make_recipe
from picturewise.tasks.load import load
from picturewise.tasks.train import LEARNING_SPLITS
from picturewise.tuning.candidates import Candidates, make_candidates
from picturewise.tuning.space import default_space, parse_space


def candidates(pictures: Path, text: str | None = None, **said: Any) -> Candidates:
    space = default_space() if text is None else parse_space(text, "The search space")
    recipe = make_recipe({"data": {"source": str(pictures)}}, said)
    return make_candidates(space, recipe, load(recognise(str(pictures)), recipe.data, splits=LEARNING_SPLITS))


def test_the_default_recipe_is_that_of_a_run_without_a_search(pictures: Path, tmp_path: Path) -> None:
    found = candidates(pictures, training={"epochs": 1})
    run = picturewise.train(pictures, epochs=1, out=tmp_path / "run", progress=False)
    trained = run.recipe.model_dump()
    trained["training"]["folds"] = 0
    assert found.default.model_dump() == trained
    assert found.recipe(found.default_values()) == found.default


def test_values_change_only_their_keys(pictures: Path) -> None:
    found = candidates(
        pictures, "[scale]\nlearning_rate = [0.5, 1]\nwidth = [0.5, 2]\n[training]\nbatch_size = [8, 16]"
    )
    recipe = found.recipe({"scale.learning_rate": 0.5, "scale.width": 2, "training.batch_size": 8})
    assert recipe.training.learning_rate == found.default.training.learning_rate / 2
    assert recipe.training.batch_size == 8
    assert recipe.training.epochs == found.default.training.epochs
    assert recipe.model.name is None
    assert recipe.model.layers is not None
    assert recipe.model.layers[0] == "conv 64 3x3"
    assert recipe.preparation == found.default.preparation


def test_what_the_user_sets_is_not_searched(pictures: Path) -> None:
    found = candidates(pictures, model={"name": "mlp 16"}, training={"learning_rate": 0.01, "batch_size": 16})
    assert set(found.space.options) == {
        "scale.augmentation", "scale.width", "training.label_smoothing", "training.weight_decay",
    }  # fmt: skip
    assert "training.learning_rate was set for the whole search" in " ".join(found.notes)
    assert found.default.model.layers == ("flatten", "dense 16 relu")


def test_a_space_without_open_options_is_refused(pictures: Path) -> None:
    with pytest.raises(UsageError, match="Every option of the search space"):
        candidates(pictures, "[training]\nmomentum = [0.5]", training={"momentum": 0.9})


def test_the_default_network_is_not_searched_twice(pictures: Path) -> None:
    found = candidates(pictures)
    assert list(found.defaults) == ["default", "small-cnn"]
    assert "cnn is the default network" in " ".join(found.notes)


def test_options_without_effect_are_not_suggested(pictures: Path) -> None:
    found = candidates(pictures)
    assert found.default.preparation.augmentation == ()  # such small pictures are not moved
    assert "scale.augmentation" not in found.options("default")


def test_a_default_outside_the_space_is_still_the_first_trial(pictures: Path) -> None:
    found = candidates(pictures, "[training]\nbatch_size = [8, 500]\n[scale]\nwidth = [1, 2]")
    assert found.default_values() == {"scale.width": 1}
    assert found.recipe(found.default_values()) == found.default


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[model]\nname = ['ccn']", "Unknown network 'ccn'"),
        (
            "[preparation]\naugmentation = [['shift 50']]",
            "preparation.augmentation = .* does not fit the network default",
        ),
        ("[model]\nlayers = [['dense 3']]", "model.layers = .* does not fit the network default"),
    ],
)
def test_what_does_not_fit_the_pictures_is_refused_before_the_first_trial(
    pictures: Path, text: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        candidates(pictures, text)


def test_whether_to_mirror_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(120) % 3
    images = random.integers(0, 90, (120, 12, 12, 3)) + 50 * labels[:, None, None, None]
    dataset = picturewise.make_dataset((images.astype(np.uint8), labels), classes=["cat", "dog", "elk"])
    asked: list[int] = []
    from picturewise.training import mirrors

    real = mirrors.decide
    monkeypatch.setattr(
        mirrors, "decide", lambda train, *, seed: asked.append(seed) or real(train, seed=seed)
    )
    found = make_candidates(default_space(), Recipe(data={}), dataset)
    assert found.default.preparation.augmentation == ("crop 2", "flip always")
    found.recipe({"model.name": "small-cnn", "scale.augmentation": 2.0})
    assert len(asked) == 1
