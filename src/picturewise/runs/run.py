"""`Run`: the folder of one training run.

recipe.toml               all that is needed to repeat it
run.json                  what was trained on what, where, and how far it came
splits.csv                which pictures it learned from: name, hash of the pixels, split
history.csv               one row an epoch
checkpoints/              to go on from
classifier.safetensors    the best epoch so far
evaluation.json           after `evaluate`, with probabilities.npy beside it
skipped.csv               files left out with skip_bad
figures/, report.html
tensorboard/, mlflow.json if it is tracked
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import filelock
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from picturewise import files
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import Summary, summarise
from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.errors import DataError, RunError, SaveError, UsageError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.file_format import FILE_NAME, stored_sha256
from picturewise.preparing.preparation import Preparation
from picturewise.recipes.effective import EffectiveRecipe, effective_recipe
from picturewise.recipes.recipe import make_recipe, recipe_from_toml
from picturewise.runs.history import Epoch, read_csv, to_csv
from picturewise.runs.split_table import read_learned, write_splits
from picturewise.split_names import SplitName
from picturewise.targets.one_class import OneClass
from picturewise.untrusted.npy import decode_npy

if TYPE_CHECKING:
    from torch import nn

FORMAT = 2


class SplitFacts(BaseModel):
    """One split as the run saw it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pictures: int
    counts: dict[str, int]
    fingerprint: str


class DataFacts(BaseModel):
    """The pictures as the run saw them; the test split is not among them, since training does not read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, int, int] = Field(description="Height, width, channels.")
    classes: tuple[str, ...]
    splits: dict[SplitName, SplitFacts]
    whole_train: str | None = Field(
        default=None, description="SHA-256 of the source's train split before anything was held out from it."
    )
    notes: tuple[str, ...]
    skipped: int


class StoredEvaluation(BaseModel):
    """The content of evaluation.json: an evaluation, and what it belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classifier_sha256: str = Field(description="Of the weights that were evaluated.")
    probabilities_sha256: str = Field(description="Of the file of probabilities beside it.")
    evaluation: Evaluation


class RunRecord(BaseModel):
    """The content of run.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    picturewise: str = Field(description="The version that trained.")
    status: Literal["running", "interrupted", "diverged", "finished"] = "running"
    reason: str = Field(default="", description="Why it stopped before its last epoch, if it did.")
    data: DataFacts
    recipe_sha256: str = Field(description="Of recipe.toml.")
    splits_sha256: str | None = Field(default=None, description="Of splits.csv.")
    module: str | None = Field(default=None, description="The Python class of the network, if it is one.")
    trainable_parameters: int
    fixed_parameters: int = Field(description="Numbers that are not trained, such as running means.")
    machine: dict[str, str] = Field(description="Processor, threads, number format, versions.")
    derived: tuple[str, ...] = Field(
        default=(), description="Keys of the recipe that were left to Picturewise."
    )
    notes: tuple[str, ...] = Field(default=(), description="What was decided against the user's wish.")
    preparation: Preparation | None = Field(
        default=None,
        description="That of pretrained weights; none: its numbers are those of the train split.",
    )
    final_weights_sha256: str | None = Field(default=None, description="Of the weights after the last epoch.")


class Run:
    """The folder of one training run, read from disk as it is asked for.

    Attributes:
        path: the folder.
        source: the pictures, if they were passed from Python; no file has them, so a run that is opened has None.
    """

    def __init__(self, path: Path, source: Source | None = None) -> None:
        self.path, self.source = path, source

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def recipe(self) -> EffectiveRecipe:
        """The recipe that it trains by, every derived value filled in."""
        path = self.path / "recipe.toml"
        try:
            recipe = make_recipe(recipe_from_toml(path))
        except UsageError as error:
            raise RunError(f"{self.path} is damaged: {error}") from error
        try:
            return effective_recipe(recipe)
        except UsageError as error:
            raise RunError(f"{path} is damaged: {error}") from error

    @property
    def record(self) -> RunRecord:
        """What was trained on what, where, and how far it came."""
        path = self.path / "run.json"
        content = files.read_json(path)
        version = content.get("format") if isinstance(content, dict) else None
        if version != FORMAT:
            raise RunError(
                f"{path} has format {version}, and this version reads format {FORMAT}. To make the run again, train "
                "on its pictures with its options; its classifier.safetensors can still be evaluated and used."
            )
        try:
            return RunRecord.model_validate_json(path.read_bytes())
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(map(str, problem["loc"]))
            raise RunError(f"{path} is damaged: {where}: {problem['msg']}.") from error

    def checked(self) -> Run:
        """Return this run after making sure that its record and its recipe can be read and belong together.

        Raises:
            RunError: they are damaged or of another version.
        """
        record, _ = self.record, self.recipe
        if files.sha256(self.path / "recipe.toml") != record.recipe_sha256:
            raise RunError(
                f"{self.path / 'recipe.toml'} is damaged or was changed since the run began (its SHA-256 differs): "
                "bring the old one back; to train with another recipe, start a new run with --recipe."
            )
        return self

    def summary(self) -> Summary | None:
        """Return the layer table, or None if the network is a Python class."""
        recipe, data = self.recipe, self.record.data
        if recipe.model.layers is None:
            return None
        height, width, channels = data.shape
        shape = (height, width, 1 if recipe.preparation.grey else channels)
        return summarise(parse(recipe.model.layers), shape, OneClass(data.classes).output_line)

    def check_pictures(self, dataset: Dataset) -> None:
        """Check that the splits which the run saw in training are the same in `dataset`, as far as it has them.

        Raises:
            DataError: one is not.
        """
        for name, facts in self.record.data.splits.items():
            part = dataset.splits().get(name)
            if part is not None and part.fingerprint != facts.fingerprint:
                raise DataError(
                    f"The {name} pictures in {self.recipe.data.source or 'memory'} are not the ones that {self.path} "
                    "was trained on (their SHA-256 differs): bring the old ones back, or train a new run."
                )

    @property
    def history(self) -> list[Epoch]:
        """The finished epochs."""
        path = self.path / "history.csv"
        return read_csv(path) if path.exists() else []

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def classifier_path(self) -> Path:
        """The file of the best epoch's classifier."""
        return self.path / FILE_NAME

    def classifier(self, network: nn.Module | None = None) -> Classifier:
        """Return the classifier of the best epoch; see `load_classifier`.

        Raises:
            RunError: there is none yet, or its file is damaged.
        """
        if not self.classifier_path.exists():
            begun = self.record.status in {"running", "interrupted"} and not self.history
            raise RunError(
                f"{self.path} has no classifier yet: no epoch is finished. Go on with: picturewise resume {self.path}"
                if begun
                else f"{self.path} has no classifier.safetensors (the run is {self.record.status}). "
                f"Train again with: picturewise train --recipe {self.path / 'recipe.toml'}"
            )
        return load_classifier(self.classifier_path, network)

    def learned(self) -> NDArray[np.uint8] | None:
        """Return the digests (N, 16) of all train and validation pictures, see `Traits`.

        Returns:
            None where splits.csv is missing or is not the one that was written: then they are not known.
        """
        return read_learned(self.path / "splits.csv", self.record.splits_sha256)

    def classifier_sha256(self) -> str | None:
        """Return the SHA-256 of the classifier's weights, or None if there is no classifier yet."""
        return stored_sha256(self.classifier_path) if self.classifier_path.exists() else None

    def skipped(self) -> list[tuple[str, str]]:
        """Return the files that were left out with skip_bad, and why.

        Raises:
            RunError: skipped.csv is damaged.
        """
        path = self.path / "skipped.csv"
        if not path.exists():
            return []
        try:
            with path.open(newline="", encoding="utf-8") as file:
                return [(row["file"], row["reason"]) for row in csv.DictReader(file)]
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}.") from error
        except (KeyError, ValueError, csv.Error) as error:
            raise RunError(f"{path} is damaged: its rows are not file and reason ({error}).") from error

    def evaluation(self, split: SplitName = "test") -> Evaluation | None:
        """Return what `evaluate` found for the classifier as it is now, or None if it has not been asked.

        Raises:
            RunError: the file is damaged.
        """
        stored = self._stored(split)
        if stored is None or stored.classifier_sha256 != self.classifier_sha256():
            return None  # the run went on since, and the best epoch is another one
        return stored.evaluation

    def probabilities(self, split: SplitName = "test") -> NDArray[np.float32]:
        """Return the (N, K) probabilities that belong to `evaluation`.

        Raises:
            RunError: the file is missing, damaged, or belongs to another evaluation.
        """
        path, stored = self._probabilities_path(split), self._stored(split)
        try:
            content = path.read_bytes()
        except OSError:
            content = b""
        missing = RunError(
            f"{path} is missing or damaged; make it anew with: picturewise evaluate {self.path}"
        )
        if stored is None or hashlib.sha256(content).hexdigest() != stored.probabilities_sha256:
            raise missing
        try:
            table = decode_npy(content, str(path))
        except DataError as error:
            raise missing from error
        if table.dtype != np.float32 or table.ndim != 2:
            raise missing
        return table

    def save_evaluation(self, evaluation: Evaluation, probabilities: NDArray[np.float32]) -> None:
        """Keep an evaluation of the classifier as it is now, and the probabilities that it was made from."""
        split: SplitName = evaluation.split  # type: ignore[assignment]  # any text fits an Evaluation
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, probabilities, allow_pickle=False)
        files.write_bytes(self._probabilities_path(split), buffer.getvalue())
        stored = StoredEvaluation(
            classifier_sha256=self.classifier_sha256() or "",
            probabilities_sha256=hashlib.sha256(buffer.getvalue()).hexdigest(),
            evaluation=evaluation,
        )
        files.write_text(self._evaluation_path(split), stored.model_dump_json(indent=1) + "\n")

    def _stored(self, split: SplitName) -> StoredEvaluation | None:
        path = self._evaluation_path(split)
        if not path.exists():
            return None
        try:
            return StoredEvaluation.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            reason = error.strerror if isinstance(error, OSError) else error.errors()[0]["msg"]
            raise RunError(
                f"{path} is damaged ({reason}); make it anew with: picturewise evaluate {self.path}"
            ) from error

    def save_history(self, history: list[Epoch]) -> None:
        """Write history.csv anew."""
        files.write_text(self.path / "history.csv", to_csv(history))

    def save_record(self, record: RunRecord) -> None:
        """Write run.json anew."""
        files.write_text(self.path / "run.json", record.model_dump_json(indent=1) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """In the block, no other process trains in this folder; leftovers of an interrupted write are swept.

        Raises:
            UsageError: another process does.
            SaveError: the folder cannot be written.
        """
        lock = filelock.FileLock(self.path / ".lock", blocking=False)
        try:
            lock.acquire()
        except filelock.Timeout as error:
            raise UsageError(
                f"Another process is training in {self.path}; wait for it or stop it."
            ) from error
        except OSError as error:
            raise SaveError(f"{self.path} cannot be written: {error.strerror or error}.") from error
        try:
            for folder in (self.path, self.checkpoints, self.path / "figures"):
                files.sweep(folder)
            yield
        finally:
            lock.release()

    def _evaluation_path(self, split: SplitName) -> Path:
        return self.path / ("evaluation.json" if split == "test" else f"evaluation-{split}.json")

    def _probabilities_path(self, split: SplitName) -> Path:
        return self.path / ("probabilities.npy" if split == "test" else f"probabilities-{split}.npy")


def create_run(
    path: Path, recipe: EffectiveRecipe, record: RunRecord, dataset: Dataset
) -> tuple[Run, RunRecord]:
    """Write what is known before training into the folder `path`; return the run and its record as it was written."""
    run = Run(path)
    record = record.model_copy(update={"splits_sha256": write_splits(path / "splits.csv", dataset)})
    files.write_text(path / "recipe.toml", recipe.to_toml())
    if dataset.skipped:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["file", "reason"])
        writer.writerows((item.path, item.reason) for item in dataset.skipped)
        files.write_text(path / "skipped.csv", text.getvalue())
    run.save_record(record)
    return run, record


def open_run(path: str | Path) -> Run:
    """Return the run in the folder `path`.

    Raises:
        RunError: there is no run, or it is of another version or damaged.
    """
    path = Path(path)
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing"
        raise RunError(
            f"{path} is no run folder: found {found}, expected a folder that 'picturewise train' made."
        )
    if not (path / "run.json").exists():
        raise RunError(
            f"{path} is no run folder: it has no run.json. Run folders are made by 'picturewise train'."
        )
    return Run(path).checked()  # now, so that nothing is begun on a damaged run


def data_facts(dataset: Dataset) -> DataFacts:
    """Return what a run keeps of its pictures: train and validation only."""
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
    )
