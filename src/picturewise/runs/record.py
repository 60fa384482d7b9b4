"""`RunRecord`, the content of run.json: what was trained, on which data and machine, and how far training got."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, ValidationError

from picturewise import files
from picturewise.data.dataset import Dataset
from picturewise.data.pictures.background import WHITE, Background
from picturewise.data.pictures.cut import Cut
from picturewise.errors import RunError
from picturewise.preparing.preparation import Preparation
from picturewise.results import Result
from picturewise.split_names import SplitName

FORMAT = 2
"""Format 1 had other names for recipe keys, and did not have `whole_train`."""


class SplitFacts(Result):
    """One split as the run saw it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pictures: int
    counts: dict[str, int]
    fingerprint: str


class DataFacts(Result):
    """The pictures as the run saw them, without the test split, because training does not read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, int, int] = Field(description="Height, width and channels.")
    classes: tuple[str, ...]
    splits: dict[SplitName, SplitFacts]
    whole_train: str | None = Field(
        default=None, description="SHA-256 of the source's train split before anything was held out from it."
    )
    notes: tuple[str, ...]
    skipped: int
    background: Background = Field(default=WHITE, description="The background of transparent pictures.")
    values: tuple[float, float] | None = Field(
        default=None,
        description="Stored values of black and white, if the type of the pictures does not determine them.",
    )
    cut: Cut | None = Field(
        default=None, description="What was cut out of the pictures by their boxes; none: they are whole."
    )


class SessionFacts(Result):
    """One uninterrupted part of training; a resumed run has several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: str = Field(description="Start, in UTC.")
    seconds: float = Field(description="Duration by the wall clock.")
    command: tuple[str, ...] | None = Field(
        description="Arguments of the command line; none: training was called from Python."
    )
    picturewise: str = Field(description="Version of Picturewise.")
    revision: str | None = Field(description="Git commit of Picturewise, if it runs from a clone.")
    python: str
    versions: dict[str, str] = Field(description="Versions of the packages that were loaded.")
    processor: str
    system: str


class RunRecord(Result):
    """The content of run.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    picturewise: str = Field(description="Version of Picturewise that created the run.")
    status: Literal["running", "interrupted", "diverged", "finished"] = "running"
    reason: str = Field(default="", description="Why training stopped before the last epoch, if it did.")
    data: DataFacts
    recipe_sha256: str = Field(description="SHA-256 of recipe.toml.")
    splits_sha256: str | None = Field(default=None, description="SHA-256 of splits.csv.")
    module: str | None = Field(
        default=None, description="The Python class of the network, if the network is one."
    )
    trainable_parameters: int
    fixed_parameters: int = Field(
        description="Number of values that are not trained: frozen weights and statistics."
    )
    statistics: int = Field(
        default=0,
        description="Number of values that are measured rather than trained, such as running means; they are not "
        "parameters.",
    )
    machine: dict[str, str] = Field(description="Processor, threads, number format and versions.")
    derived: tuple[str, ...] = Field(default=(), description="Recipe keys whose values Picturewise derived.")
    notes: tuple[str, ...] = Field(
        default=(), description="Differences between the run and the options that the user passed."
    )
    preparation: Preparation | None = Field(
        default=None,
        description="Preparation that the pretrained weights require; none: its values come from the training split.",
    )
    final_weights_sha256: str | None = Field(
        default=None, description="SHA-256 of the weights after the last epoch."
    )
    sessions: tuple[SessionFacts, ...] = Field(
        default=(), description="When, by which commands and with which versions the run was trained."
    )

    @property
    def parameters(self) -> int:
        """How many parameters the network has, frozen ones included, as PyTorch counts them."""
        return self.trainable_parameters + self.fixed_parameters - self.statistics


def has_record(folder: Path) -> bool:
    """Return whether a folder contains a run whose record has the current format."""
    path = folder / "run.json"
    content = files.read_json(path) if path.exists() else None
    return isinstance(content, dict) and content.get("format") == FORMAT


def read_record(path: Path) -> RunRecord:
    """Return the record in the file `path`.

    Raises:
        RunError: it is damaged, or of another format.
    """
    content = files.read_json(path)
    version = content.get("format") if isinstance(content, dict) else None
    if version != FORMAT:
        raise RunError(
            f"{path} has format {version}, but this version of Picturewise reads format {FORMAT}. Train again on the "
            "same pictures; the run's classifier.safetensors can still be evaluated and used."
        )
    try:
        return RunRecord.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise RunError(f"{path} is damaged: {where}: {problem['msg']}. Restore the original file.") from error


def data_facts(dataset: Dataset) -> DataFacts:
    """Return the facts that a run saves about its pictures: only train and validation."""
    parts = {name: part for name, part in dataset.splits().items() if name != "test"}
    return DataFacts(
        name=dataset.name,
        shape=next(iter(parts.values())).shape,
        classes=dataset.classes,
        splits={
            name: SplitFacts(pictures=len(part), counts=part.counts(), fingerprint=part.fingerprint)
            for name, part in parts.items()
        },
        whole_train=dataset.whole_train,
        notes=dataset.notes,
        skipped=len(dataset.skipped),
        background=dataset.background,
        values=dataset.values,
        cut=dataset.cut,
    )
