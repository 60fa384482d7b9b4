"""A recipe with nothing left to derive, as a separate type."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from picturewise.errors import UsageError
from picturewise.recipes.effective import EffectiveRecipe, EffectiveTraining, effective_recipe
from picturewise.recipes.recipe import flat, make_recipe

TRAINING: dict[str, Any] = {
    "epochs": 3, "batch_size": 8, "optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0,
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "data": {"source": "x"},
    "model": {"layers": ["flatten"]},
    "preparation": {"augmentation": ["flip"]},
    "training": TRAINING,
}


def test_no_value_changes_and_the_file_is_the_same_to_the_byte() -> None:
    recipe = make_recipe(WHOLE)
    found = effective_recipe(recipe)
    assert isinstance(found, EffectiveRecipe)
    assert flat(found) == flat(recipe)
    assert found.to_toml() == recipe.to_toml()
    assert effective_recipe(found) == found


@pytest.mark.parametrize("key", TRAINING)
def test_each_value_that_learning_needs_is_asked_for(key: str) -> None:
    training = {name: value for name, value in TRAINING.items() if name != key}
    with pytest.raises(UsageError, match=rf"^The recipe does not have values for training\.{key}\."):
        effective_recipe(make_recipe({**WHOLE, "training": training}))


def test_all_that_is_open_is_named_in_one_sentence() -> None:
    with pytest.raises(
        UsageError,
        match=r"does not have values for preparation\.augmentation, training\.epochs, training\.batch_size, ",
    ):
        effective_recipe(make_recipe({"data": {"source": "x"}}))


def test_what_may_stay_open_does() -> None:
    found = effective_recipe(make_recipe({**WHOLE, "model": {"name": None}}))
    assert found.model.layers is found.training.beta2 is found.training.patience is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epochs", -1), ("epochs", 100_001), ("batch_size", 1), ("batch_size", 65_537), ("optimizer", "adm"),
        ("learning_rate", 0.0), ("momentum", 1.0), ("weight_decay", -0.1),
    ],
)  # fmt: skip
def test_values_keep_the_limits_that_a_recipe_sets(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        EffectiveTraining(**{**TRAINING, key: value})
    with pytest.raises(UsageError, match=rf"training\.{key} is "):
        make_recipe({**WHOLE, "training": {**TRAINING, key: value}})
