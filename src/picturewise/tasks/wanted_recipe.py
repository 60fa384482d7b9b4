"""One recipe from all options of `train` and `find_learning_rate`, and its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.data.recognise import Data, recognise
from picturewise.errors import UsageError
from picturewise.recipes import presets
from picturewise.recipes.overrides import plain_settings
from picturewise.recipes.recipe import Recipe, make_recipe, recipe_from_toml
from picturewise.tasks.load import with_place

if TYPE_CHECKING:
    from torch import nn


def wanted(
    data: Data | None,
    *,
    preset: str | None,
    model: str | None,
    layers: str | Sequence[str] | None,
    network: nn.Module | None,
    epochs: int | None,
    seed: int | None,
    group_by: str | None,
    recipe: str | Path | Recipe | None,
    keywords: Mapping[str, Any],
    settings: Sequence[str] | Mapping[str, Any],
    plain: bool = False,
) -> tuple[Recipe, Source]:
    """Return the recipe that the options of `train` describe, without derived options, and where its pictures are.

    The keywords are those of `from_keywords`.

    Raises:
        UsageError: an option is unknown, several options name the network, or none names the pictures.
        DataError: the pictures do not exist, or are in a form that Picturewise does not read.
    """
    if sum(choice is not None for choice in (model, layers, network)) > 1:
        raise UsageError("More than one of model, layers and network was passed. Pass only one of them.")
    named: dict[str, Any] = {"data": {}, "model": {}, "training": {}}
    if model is not None:
        named["model"] = {"name": model, "layers": None}
    if layers is not None:
        named["model"] = {"name": None, "layers": [layers] if isinstance(layers, str) else list(layers)}
    if epochs is not None:
        named["training"]["epochs"] = epochs
    if group_by is not None:
        named["data"]["group_by"] = group_by
    if seed is not None:
        named["seed"] = seed
    preset = presets.chosen(preset, plain=plain)
    below = {} if preset is None else presets.preset(preset)
    read_with = data.read_with if isinstance(data, Dataset) else None
    as_read: dict[str, Any] = {}
    if read_with is not None:
        as_read["data"] = read_with.model_dump(exclude={"source", "limit", "classes"}, exclude_unset=True)
    above = (as_read, _plain(recipe), named, keywords, *plain_settings(settings))
    optimizer = make_recipe(below, *above).training.optimizer
    whole = make_recipe(presets.for_optimizer(below, optimizer), *above)
    place = whole.data.source if data is None else data
    if place is None:
        raise UsageError("No pictures were passed. Pass them as data, or set data.source in the recipe.")
    source = recognise(place, hints=whole.data.hints)
    options = whole.data.model_copy(update={"source": source.place})
    source = with_place(place, source, options)
    return whole.model_copy(update={"data": options.model_copy(update={"source": source.place})}), source


def _plain(recipe: str | Path | Recipe | None) -> dict[str, Any]:
    if recipe is None:
        return {}
    return recipe.model_dump() if isinstance(recipe, Recipe) else recipe_from_toml(Path(recipe))
