"""Names of options from elsewhere lead to the recipe's own."""

from __future__ import annotations

from typing import Any

import pytest

from picturewise.errors import UsageError
from picturewise.recipes.keywords import from_keywords
from picturewise.recipes.other_names import _KEYS, _NAMES, is_layer, meant
from picturewise.recipes.recipe import make_recipe, parse_setting, recipe_keys


def test_they_stand_for_keys_that_exist_and_none_hides_a_key_or_stands_for_two() -> None:
    known = {key.rpartition(".")[2] for key in recipe_keys()}
    assert {*_NAMES} <= {*recipe_keys()}
    assert known & {*_KEYS} == set()
    assert len(_KEYS) == sum(len(names.split()) for names in _NAMES.values())
    assert not [name for name in _KEYS if is_layer(name)]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("lr", "training.learning_rate"),
        ("training.lr", "training.learning_rate"),
        ("training.batch", "training.batch_size"),
        ("batch", "training.batch_size"),
        ("wd", "training.weight_decay"),
        ("bs", "training.batch_size"),
        ("Early-Stopping", "training.patience"),
        ("num_epochs", "training.epochs"),
        ("optimiser", "training.optimizer"),
        ("momentum", "training.momentum"),
        ("training.epoch", "training.epochs"),
    ],
)
def test_a_setting_by_another_name_is_answered_with_its_key_alone(typed: str, key: str) -> None:
    with pytest.raises(UsageError) as found:
        parse_setting(typed, "1")
    assert str(found.value) == f"Unknown recipe key '{typed}'. Did you mean '{key}'?"


def test_a_key_in_a_recipes_file_is_answered_in_the_same_way() -> None:
    with pytest.raises(
        UsageError, match=r"^Unknown recipe key 'training\.lr'\. Did you mean 'training\.lear"
    ):
        make_recipe({"data": {}, "training": {"lr": 0.1}})


@pytest.mark.parametrize(
    ("name", "keyword"),
    [("lr", "learning_rate"), ("batch", "batch_size"), ("wd", "weight_decay"), ("num_epochs", "epochs"),
     ("arch", "model"), ("pretrained", "start_source"), ("optimiser", "optimizer"), ("image_size", "size")],
)  # fmt: skip
def test_a_keyword_by_another_name_is_answered_with_the_keyword(name: str, keyword: str) -> None:
    with pytest.raises(
        UsageError, match=rf"^Unknown option '{name}' for train\. Did you mean '{keyword}'\?$"
    ):
        from_keywords({name: 1}, "train", ())


def test_what_is_a_layer_is_no_option() -> None:
    for call in (
        lambda: parse_setting("dropout", "0.3"),
        lambda: from_keywords({"dropout": 0.3}, "train", ()),
    ):
        with pytest.raises(UsageError, match="write it as a layer line, as in layers='flatten; "):
            call()


def test_a_name_that_nobody_uses_stands_for_nothing() -> None:
    unknown: Any = "colour_of_the_sky"
    assert meant(unknown) is None
