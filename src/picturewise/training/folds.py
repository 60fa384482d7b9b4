"""`Folds`: cross-validation for small sets, which cannot spare a validation split.

The training pictures are divided into folds. For each fold, a network is trained on the others and predicts the fold
after every epoch. So each picture is predicted by a network that has not seen it, in every epoch: these predictions
choose the number of epochs and fit the temperature. Then one network is trained on all pictures.

Each fold has its checkpoints, and its predictions are kept in the run's folder.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors
from numpy.typing import NDArray

from picturewise import files
from picturewise.data.imageset import ImageSet
from picturewise.data.splitting.folds import FOLDS, folds_of
from picturewise.errors import RunError
from picturewise.networks import arrays
from picturewise.runs import checkpoint
from picturewise.runs.history import Epoch
from picturewise.training.held_out import Measured, OnSplit
from picturewise.training.interrupts import StopRequest
from picturewise.training.learner import Learner, batch_bounds
from picturewise.training.loop import Loop

MEASURED_STEPS = 3
"""For the forecast, after one that is not counted."""
_LOGITS, _SECONDS = "logits", "seconds"


class Predicted(NamedTuple):
    """What a fold's network predicted for the fold.

    Attributes:
        logits: (epochs, pictures, outputs), after each epoch.
        seconds: (epochs,) of training and predicting.
    """

    logits: NDArray[np.float32]
    seconds: NDArray[np.float64]


class Folds:
    """Cross-validates a learner's recipe on its training pictures.

    Args:
        learner: of all training pictures; its network still has its first weights when `train` is called.
        make: returns a learner for other pictures, train and validation, with the same recipe and first weights.
        run: the run's folder.
        folder: of the folds' files.
    """

    def __init__(
        self, learner: Learner, make: Callable[[ImageSet, ImageSet], Learner], run: Path, folder: Path
    ) -> None:
        recipe = learner.recipe
        self._learner, self._make, self._run, self._folder = learner, make, run, folder
        self.count = recipe.training.folds or FOLDS
        self._fold = folds_of(
            learner.train, seed=recipe.seed, group_by=recipe.data.group_by, folds=self.count
        )
        outputs = learner.train.target.outputs
        self._logits = np.zeros((learner.epochs, len(learner.train), outputs), np.float32)
        self._seconds = np.zeros(learner.epochs, np.float64)
        self._epochs = learner.epochs

    @property
    def pictures(self) -> ImageSet:
        """The training pictures, each predicted by a network that was not trained on it."""
        return self._learner.train

    @property
    def in_head(self) -> bool:
        """Return whether the only epoch fits the output layer, which cross-validates itself."""
        return self._learner.fits_head(1) and self._learner.epochs == 1

    @property
    def epochs(self) -> int:
        """Epochs to train on all pictures: all, or as many as are best in the folds."""
        return self._epochs

    @property
    def steps(self) -> int:
        """Batches in all folds together."""
        return 0 if self.in_head else self.steps_before(self.count + 1)

    def steps_before(self, number: int) -> int:
        """Return the number of batches in the folds before one, from 1."""
        size = self._learner.recipe.training.batch_size
        trained = [len(self._fold) - int((self._fold == fold).sum()) for fold in range(number - 1)]
        return self._learner.epochs * sum(len(batch_bounds(pictures, size)) for pictures in trained)

    def measure(self, epoch: int) -> Measured:
        """Return the result over all folds after an epoch, from 1."""
        logits = self._logits[epoch - 1]
        loss, accuracy = self._learner.loss.validate(logits, self.pictures.required_labels)
        views = self._learner.preparation.seen.count
        return Measured(logits, loss, accuracy, float(self._seconds[epoch - 1]), views)

    def use(self, logits: NDArray[np.float32]) -> None:
        """Use the logits (N, outputs) of an output layer that has cross-validated itself."""
        self._logits[0] = logits

    def forecast(self) -> float:
        """Return how many seconds training takes, folds and all, measured with a few steps of a copy."""
        learner = self._learner_of(0)
        with learner.learning():
            order, took = learner.begin(learner.epochs), list[float]()
            for number in range(1 + MEASURED_STEPS):
                began = time.perf_counter()
                learner.step(order, 1, number % learner.batches, learner.learning_rate * 1e-6)
                took.append(time.perf_counter() - began)
        steps = self.steps + self._learner.batches * self._learner.epochs
        return float(np.median(took[1:])) * steps

    @property
    def begun(self) -> bool:
        """Return whether something was stored for a fold."""
        return self._folder.is_dir() and any(self._folder.iterdir())

    @property
    def complete(self) -> int:
        """Return how many folds have the predictions of all epochs."""
        stored = [self._stored(number) for number in range(self.count)]
        return sum(one is not None and len(one.logits) == self._learner.epochs for one in stored)

    def train(
        self,
        request: StopRequest,
        on_batch: Callable[[FoldLoop], None],
        on_end: Callable[[FoldLoop], None],
        *,
        begun: bool = False,
    ) -> tuple[str, ...]:
        """Train the network of every fold that is not complete; return notes, such as of a damaged file.

        Args:
            request: to stop, see `Loop`.
            on_batch: called after each batch.
            on_end: called after each fold.
            begun: the network of all pictures has been trained, so it no longer has its first weights.

        Raises:
            Interrupted, DivergedError, SaveError, RunError: as for `Trainer.fit`.
        """
        notes: tuple[str, ...] = ()
        for number in range(self.count):
            rows = np.flatnonzero(self._fold == number)
            path, checkpoints = self._path(number), self._folder / str(number + 1)
            kept = self._stored(number)
            if kept is None and path.exists():
                notes += (f"{path} is damaged, so fold {number + 1} is trained again.",)
            if begun and (kept is None or len(kept.logits) < self._learner.epochs):
                raise RunError(
                    f"{path} is missing or damaged, although training has gone on after the folds. Restore the "
                    "original file, or train again."
                )
            if kept is None:
                checkpoint.clear(checkpoints)
            if kept is None or len(kept.logits) < self._learner.epochs:
                loop = FoldLoop(
                    self._learner_of(number), number + 1, self._run, checkpoints, path, request, on_batch
                )
                kept = loop.fit(kept)
                notes += loop.notes
                on_end(loop)
            checkpoint.clear(checkpoints)
            self._logits[:, rows] = kept.logits
            self._seconds += kept.seconds
        self._epochs = self._chosen()
        return notes

    def _path(self, number: int) -> Path:
        return self._folder / f"{number + 1}.safetensors"

    def _stored(self, number: int) -> Predicted | None:
        """Return what is stored of a fold, from 0."""
        return _read(self._path(number), int((self._fold == number).sum()), self._logits.shape[2])

    def _chosen(self) -> int:
        """Return after how many epochs to stop, now that all folds are complete."""
        learner = self._learner
        if learner.recipe.training.keep == "last":
            return learner.epochs
        measured = [self.measure(epoch) for epoch in range(1, learner.epochs + 1)]
        best = min(range(len(measured)), key=lambda at: (-measured[at].accuracy, measured[at].loss, at))
        return 1 + best

    def _learner_of(self, number: int) -> Learner:
        """Return the learner of a fold, before its first step."""
        rows = self._fold == number
        train, valid = (self.pictures.select(np.flatnonzero(which)) for which in (~rows, rows))
        return self._make(train, valid)


class FoldLoop(Loop):
    """Trains the network of one fold.

    Args:
        learner: of the other folds; its validation split is the fold.
        number: of the fold, from 1.
        run: the run's folder.
        checkpoints: the folder of the fold's checkpoints.
        path: the file of its predictions.
        request: to stop; a checkpoint is written first.
        on_batch: called after each batch.
    """

    def __init__(
        self,
        learner: Learner,
        number: int,
        run: Path,
        checkpoints: Path,
        path: Path,
        request: StopRequest,
        on_batch: Callable[[FoldLoop], None],
    ) -> None:
        assert learner.valid is not None  # noqa: S101 (it is the fold)
        super().__init__(learner, run, checkpoints, OnSplit(learner, learner.valid, whole=True))
        self.number, self._path, self._request, self._on_batch = number, path, request, on_batch
        self._part = f"fold {number}, "
        self._kept: list[tuple[NDArray[np.float32], float]] = []

    def fit(self, kept: Predicted | None) -> Predicted:
        """Train to the end, from the newest checkpoint if there is one, and return what is predicted for the fold.

        Args:
            kept: what was stored by an earlier process.

        Raises:
            Interrupted, DivergedError, SaveError, RunError: as for `Trainer.fit`.
        """
        with self.learner.learning():
            self._restore()
            known = 0 if kept is None else len(kept.logits)
            if len(self.history) > known:
                raise RunError(
                    f"{self._path} has the predictions of {known} epochs, but {self._checkpoints} is at epoch "
                    f"{self.epoch}. Restore the original files, or train again."
                )
            if kept is not None:
                done = len(self.history)
                self._kept = list(zip(kept.logits[:done], kept.seconds[:done].tolist(), strict=True))
            self._run_epochs()
        return self._predicted()

    def _tell_batch(self) -> None:
        self._on_batch(self)

    def _tell_epoch(self, row: Epoch) -> None:
        self._kept.append((self.valid_logits, row.seconds))
        found = self._predicted()
        content: dict[str, NDArray[Any]] = {_LOGITS: found.logits, _SECONDS: found.seconds}
        self._path.parent.mkdir(exist_ok=True)
        files.write_bytes(self._path, arrays.to_bytes(content, {"sha256": _digest(found)}))

    def _predicted(self) -> Predicted:
        logits, seconds = zip(*self._kept, strict=True)
        return Predicted(np.stack(logits), np.array(seconds, np.float64))


def _read(path: Path, pictures: int, outputs: int) -> Predicted | None:
    """Return the predictions in a file; None: there are none, or they are damaged."""
    if not path.is_file():
        return None
    try:
        with arrays.opened(path, "np") as file:
            found = Predicted(file.get_tensor(_LOGITS), file.get_tensor(_SECONDS))
            expected = (file.metadata() or {}).get("sha256")
    except (RunError, safetensors.SafetensorError):
        return None
    logits, seconds = found
    whole = logits.dtype == np.float32 and logits.ndim == 3 and logits.shape[1:] == (pictures, outputs)
    whole = whole and seconds.dtype == np.float64 and seconds.shape == logits.shape[:1]
    return found if whole and _digest(found) == expected else None


def _digest(predicted: Predicted) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in predicted)).hexdigest()
