"""`Candidates`: from the values that a search suggests to the recipe of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from picturewise.architectures.layers import Shape
from picturewise.architectures.width import can_be_widened, widened
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import UsageError
from picturewise.preparing import augmentation, views
from picturewise.preparing.strength import strengthened
from picturewise.recipes.effective import EffectiveRecipe
from picturewise.recipes.recipe import Recipe, flat, make_recipe
from picturewise.tasks import default_network
from picturewise.training.make_learner import derive_for
from picturewise.tuning.space import AUGMENTATION, DEFAULT, MODEL, RATE, SCALES, WIDTH, Choices, Range, Space

_DIGITS = 4
"""Significant digits of learning rates."""


@dataclass(frozen=True)
class Candidates:
    """The recipes that a space describes for some pictures.

    Attributes:
        space: without options that the user has fixed.
        defaults: choice of `model.name` → the recipe that training would use by default.
        train: the pictures.
        notes: what was left out of the space, in sentences.
    """

    space: Space
    defaults: Mapping[str, EffectiveRecipe]
    train: ImageSet
    notes: tuple[str, ...] = ()

    @property
    def default(self) -> EffectiveRecipe:
        """The recipe that training would use without a search."""
        return self.defaults[DEFAULT]

    def options(self, model: str) -> dict[str, Choices | Range]:
        """Return the options, other than the network, that change what is trained for a choice of `model.name`."""
        recipe = self.defaults[model]
        if recipe.training.head_fit == "regression":  # fitted at once, without steps
            return {}
        fits = {
            AUGMENTATION: bool(recipe.preparation.augmentation),
            WIDTH: recipe.start.source is None and can_be_widened(recipe.model.layers or ()),
        }
        return {
            key: values
            for key, values in self.space.options.items()
            if key not in {MODEL, "model.layers"} and fits.get(key, True)
        } | {key: values for key, values in self.space.options.items() if key == "model.layers"}

    def default_values(self) -> dict[str, Any]:
        """Return the values of the default recipe; those that the space does not contain are left out."""
        own = flat(self.default)
        values = {key: 1.0 if key in SCALES else own[key] for key in self.options(DEFAULT)}
        values |= {MODEL: DEFAULT} if MODEL in self.space.options else {}
        found = {key: self.space.options[key].as_own(value) for key, value in values.items()}
        return {key: value for key, value in found.items() if value is not None}

    def recipe(self, values: Mapping[str, Any]) -> EffectiveRecipe:
        """Return the recipe of a trial.

        Args:
            values: dotted key → value, as the space has them; what is missing is as in the default recipe.

        Raises:
            UsageError: the values do not go together, or do not fit the pictures.
        """
        base = self.defaults[values.get(MODEL, DEFAULT)]
        layers: list[dict[str, Any]] = []
        for key, value in values.items():
            if key != MODEL:
                table, name, changed = self._changed(base, key, value)
                layers.append({table: {name: changed}})
                if table == "model" and name == "layers" and changed != base.model.layers:
                    layers.append({"model": {"name": None}})
        plain = base.model_dump()
        merged = _merged(plain, layers)
        return derive_for(Recipe(**merged), self.train)[0]

    def _changed(self, base: EffectiveRecipe, key: str, value: Any) -> tuple[str, str, Any]:
        """Return table, name and value of the key of a recipe that an option sets."""
        table, _, name = SCALES.get(key, key).partition(".")
        if key == RATE:
            value = float(f"{base.training.learning_rate * value:.{_DIGITS}g}")
        elif key == AUGMENTATION:
            lines = augmentation.parse(base.preparation.augmentation)
            value = [item.line for item in strengthened(lines, value, _shape(base, self.train))]
        elif key == WIDTH:
            value = widened(base.model.layers or (), value)
        return table, name, value


def make_candidates(space: Space, recipe: Recipe, dataset: Dataset) -> Candidates:
    """Return the recipes that a space describes for the pictures, after trying the ends of every option.

    Args:
        space: as it was read.
        recipe: of the user, without derived options; what it sets is fixed.
        dataset: with train.

    Raises:
        UsageError: a network or a value does not fit the pictures, or the user has fixed every option.
    """
    train = dataset.split("train")
    fixed = _fixed(space, recipe)
    notes = tuple(
        f"{SCALES.get(key, key)} was set for the whole search, so {key} is not searched."
        for key in space.options
        if key in fixed
    )
    space = space.without(fixed)
    if not space.options:
        raise UsageError(
            "Every option of the search space was also set for the whole search. Omit some of them."
        )
    names = space.models if MODEL in space.options else (DEFAULT,)
    default = _default(recipe, dataset)
    defaults = {DEFAULT: default}
    for name in names:
        if name != DEFAULT:
            found = _named(name, recipe, default, train)
            if found == default:
                notes += (f"{name} is the default network, so it is not searched a second time.",)
                continue
            defaults[name] = found
    if MODEL in space.options:
        kept = Choices(tuple(name for name in dict.fromkeys((DEFAULT, *names)) if name in defaults))
        space = Space(
            {key: kept if key == MODEL else values for key, values in space.options.items()}, space.text
        )
    found_candidates = Candidates(space, defaults, train, notes)
    _try_ends(found_candidates)
    return found_candidates


def _default(recipe: Recipe, dataset: Dataset) -> EffectiveRecipe:
    """Return what `picturewise train` would train, with a validation split instead of folds."""
    if default_network.is_open(recipe):
        recipe, _ = default_network.chosen(recipe, dataset)
    return _derived(recipe, dataset.split("train"))


def _named(name: str, recipe: Recipe, default: EffectiveRecipe, train: ImageSet) -> EffectiveRecipe:
    """Return what training would use by default with a named network.

    Its augmentation is that of the default network: whether pictures may be mirrored is asked once, because it
    takes seconds.
    """
    layers = [recipe.model_dump(exclude_unset=True), {"model": {"name": name, "layers": None}}]
    if default.training.head_fit != "regression":
        settled = {"augmentation": default.preparation.augmentation, "views": default.preparation.views}
        layers.append({"preparation": settled})
    return _derived(make_recipe(*layers), train)


def _derived(recipe: Recipe, train: ImageSet) -> EffectiveRecipe:
    folds = recipe.training.model_copy(update={"folds": 0})
    return _settled(derive_for(recipe.model_copy(update={"training": folds}), train)[0])


def _settled(recipe: EffectiveRecipe) -> EffectiveRecipe:
    """Return a recipe whose flips say 'always', as those that do not suit the pictures have been left out."""
    lines = augmentation.parse(recipe.preparation.augmentation)
    mirror = views.parse(recipe.preparation.views)
    update = {
        "augmentation": tuple(
            replace(item, always=item.always or item.may_change_class).line for item in lines
        ),
        "views": replace(mirror, always=mirror.mirror).lines,
    }
    return recipe.model_copy(update={"preparation": recipe.preparation.model_copy(update=update)})


def _fixed(space: Space, recipe: Recipe) -> set[str]:
    """Return the options of a space that the user has set for the whole search."""
    said = {
        f"{table}.{name}" for table in ("model", "preparation", "training") for name in _said(recipe, table)
    }
    if recipe.model.model_fields_set & {"name", "layers"} or recipe.start.source is not None:
        said |= {MODEL, "model.layers"} if recipe.model.layers is not None else {MODEL}
    return {key for key in space.options if SCALES.get(key, key) in said}


def _said(recipe: Recipe, table: str) -> set[str]:
    part = getattr(recipe, table)
    return {name for name in part.model_fields_set if getattr(part, name) is not None}


def _try_ends(candidates: Candidates) -> None:
    """Check each network with both ends of every option, one option at a time.

    Raises:
        UsageError: an option or a layer does not fit the pictures.
    """
    for model in candidates.defaults:
        for key, values in candidates.options(model).items():
            for value in values.values if isinstance(values, Choices) else (values.low, values.high):
                try:
                    candidates.recipe({MODEL: model, key: value})
                except UsageError as error:
                    raise UsageError(
                        f"{key} = {value!r} does not fit the network {model}: {error}"
                    ) from error


def _shape(recipe: Recipe, train: ImageSet) -> Shape:
    height, width, channels = train.shape
    return height, width, 1 if recipe.preparation.grey else channels


def _merged(plain: dict[str, Any], layers: list[dict[str, Any]]) -> dict[str, Any]:
    for layer in layers:
        for table, keys in layer.items():
            plain[table] = {**plain[table], **keys}
    return plain
