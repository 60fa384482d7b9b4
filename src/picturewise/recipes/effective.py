"""`EffectiveRecipe`: a recipe with all values derived. A run is trained with it and keeps it."""

from __future__ import annotations

from pydantic import Field, ValidationError

from picturewise.errors import UsageError
from picturewise.recipes.options import (
    BatchSize,
    Epochs,
    NotNegative,
    OptimizerName,
    Positive,
    PreparationOptions,
    Share,
    TrainingOptions,
)
from picturewise.recipes.recipe import Recipe


class EffectivePreparation(PreparationOptions):
    """How every picture is prepared, with the augmentation derived."""

    augmentation: tuple[str, ...] = Field(
        description="Augmentation lines for training; empty: no augmentation."
    )


class EffectiveTraining(TrainingOptions):
    """How the network is trained, with a value for everything that training needs; see `TrainingOptions`."""

    epochs: Epochs
    batch_size: BatchSize
    optimizer: OptimizerName
    learning_rate: Positive
    momentum: Share
    weight_decay: NotNegative


class EffectiveRecipe(Recipe):
    """A recipe with all values derived; without layer lines the network is a Python class."""

    preparation: EffectivePreparation
    training: EffectiveTraining


def effective_recipe(recipe: Recipe) -> EffectiveRecipe:
    """Return a recipe that leaves nothing to derive, as the type that guarantees this; no value changes.

    Raises:
        UsageError: it leaves something open; the message names the keys.
    """
    try:
        return EffectiveRecipe.model_validate(recipe.model_dump())
    except ValidationError as error:
        keys = (".".join(map(str, problem["loc"])) for problem in error.errors(include_url=False))
        raise UsageError(f"The recipe does not have values for {', '.join(keys)}. Add them.") from error
