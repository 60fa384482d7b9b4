"""`Study`: several recipes and what they share, as a TOML file; users' studies have the same form as the packaged ones.

title = "…"                     of the report
about = "…"                     what is asked, and whose project it was
seeds = 1                       runs of each model, with the seeds 0, 1, …

[recipe.data]                   keys of a recipe that all models share, as docs/reference/recipe.md lists them
source = "mnist"

[quick.training]                keys that `--quick` sets for every model
epochs = 2

[[models]]
name = "dense"                  of the run's folder and in the report
about = "…"                     what is special about it
alone = true                    take only the pictures from the shared recipe
begins_with = "other"           begin with the trained network of this model, from the same study and seed
slides = "other"                train nothing: move this model's classifier of single symbols over pictures of sequences
published = { accuracy = 0.979, loss = 0.148, epochs = 20, note = "…" }         or a list of several
as_published.training.keep = "last"     keys that `--as-published` sets in a second run of the model
recipe.model.layers = [ … ]     keys of its own
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from picturewise.errors import UsageError, nearest
from picturewise.recipes.recipe import Recipe, make_recipe
from picturewise.results import Result
from picturewise.toml_files import parse_toml, read_toml

SUFFIX = ".toml"
QUICK: dict[str, Any] = {"data": {"limit": 1000}, "training": {"epochs": 2}}
"""What `--quick` sets in the recipes of a study that does not have its own `quick`."""

_Share = Annotated[float, Field(ge=0, le=1)]


AS_PUBLISHED = "-as-published"
"""What follows a model's name in the name of its run with the published options."""


class PublishedResult(Result):
    """Results that others published for a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accuracy: _Share | None = None
    loss: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    train_accuracy: _Share | None = Field(default=None, description="Accuracy on the training pictures.")
    epochs: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="The epoch of these results."
    )
    steps: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Batches until then.")
    pictures: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="Training pictures of the author, before a validation split was held out from them.",
    )
    note: str = Field(default="", description="Conditions of the published result.")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class StudyModel(BaseModel):
    """One model of a study."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")
    about: str = ""
    alone: bool = False
    begins_with: str | None = None
    slides: str | None = Field(
        default=None, description="The model whose classifier of single symbols is moved over the pictures."
    )
    published: Annotated[tuple[PublishedResult, ...], BeforeValidator(_listed)] = ()
    as_published: dict[str, Any] = Field(
        default={}, description="Recipe keys of the author's run that differ from those of this study."
    )
    recipe: dict[str, Any] = {}

    @property
    def comes_after(self) -> str | None:
        """The model that must be trained before, because this one takes its network."""
        return self.begins_with or self.slides


class Study(BaseModel):
    """The content of a study file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1)
    about: str = ""
    seeds: int = Field(default=1, ge=1, le=100)
    recipe: dict[str, Any] = {}
    quick: dict[str, Any] = QUICK
    needs: dict[str, str] = Field(
        default={}, description="Name of a source outside the catalogue → its description and origin."
    )
    models: tuple[StudyModel, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_each_model_once(self) -> Self:
        known: list[str] = []
        for model in self.models:
            if model.name in known:
                raise _problem(f"two models have the name '{model.name}'")
            if model.comes_after is not None and model.comes_after not in known:
                raise _problem(
                    f"model '{model.name}' {'begins with' if model.begins_with else 'slides'} '{model.comes_after}', "
                    f"which is not an earlier model{_those(known)}"
                )
            if model.slides is not None:
                _check_sliding(model, self.model(model.slides))
            if model.as_published and not model.published:
                raise _problem(f"model '{model.name}' has as_published, but nothing that was published")
            if model.name.endswith(AS_PUBLISHED):
                raise _problem(
                    f"the name '{model.name}' ends with '{AS_PUBLISHED}', which --as-published adds"
                )
            known.append(model.name)
        return self

    def model(self, name: str) -> StudyModel:
        """Return the model with that name, which must be in the study."""
        return next(model for model in self.models if model.name == name)

    def recipe_of(self, model: StudyModel, seed: int, *, quick: bool, as_published: bool = False) -> Recipe:
        """Return the complete recipe of a model, without the network that it begins with.

        Args:
            model: of this study.
            seed: of the run.
            quick: with the keys of `quick` over all others.
            as_published: with the keys of `as_published` over its own.

        Raises:
            UsageError: a key or a value is not valid; the message names the model.
        """
        try:
            shared = {"data": self.recipe.get("data", {})} if model.alone else self.recipe
            over = model.as_published if as_published else {}
            return make_recipe(shared, model.recipe, over, {"seed": seed}, self.quick if quick else {})
        except UsageError as error:
            raise UsageError(f"Model '{model.name}' of the study: {error}") from error

    def to_toml(self) -> str:
        """Return the study as TOML; `parse_study` reads it back."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def packaged() -> dict[str, Study]:
    """Return the studies that come with Picturewise, by name."""
    folder = resources.files("picturewise.studies")
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(SUFFIX)), key=lambda file: file.name
    )
    return {
        file.name.removesuffix(SUFFIX): parse_study(file.read_text(encoding="utf-8"), file.name)
        for file in files
    }


def read_study(name: str | Path) -> tuple[str, Study]:
    """Return the name and the content of a packaged study, or of a study file.

    Raises:
        UsageError: there is neither, the file is not TOML, or it has a key that studies do not have.
    """
    path = Path(name)
    if not (path.suffix == SUFFIX or path.exists()):
        known = packaged()
        if str(name) in known:
            return str(name), known[str(name)]
        raise UsageError(
            f"Unknown study '{name}'. Choose from {', '.join(known)}, or pass a study file whose name ends in "
            f"{SUFFIX}.{nearest(str(name), known)}"
        )
    return path.stem, _checked(read_toml(path, "study"), str(path))


def parse_study(text: str, where: str) -> Study:
    """Return the study that a TOML text describes.

    Args:
        text: of the file.
        where: its name in errors.

    Raises:
        UsageError: it is not TOML, or a key is unknown or a value not valid, in the study or in one of its recipes.
    """
    return _checked(parse_toml(text, f"The study {where}"), where)


def _checked(plain: dict[str, Any], where: str) -> Study:
    try:
        study = Study.model_validate(plain)
    except ValidationError as error:
        raise UsageError(f"The study {where} cannot be used: {_explained(error)}") from error
    for model in study.models:
        study.recipe_of(model, 0, quick=True, as_published=True)
        recipe = study.recipe_of(model, 0, quick=False)
        if model.begins_with is not None and recipe.start.source is not None:
            raise UsageError(
                f"Model '{model.name}' of the study has both begins_with and start.source. Remove one of them."
            )
    return study


def _those(known: list[str]) -> str:
    return f" (the earlier models: {', '.join(known)})" if known else ""


def _check_sliding(model: StudyModel, trained: StudyModel) -> None:
    """Check that a model without a training of its own does not have options for one."""
    if trained.slides is not None:
        raise _problem(f"model '{model.name}' slides '{trained.name}', which is not trained itself")
    for key, given in (("begins_with", model.begins_with), ("as_published", model.as_published)):
        if given:
            raise _problem(f"model '{model.name}' has both slides and {key}; remove one of them")
    if strange := [key for key in model.recipe if key != "data"]:
        raise _problem(
            f"model '{model.name}' slides '{trained.name}' and is not trained, so recipe.{strange[0]} has no effect; "
            "only recipe.data may be set"
        )


def _problem(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("study", "{sentence}", {"sentence": sentence})


def _explained(error: ValidationError) -> str:
    """Return pydantic's first error in words."""
    first = error.errors(include_url=False)[0]
    place = [str(part) if isinstance(part, str) else f"number {part + 1}" for part in first["loc"]]
    where = ".".join(place).replace(".number", " number")
    if first["type"] == "extra_forbidden":
        tables: dict[str, type[BaseModel]] = {"models": StudyModel, "published": PublishedResult}
        known = tables.get(_table(first["loc"]), Study).model_fields
        return f"unknown key '{where}'. Choose from {', '.join(known)}.{nearest(place[-1], known)}".rstrip(
            "."
        )
    if first["type"] == "missing":
        return f"'{where}' is missing."
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{message}." if first["type"] == "study" else f"'{where}' is {first['input']!r}: {message}."


def _table(place: tuple[int | str, ...]) -> str:
    """Return the innermost named table of a key."""
    return next((part for part in reversed(place[:-1]) if isinstance(part, str)), "")
