"""`Run`: the folder of one training run.

recipe.toml               everything that is needed to repeat the run
run.json                  what was trained, on which data and machine, and how far training got
splits.csv                which pictures it was trained on: name, hash of the pixels, split
history.csv               one row per epoch
checkpoints/              to resume from
folds/                    if it is cross-validated: what the networks of the folds predicted, and their checkpoints
classifier.safetensors    the best epoch so far, or the last one if the recipe says so
evaluation.json           after `evaluate`, together with probabilities.npy
skipped.csv               files left out with skip_bad
figures/, report.html
tensorboard/, mlflow.json if it is tracked
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from picturewise import files
from picturewise.architectures.heads import target_name
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import Summary, summarise
from picturewise.arguments import checked
from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.errors import DataError, RunError, UsageError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.file_names import text_of
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.file_format import FILE_NAME, stored_sha256
from picturewise.recipes.effective import EffectiveRecipe, effective_recipe
from picturewise.recipes.recipe import flat, make_recipe, recipe_from_toml
from picturewise.reprs import PARTIAL, never_raises, offered
from picturewise.runs import evaluations
from picturewise.runs.history import Epoch, kept_epoch, read_csv, to_csv
from picturewise.runs.lock import FolderLock
from picturewise.runs.new_run import RECORD, finish_start
from picturewise.runs.places import check_files, inside
from picturewise.runs.record import RunRecord, read_record
from picturewise.runs.run_figures import RunFigures
from picturewise.runs.skipped import read_skipped
from picturewise.runs.split_table import LEARNED, read_learned
from picturewise.split_names import SplitName
from picturewise.targets import OneClass, Target, make_target
from picturewise.targets.sequences import is_sequences
from picturewise.targets.words import Nouns, nouns

if TYPE_CHECKING:
    from torch import nn


_FILES = (
    *(RECORD, "recipe.toml", "splits.csv", "skipped.csv", "history.csv", FILE_NAME, "mlflow.json"),
    *evaluations.FILES,
)
"""The files that are read from a run; they must be regular files."""
_INTERNAL = (
    *(
        "check_pictures",
        "checked",
        "checkpoints",
        "evaluated",
        "learned",
        "locked",
        "nouns",
        "save_evaluation",
    ),
    *("save_history", "save_record", "target", "tensorboard", "training_run"),
)
"""Members of a run for internal use."""


class Run(RunFigures):
    """The folder of one training run; its content is read from disk when it is needed.

    Attributes:
        path: the folder.
        source: the pictures, if they were passed from Python; None for a run that was opened, because they are not
        stored.
    """

    def __init__(self, path: Path, source: Source | None = None, lock: FolderLock | None = None) -> None:
        self.path, self.source = path, source
        self._lock = lock or FolderLock(path)

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def training_run(self) -> Run:
        """The run that trained the network: this one, except for a `SlidingRun`."""
        return self

    @property
    def recipe(self) -> EffectiveRecipe:
        """The recipe of the run, with all derived values."""
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
        """What was trained, on which data and machine, and how far training got."""
        return read_record(self.path / "run.json")

    @property
    def notes(self) -> tuple[str, ...]:
        """Decisions made while reading the pictures, and differences from what the user asked for, in sentences."""
        record = self.record
        return (*record.data.notes, *record.notes)

    @property
    def derived(self) -> dict[str, Any]:
        """The options that Picturewise derived: key of the recipe, such as `training.batch_size`, → its value."""
        values, keys = flat(self.recipe), self.record.derived
        return {key: values[key] for key in keys if key in values}

    def checked(self) -> Run:
        """Return this run after checking that its record and its recipe can be read and belong together.

        Raises:
            RunError: they are damaged or of another version.
        """
        check_files(self.path, _FILES)
        record, _ = self.record, self.recipe
        if files.sha256(self.path / "recipe.toml") != record.recipe_sha256:
            raise RunError(
                f"{self.path / 'recipe.toml'} is damaged or was changed since the run began (its SHA-256 differs). "
                "Restore the original file, or start a new run with --recipe."
            )
        return self

    def summary(self) -> Summary | None:
        """Return the layer table, or None if the network is a Python class."""
        recipe = self.recipe
        if recipe.model.layers is None:
            return None
        height, width, channels = self.record.data.shape
        shape = (height, width, 1 if recipe.preparation.grey else channels)
        return summarise(parse(recipe.model.layers), shape, self.target.output_line)

    @property
    def target(self) -> Target:
        """The meaning of the labels and of the network's outputs."""
        head = self.recipe.model.head
        name = OneClass.name if head is None else target_name(head)
        return make_target(name, self.record.data.classes)

    @property
    def nouns(self) -> Nouns | None:
        """The words for the sequences that the network reads; None: it predicts classes."""
        target = self.target
        return nouns(target.classes) if is_sequences(target) else None

    def check_pictures(self, dataset: Dataset) -> None:
        """Check that the splits of `dataset` are those that the run was trained on.

        Raises:
            DataError: one differs; splits that `dataset` does not have are not checked.
        """
        for name, facts in self.record.data.splits.items():
            part = dataset.splits().get(name)
            if part is not None and part.fingerprint != facts.fingerprint:
                raise DataError(
                    f"The {name} pictures in {self.recipe.data.source or 'memory'} are not the ones that {self.path} "
                    "was trained on (their SHA-256 differs). Restore the original pictures, or train a new run."
                )

    @property
    def history(self) -> list[Epoch]:
        """The finished epochs."""
        path = self.path / "history.csv"
        return (
            read_csv(path) if os.path.lexists(path) else []
        )  # a broken link is an error, not an empty history

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints; RunError if it is a link."""
        return inside(self.path, "checkpoints")

    @property
    def folds(self) -> Path:
        """The folder of the folds; RunError if it is a link."""
        return inside(self.path, "folds")

    @property
    def kept_epoch(self) -> Epoch:
        """The epoch whose classifier is kept.

        Raises:
            RunError: no epoch has finished.
        """
        history = self.history
        if not history:
            raise RunError(f"{self.path} does not have a finished epoch yet.")
        return kept_epoch(history, self.recipe.training.keep)

    @property
    def figures(self) -> Path:
        """The folder of the figures; RunError if it is a link."""
        return inside(self.path, "figures")

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's files; RunError if it is a link."""
        return inside(self.path, "tensorboard")

    @property
    def classifier_path(self) -> Path:
        """The file of the kept epoch's classifier."""
        return self.path / FILE_NAME

    def classifier(self, network: nn.Module | None = None) -> Classifier:
        """Return the classifier of the epoch that `training.keep` names; see `load_classifier`.

        Raises:
            RunError: it does not exist yet, or its file is damaged.
        """
        if not self.classifier_path.exists():
            begun = self.record.status in {"running", "interrupted"} and not self.history
            raise RunError(
                f"{self.path} does not have a classifier yet, because no epoch has finished. Continue with: "
                f"picturewise resume {self.path}"
                if begun
                else f"{self.path} does not have a classifier.safetensors (the run is {self.record.status}). "
                f"Train again with: picturewise train --recipe {self.path / 'recipe.toml'}"
            )
        return load_classifier(self.classifier_path, network)

    def learned(self, *, only_train: bool = False) -> NDArray[np.uint8] | None:
        """Return the digests (N, 16) of all train and validation pictures, see `PictureStatistics`.

        Args:
            only_train: leave out validation pictures.

        Returns:
            None if splits.csv is missing or was changed: then they are not known.
        """
        return read_learned(
            self.path / "splits.csv", self.record.splits_sha256, {"train"} if only_train else LEARNED
        )

    def classifier_sha256(self) -> str | None:
        """Return the SHA-256 of the classifier's weights, or None if there is no classifier yet."""
        return stored_sha256(self.classifier_path) if self.classifier_path.exists() else None

    def skipped(self) -> list[tuple[str, str]]:
        """Return the files that were left out with skip_bad, and why.

        Raises:
            RunError: skipped.csv is damaged.
        """
        return read_skipped(self.path / "skipped.csv")

    def evaluation(self, split: SplitName = "test") -> Evaluation | None:
        """Return the saved evaluation of the current classifier, or None if it has not been evaluated.

        Raises:
            RunError: the file is damaged.
        """
        stored = evaluations.read(self.path, split)
        if stored is None or stored.classifier_sha256 != self.classifier_sha256():
            return None  # the run was resumed afterwards, and another epoch is the best one
        return stored.evaluation

    def evaluated(self, split: SplitName = "test") -> tuple[Evaluation, NDArray[np.float32]] | None:
        """Return what `evaluation` returns, with the (N, K) probabilities that it was computed from.

        Raises:
            RunError: a file is missing or damaged.
        """
        if self.evaluation(split) is None:
            return None
        stored, probabilities = evaluations.read_both(self.path, split)
        current = stored.classifier_sha256 == self.classifier_sha256()
        return (stored.evaluation, probabilities) if current else None

    def probabilities(self, split: SplitName = "test") -> NDArray[np.float32]:
        """Return the (N, K) probabilities that belong to `evaluation`.

        Raises:
            RunError: the file is missing, damaged, or belongs to another evaluation.
        """
        return evaluations.read_probabilities(self.path, split)

    def save_evaluation(
        self, evaluation: Evaluation, probabilities: NDArray[np.float32], classifier_sha256: str
    ) -> bool:
        """Save an evaluation, and the probabilities that it was computed from.

        Args:
            evaluation: of one of the run's splits.
            probabilities: (N, K) of the same pictures.
            classifier_sha256: of the weights that computed them; the run may already have a better classifier.

        Returns:
            whether it was saved. False: this is of an older classifier, and an evaluation of the current one exists.

        Raises:
            SaveError: it cannot be written.
        """
        return evaluations.write(
            self.path, evaluation, probabilities, classifier_sha256, current=self.classifier_sha256
        )

    def save_history(self, history: list[Epoch]) -> None:
        """Replace history.csv."""
        files.write_text(self.path / "history.csv", to_csv(history))

    def save_record(self, record: RunRecord) -> None:
        """Replace run.json."""
        files.write_text(self.path / "run.json", record.model_dump_json(indent=1) + "\n")

    @never_raises
    def __repr__(self) -> str:
        return f"<Run {text_of(self.path)}: {_state(self)}>"

    def __dir__(self) -> list[str]:
        return offered(self, internal=_INTERNAL)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """In the block, no other process writes into this run; unfinished files of a killed process are removed.

        The lock may be taken again through the same `Run`, as training within `resume` does.

        Raises:
            UsageError: another process holds the lock.
            RunError: one of its folders is a link.
            SaveError: the folder cannot be written.
        """
        with self._lock.held() as first:
            if first:
                from picturewise.runs import checkpoint  # noqa: PLC0415 (it imports PyTorch, which reading a run does not need)

                checkpoint.sweep(self.checkpoints)
                for folder in (self.path, self.figures, self.folds):
                    files.sweep(folder)
            yield


def _state(run: Run) -> str:
    """Return how far a run came, as far as its folder tells."""
    try:
        said: list[str] = [run.record.status]
        history = run.history
        if history:
            training = run.recipe.training
            kept = kept_epoch(history, training.keep)
            said.append(f"{history[-1].epoch} of {training.epochs} epochs")
            measured = f"accuracy in {training.folds} folds" if training.folds else "validation accuracy"
            said.append(f"{training.keep} epoch {kept.epoch} with {measured} {kept.valid_accuracy:.4f}")
        evaluation = run.evaluation()
        if evaluation is not None:
            said.append(f"test accuracy {evaluation.accuracy}")
    except PARTIAL as error:
        return f"incomplete: {error}"
    return ", ".join(said)


@checked
def open_run(path: str | Path) -> Run:
    """Return the run in the folder `path`.

    Raises:
        RunError: it is not a run folder, or is of another version or damaged.
    """
    path = Path(path)
    if not path.is_dir():
        found = "is a file" if path.exists() else "does not exist"
        raise RunError(
            f"{path} is not a run folder: it {found}. Pass a folder that 'picturewise train' created."
        )
    finish_start(path)
    if not (path / RECORD).exists():
        begun = all((path / name).is_file() for name in ("splits.csv", "recipe.toml"))
        raise RunError(
            f"{path} is not a run folder, because it does not contain run.json. "
            + (
                "The run was interrupted before training: remove the folder and train again."
                if begun
                else "Pass a folder that 'picturewise train' created."
            )
        )
    return Run(path).checked()  # now, before anything is done with a damaged run
