"""`Recipe`: all that is needed to repeat a run. Frozen in Python, TOML on disk."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sightline.data.options import DataOptions
from sightline.errors import UsageError, nearest

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]


class ModelOptions(BaseModel):
    """Which network; `layers` wins over `preset`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # TOML has no word for none, so an empty text stands for it in a recipe's file.
    preset: Annotated[str | None, BeforeValidator(lambda text: None if text == "" else text)] = Field(
        default="cnn",
        description="A preset such as 'cnn', 'mlp 256 128' or 'resnet18'; empty: layers, or a Python class.",
    )
    layers: tuple[str, ...] | None = Field(
        default=None, description="Layer lines; none: those of the preset for the size of the pictures."
    )
    initialisation: Literal["he", "dirac"] = Field(
        default="he",
        description="He: weights drawn at random, scaled to what comes in. Dirac: convolutions outside of residual "
        "blocks begin by passing on what comes in besides, channel by channel.",
    )


class StartOptions(BaseModel):
    """Which weights the first layers begin with; without a source, all are drawn from the seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = Field(
        default=None,
        min_length=1,
        description="A run's folder, a classifier's file, published weights such as 'resnet18', 'resnet18 from "
        "FILE' or 'timm NAME from FILE'; a layer line 'pretrained resnet18' names it too.",
    )
    sha256: str | None = Field(
        default=None, description="Of the weights; none: whatever the source holds, written here."
    )
    lines: int | None = Field(
        default=None,
        ge=1,
        description="How many of the layer lines take its weights; none: all that it has, put before the others.",
    )
    head: Literal["new", "keep"] = Field(
        default="new",
        description="Keep: the output layer too, class by class; a class that it does not know begins far below the "
        "others, and added layers begin by passing on what comes in, so nothing that was learned is lost at first.",
    )
    statistics: Literal["source", "data"] | None = Field(
        default=None,
        description="Whose mean and deviation pictures are normalised by: those that the weights learned with, or the "
        "data's own; none: the data's below a new output layer on a run's weights, else the source's.",
    )


class PreparationOptions(BaseModel):
    """What is done to every picture, in training and in prediction alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grey: bool = Field(default=False, description="Average the colour channels, one channel is kept.")
    augmentation: tuple[str, ...] | None = Field(
        default=None,
        description="Augmentation lines for training; empty: none; left out: gentle ones that suit the data.",
    )


class TrainingOptions(BaseModel):
    """How the network learns; what is left out is derived from the data and written into the run's recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int | None = Field(
        default=None,
        ge=0,
        le=100_000,
        description="Times through the train split; none: 5 to 50 by its size. 0 only extends what is saved.",
    )
    batch_size: int | None = Field(
        default=None,
        ge=2,
        le=65_536,
        description="Pictures a step; none: 16 to 128 by the size of the train split and of the network.",
    )
    optimizer: Literal["sgd", "rmsprop", "adam", "adamw", "muon"] | None = Field(
        default=None,
        description="None: adamw, or sgd with the engine numpy. Muon: for the hidden matrices; first and output layer, "
        "biases and normalisations go by adamw.",
    )
    learning_rate: Positive | None = Field(
        default=None,
        description="The highest rate of the schedule; none: a usual one for the optimizer. With muon it is muon's "
        "own, and a quarter of it is adamw's.",
    )
    schedule: Literal["constant", "cosine", "one-cycle"] = "one-cycle"
    momentum: Share | None = Field(
        default=None,
        description="Of sgd, rmsprop and muon; adam's first beta; none: 0.9, 0 for rmsprop, 0.95 for muon.",
    )
    beta2: Share | None = Field(
        default=None,
        description="How much of the running mean of squared gradients stays in a step, of adam, adamw and rmsprop; "
        "none: 0.999, 0.99 for rmsprop.",
    )
    weight_decay: NotNegative | None = Field(
        default=None,
        description="On weights, not on biases and normalisations; none: 0.01 for adamw and muon, else 0.",
    )
    clip_norm: Positive | None = Field(
        default=None, description="Gradients of a larger norm are scaled down to it; none: never."
    )
    ema: Share | None = Field(
        default=None,
        description="Decay of a moving average of the weights, such as 0.999, which is validated and saved in their "
        "place; none: the weights themselves.",
    )
    freeze: Literal["none", "backbone"] = Field(
        default="none", description="Backbone: the layers with pretrained weights stay as they are."
    )
    unfreeze_epoch: int | None = Field(
        default=None, ge=2, description="The epoch from which frozen layers learn too; none: never."
    )
    unfreeze_gradually: bool = Field(
        default=False,
        description="From that epoch on, each epoch one more layer learns, the last ones first.",
    )
    backbone_rate: Positive | None = Field(
        default=None,
        description="Multiple of the learning rate for layers with pretrained weights; none: 0.1 for published ones "
        "below a new output layer, else 1.",
    )
    label_smoothing: Share = Field(default=0.0, description="Share of the target spread over all classes.")
    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="Balanced: rare classes count more, N / (classes · pictures of the class).",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop when validation accuracy has not risen for this many epochs; none: never.",
    )
    checkpoint_minutes: Positive = Field(
        default=10, description="Save at least this often inside a long epoch; each epoch ends with a save."
    )
    engine: Literal["torch", "numpy"] = Field(
        default="torch",
        description="Numpy: the reference network, for reading and checking; sgd, float32, no frozen layers.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Auto: a GPU where there is one."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Of the forward and backward pass; auto: bfloat16 where it is fast."
    )


class Recipe(BaseModel):
    """All that is needed to repeat a run: data, model, preparation, training options, seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, lt=2**31)
    data: DataOptions
    model: ModelOptions = ModelOptions()
    start: StartOptions = StartOptions()
    preparation: PreparationOptions = PreparationOptions()
    training: TrainingOptions = TrainingOptions()

    def to_toml(self) -> str:
        """Return the recipe as TOML; `recipe_from_toml` reads it back."""
        plain = self.model_dump(mode="json", exclude_none=True)
        plain["model"].setdefault("preset", "")
        return tomli_w.dumps(plain)


def recipe_from_toml(path: Path) -> dict[str, Any]:
    """Return the plain content of a recipe file, not yet checked; see `make_recipe`.

    Raises:
        UsageError: the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The recipe {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise UsageError(f"The recipe {path} is not TOML: {error}.") from error


def make_recipe(*layers: Mapping[str, Any]) -> Recipe:
    """Return the recipe that nested mappings describe; later ones win, key by key, a preset over layers too.

    Raises:
        UsageError: an unknown key (the nearest one is offered), or a value that does not fit its key.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        model = layer.get("model") or {}
        if model.get("preset") and "layers" not in model:
            merged.get("model", {}).pop("layers", None)  # a preset named later wins over layers named before
        if model.get("preset") or model.get("layers"):
            merged.pop("start", None)  # and so does either over the weights that were for others
        _merge(merged, layer)
    try:
        return Recipe.model_validate(merged)
    except ValidationError as error:
        raise UsageError(_explain(error)) from error


def parse_setting(key: str, value: Any) -> dict[str, Any]:
    """Return the nested mapping of one setting; a text is read as TOML where that gives what the key takes.

    Raises:
        UsageError: the key is no key of a recipe.

    >>> parse_setting("training.learning_rate", "0.01")
    {'training': {'learning_rate': 0.01}}
    >>> parse_setting("model.preset", "mlp 256")
    {'model': {'preset': 'mlp 256'}}
    """
    key, known = key.strip(), _keys(Recipe, "")
    if key not in known:
        raise UsageError(f"'{key}' is no key of a recipe; there are {', '.join(known)}.{_nearest(key)}")
    if isinstance(value, str):
        value = _from_text(value.strip(), words=known[key])
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def _from_text(text: str, *, words: bool) -> Any:
    """Return what a text says in TOML; one that is not TOML, or no text where `words` are wanted, as it is."""
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


def _keys(model: type[BaseModel], prefix: str) -> dict[str, bool]:
    """Return every key below a model in dotted form, and whether it takes any text."""
    keys: dict[str, bool] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys |= _keys(field.annotation, f"{prefix}{name}.")
        else:
            keys[prefix + name] = str in {field.annotation, *get_args(field.annotation)}
    return keys


def _merge(into: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        if not isinstance(value, Mapping):
            into[key] = value
            continue
        if not isinstance(into.get(key), dict):
            into[key] = {}
        _merge(into[key], value)


def _nearest(key: str) -> str:
    """Return the sentence that offers the key that was probably meant, also where its table was forgotten."""
    known = recipe_keys()
    whole = next((other for other in known if other.endswith(f".{key}")), None)
    if whole is None and (inside := [other for other in known if other.startswith(f"{key}.")]):
        return f" In it there are {', '.join(inside)}."
    tables = {other.partition(".")[0] for other in known}
    return f" Did you mean '{whole}'?" if whole else nearest(key, [*known, *sorted(tables)])


_PLAIN = {"model_type": "a table of keys", "tuple_type": "a list in brackets"}  # for Python's names


def _explain(error: ValidationError) -> str:
    """Return the first complaint of pydantic in one sentence, and how many more there are."""
    problems = error.errors(include_url=False)
    first = problems[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        sentence = f"'{key}' is no key of a recipe.{_nearest(key)}"
    elif first["type"] == "missing":
        sentence = f"The recipe lacks '{key}'."
    else:
        expected = _PLAIN.get(first["type"], first["msg"])
        expected = expected.removeprefix("Input should be ").removeprefix("Tuple should have ")
        sentence = f"{key} is {first['input']!r}, expected {expected[:1].lower()}{expected[1:]}."
    more = len(problems) - 1
    return sentence + (f" ({more} more of this kind.)" if more else "")
