"""Every key of a recipe is an argument or a keyword of `train`, with the recipe's own type."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from pydantic import BaseModel

from picturewise.errors import UsageError
from picturewise.recipes.keywords import ARGUMENTS, RecipeKeywords, from_keywords, keyword_of
from picturewise.recipes.recipe import Recipe, make_recipe, recipe_keys
from picturewise.tasks.extend import extend
from picturewise.tasks.find_rate import find_learning_rate
from picturewise.tasks.train import train


def plain(annotation: Any) -> Any:
    """Return a type without what pydantic checks beside it; lists may come in any sequence."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return plain(parts[0])
    if origin in {Union, UnionType}:
        return functools.reduce(operator.or_, map(plain, parts))
    if origin is tuple:
        return Sequence[plain(parts[0])] if parts[1:] == (...,) else tuple[tuple(map(plain, parts))]  # type: ignore[misc]
    return annotation


def fields(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kind in get_type_hints(model, include_extras=True).items():
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= fields(kind, f"{prefix}{name}.")
        elif name in model.model_fields:
            found[prefix + name] = plain(kind)
    return found


def test_the_keywords_are_the_keys_of_a_recipe_and_have_their_types() -> None:
    keys = {key: kind for key, kind in fields(Recipe).items() if key not in ARGUMENTS}
    assert {keyword_of(key): kind for key, kind in keys.items()} == get_type_hints(RecipeKeywords)
    assert len({keyword_of(key) for key in recipe_keys()}) == len(recipe_keys())  # none stands for two


@pytest.mark.parametrize("function", [train, find_learning_rate, extend])
def test_the_other_keys_are_arguments_and_no_keyword_is_one_too(function: Any) -> None:
    names = {*inspect.signature(function).parameters} - {"options"}
    assert not names & {*RecipeKeywords.__annotations__}
    missing = {"group_by", "model"} if function is extend else set()  # whose network is the older one's
    assert {*ARGUMENTS.values()} - names == missing
    assert inspect.signature(function).parameters["options"].annotation == "Unpack[RecipeKeywords]"


def test_keywords_become_the_keys_that_they_stand_for() -> None:
    part = from_keywords(
        {"learning_rate": np.float32(0.5), "batch_size": np.int64(8), "size": (8, 9), "ema": None,
         "augmentation": ("flip",), "start_source": "resnet18", "initialisation": "dirac"}, "train", (),
    )  # fmt: skip
    recipe = make_recipe({"data": {"source": "digits"}}, {"training": {"ema": 0.9}}, part)
    assert (recipe.training.learning_rate, recipe.training.batch_size, recipe.training.ema) == (0.5, 8, None)
    assert (recipe.data.size, recipe.preparation.augmentation) == ((8, 9), ("flip",))
    assert (recipe.start.source, recipe.model.initialisation) == ("resnet18", "dirac")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("learning_rat", r"^Unknown option 'learning_rat' for train\. Did you mean 'learning_rate'\?$"),
        ("lr", r"Did you mean 'learning_rate'\?$"),
        ("random_state", r"Did you mean 'seed'\?$"),
        ("epoch", r"Did you mean 'epochs'\?$"),
        (
            "colour_of_the_sky",
            r"Unknown option 'colour_of_the_sky' for train\. help\(picturewise\.train\) lists all options\.$",
        ),
    ],
)
def test_a_misspelt_keyword_is_told_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        train("digits", **{name: 1})  # type: ignore[misc]
    with pytest.raises(UsageError, match=said.replace("train", "find_learning_rate")):
        find_learning_rate("digits", **{name: 1})  # type: ignore[misc]
    if name != "epoch":
        with pytest.raises(UsageError, match=said.replace("train", "extend")):
            extend("runs/1", **{name: 1})  # type: ignore[misc]


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"learning_rate": -1}, r"training\.learning_rate is -1, but must be greater than 0"),
        ({"learning_rate": "fast"}, r"training\.learning_rate is 'fast', but must be a valid number"),
        ({"optimizer": "adm"}, r"training\.optimizer is 'adm', but must be 'sgd', 'rmsprop', 'adam'"),
        ({"augmentation": "flip"}, r"preparation\.augmentation is 'flip', but must be a list in brackets"),
        ({"size": 8}, r"data\.size is 8, but must be a list in brackets"),
        ({"batch_size": object()}, r"training\.batch_size is <object"),
    ],
)
def test_a_value_that_does_not_fit_is_told(keywords: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        train("digits", **keywords)
