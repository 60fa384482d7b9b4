"""Every option of a recipe as a keyword argument in Python, for `train` and similar functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from picturewise.data.hints import LayoutName, TargetName, ValidHalf
from picturewise.data.pictures.background import Background
from picturewise.data.pictures.resize_mode import ResizeMode
from picturewise.errors import UsageError, nearest
from picturewise.recipes.options import OptimizerName
from picturewise.recipes.other_names import LAYER_HINT, is_layer, meant
from picturewise.recipes.recipe import recipe_keys

ARGUMENTS: Mapping[str, str] = {
    "data.source": "data",
    "data.group_by": "group_by",
    "model.name": "model",
    "model.layers": "layers",
    "training.epochs": "epochs",
    "seed": "seed",
}
"""The keys of a recipe that are arguments of functions, and the names of these arguments."""


class RecipeKeywords(TypedDict, total=False):
    """The options of a recipe by their names; those of `[start]` begin with `start_`, as in `start_source`.

    The tables of a recipe say what each means: `DataOptions`, `ModelOptions`, `StartOptions`, `PreparationOptions` and
    `TrainingOptions`. Omitted options are not changed; None means none for that key.
    """

    # of the table `data`
    size: tuple[int, int] | None
    resize: ResizeMode | None
    background: Background | None
    classes: Sequence[str] | None
    skip_bad: bool
    valid_fraction: float
    test_fraction: float
    split_seed: int
    valid_half: ValidHalf | None
    limit: int | None
    label_from: str | None
    label_column: str | None
    file_column: str | None
    split_column: str | None
    value_range: str | None
    layout: LayoutName | None
    target: TargetName | None
    # of the table `model`
    head: str | None
    initialisation: Literal["he", "dirac"]
    # of the table `start`
    start_source: str | None
    start_sha256: str | None
    start_lines: int | None
    start_head: Literal["new", "keep"]
    start_statistics: Literal["source", "data"] | None
    # of the table `preparation`
    grey: bool
    augmentation: Sequence[str] | None
    views: Sequence[str]
    # of the table `training`
    steps: int | None
    batch_size: int | None
    optimizer: OptimizerName | None
    learning_rate: float | None
    schedule: Literal["constant", "cosine", "one-cycle"]
    momentum: float | None
    beta2: float | None
    weight_decay: float | None
    clip_norm: float | None
    ema: float | None
    freeze: Literal["none", "backbone"]
    unfreeze_epoch: int | None
    unfreeze_gradually: bool
    backbone_rate: float | None
    freeze_statistics: bool | None
    head_fit: Literal["steps", "regression"] | None
    label_smoothing: float
    class_weights: Literal["none", "balanced"]
    folds: int | None
    keep: Literal["best", "last"]
    patience: int | None
    checkpoint_minutes: float
    engine: Literal["torch", "numpy"]
    device: Literal["auto", "cpu", "cuda"]
    threads: int | None
    shards: int | None
    distributed: Literal["exact", "fast"]
    precision: Literal["auto", "float32", "bfloat16"]


def keyword_of(key: str) -> str:
    """Return the keyword for a dotted key of a recipe.

    >>> keyword_of("training.learning_rate"), keyword_of("start.source"), keyword_of("data.source")
    ('learning_rate', 'start_source', 'data')
    """
    table, _, name = key.rpartition(".")
    return ARGUMENTS.get(key) or (f"start_{name}" if table == "start" else name)


def from_keywords(
    keywords: Mapping[str, Any], function: str, arguments: Iterable[str] | None
) -> dict[str, Any]:
    """Return the part of a recipe that keywords stand for, as `make_recipe` accepts it.

    Args:
        keywords: as `RecipeKeywords` has them, or whatever was passed in their place.
        function: that they were passed to, for errors.
        arguments: its other arguments.

    Raises:
        UsageError: there is no such option; the nearest one is suggested.

    >>> from_keywords({"learning_rate": 0.1, "start_head": "keep"}, "train", [])
    {'training': {'learning_rate': 0.1}, 'start': {'head': 'keep'}}
    """
    known = {keyword_of(key): key for key in recipe_keys() if key not in ARGUMENTS}
    part: dict[str, Any] = {}
    for name, value in keywords.items():
        if name not in known:
            offered = _offered(name, [*known, *(arguments or ())])
            raise UsageError(
                f"Unknown option '{name}' for "
                f"{function}.{offered or f' help(picturewise.{function}) lists all options.'}"
            )
        table, _, key = known[name].partition(".")
        part.setdefault(table, {})[key] = _plain(value)
    return part


def _offered(name: str, known: Sequence[str]) -> str:
    """Return the sentence that suggests the keyword that was meant, or an empty one."""
    key = meant(name)
    if key is not None and keyword_of(key) in {*known, *ARGUMENTS.values()}:
        return f" Did you mean '{keyword_of(key)}'?"
    return f" {LAYER_HINT}" if is_layer(name) else nearest(name, known)


def _plain(value: Any) -> Any:
    """Return a NumPy number, as a grid search has them, as a Python number."""
    is_number = hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "ndim", None) == 0
    return value.item() if is_number else value
