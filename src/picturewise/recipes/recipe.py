"""`Recipe`: everything that is needed to repeat a run. Frozen in Python, TOML on disk."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from picturewise import displays
from picturewise.data.options import DataOptions
from picturewise.errors import UsageError, nearest
from picturewise.file_names import valid
from picturewise.recipes.options import ModelOptions, PreparationOptions, StartOptions, TrainingOptions
from picturewise.recipes.other_names import LAYER_HINT, is_layer, meant
from picturewise.reprs import never_raises
from picturewise.results import Result
from picturewise.toml_files import read_toml


class Recipe(Result):
    """Everything that is needed to repeat a run: data, model, preparation, training options, seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(
        default=0,
        ge=0,
        lt=2**31,
        description="Seed for all random choices; the same seed gives the same weights on the same machine.",
    )
    data: DataOptions
    model: ModelOptions = ModelOptions()
    start: StartOptions = StartOptions()
    preparation: PreparationOptions = PreparationOptions()
    training: TrainingOptions = TrainingOptions()

    if not TYPE_CHECKING:  # so that type checkers see the fields

        def __init__(self, **values: Any) -> None:
            """Raises UsageError for an unknown key, or a value that does not fit its key."""
            try:
                super().__init__(**values)
            except ValidationError as error:
                if type(self) is not Recipe:
                    raise
                raise UsageError(_explain(error)) from error

    def to_toml(self, *, only_set: bool = False) -> str:
        """Return the recipe as TOML; `recipe_from_toml` reads it back.

        Args:
            only_set: leave out what was not set, so that it can still be derived or chosen.
        """
        plain = self.model_dump(mode="json", exclude_none=True, exclude_unset=only_set)
        if not only_set:
            plain["model"].setdefault("name", "")
        return tomli_w.dumps(plain)

    @never_raises
    def __repr__(self) -> str:
        said = [f"{key}={value!r}" for key, value in flat(self).items() if value != _default(key)]
        return f"{type(self).__name__}({', '.join(said)})"

    @never_raises
    def __str__(self) -> str:
        return self.to_toml()

    def _repr_html_(self) -> str | None:
        return displays.html("Recipe", self)


def recipe_from_toml(path: Path) -> dict[str, Any]:
    """Return the plain content of a recipe file, not yet checked; see `make_recipe`.

    Raises:
        UsageError: the file cannot be read or is not TOML.
    """
    return read_toml(path, "recipe")


def make_recipe(*layers: Mapping[str, Any]) -> Recipe:
    """Return the recipe from nested mappings; later ones win, key by key; a network's name also wins over layers.

    Raises:
        UsageError: an unknown key (the nearest one is suggested), or a value that does not fit its key.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        model, before = layer.get("model"), merged.get("model")
        if not isinstance(model, Mapping):  # reported below
            model = {}
        if model.get("name") and "layers" not in model and isinstance(before, dict):
            before.pop("layers", None)  # a network named later wins over layers named before
        if model.get("name") or model.get("layers"):
            merged.pop("start", None)  # and both win over weights for another network
        _merge(merged, layer)
    try:
        return Recipe.model_validate(merged)
    except ValidationError as error:
        raise UsageError(_explain(error)) from error


def parse_setting(key: str, value: Any) -> dict[str, Any]:
    """Return the nested mapping of one setting; a string is read as TOML if the result fits the key.

    Raises:
        UsageError: the key is not a recipe key.

    >>> parse_setting("training.learning_rate", "0.01")
    {'training': {'learning_rate': 0.01}}
    >>> parse_setting("model.name", "mlp 256")
    {'model': {'name': 'mlp 256'}}
    """
    key, known = str(key).strip(), _keys(Recipe, "")
    if key not in known:
        offered = _nearest(key) or f" Choose from {', '.join(known)}."
        raise UsageError(f"Unknown recipe key '{key}'.{offered}")
    if isinstance(value, str):
        value = _from_text(value.strip(), words=known[key])
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def _from_text(text: str, *, words: bool) -> Any:
    """Return a text's value in TOML; without one, or if `words` are needed and it is not a string, the text itself."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) or not words else text


def recipe_keys() -> list[str]:
    """Return every key of a recipe in dotted form."""
    return [*_keys(Recipe, "")]


def flat(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe's values by their dotted keys."""
    plain = recipe.model_dump()
    return {key: reduce(lambda part, name: part[name], key.split("."), plain) for key in recipe_keys()}


def _default(key: str) -> Any:
    """Return the default value of a key of the recipe."""
    model: Any = Recipe
    *tables, name = key.split(".")
    for table in tables:
        model = model.model_fields[table].annotation
    return model.model_fields[name].default


def _keys(model: type[BaseModel], prefix: str) -> dict[str, bool]:
    """Return every key below a model in dotted form, and whether it accepts any string."""
    keys: dict[str, bool] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys |= _keys(field.annotation, f"{prefix}{name}.")
        else:
            keys[prefix + name] = _takes_text(field.annotation)
    return keys


def _takes_text(annotation: Any) -> bool:
    """Return whether a type accepts a string; a list of strings does not."""
    return annotation is str or (isinstance(annotation, UnionType) and str in get_args(annotation))


def _merge(into: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        if not isinstance(value, Mapping):
            into[key] = _valid(value)
            continue
        if not isinstance(into.get(key), dict):
            into[key] = {}
        _merge(into[key], value)


def _valid(value: Any) -> Any:
    """Return a value with strings that a file can contain: in an ASCII locale, a command line may contain others."""
    if isinstance(value, str):
        return valid(value)
    return [*map(_valid, value)] if isinstance(value, list) else value


def _nearest(key: str) -> str:
    """Return the sentence that suggests the intended key, even if its table was omitted."""
    known = recipe_keys()
    whole = meant(key) or next((other for other in known if other.endswith(f".{key}")), None)
    if whole is None and (inside := [other for other in known if other.startswith(f"{key}.")]):
        return f" '{key}' is a table with the keys {', '.join(inside)}."
    if whole is None and is_layer(key):
        return f" {LAYER_HINT}"
    tables = {other.partition(".")[0] for other in known}
    return f" Did you mean '{whole}'?" if whole else nearest(key, [*known, *sorted(tables)])


_PLAIN = {"model_type": "be a table of keys", "tuple_type": "be a list in brackets"}  # for Python's names


def _explain(error: ValidationError) -> str:
    """Return pydantic's first error in one sentence, and the number of further ones."""
    problems = error.errors(include_url=False)
    first = min(
        problems, key=lambda problem: problem["type"] != "extra_forbidden"
    )  # others may follow from it
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        sentence = f"Unknown recipe key '{key}'.{_nearest(key)}"
    elif first["type"] == "missing":
        sentence = f"The recipe does not have the key '{key}'. Add it."
    else:
        needed = _PLAIN.get(first["type"]) or re.sub(r"^\w+ should |, unable to parse .*$", "", first["msg"])
        sentence = f"{key} is {first['input']!r}, but must {needed}."
    more = len(problems) - 1
    return sentence + (f" The recipe has {more} more error{'s' * (more > 1)}." if more else "")
