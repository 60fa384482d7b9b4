"""One trial: an ordinary run that is trained, watched by the clock and the search, and possibly stopped early."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.data.options import DataOptions
from picturewise.errors import DataError, DivergedError, Paused, SaveError, UsageError
from picturewise.recipes.recipe import Recipe
from picturewise.runs.history import Epoch, best_epoch
from picturewise.runs.lock import PATIENCE, FolderLock
from picturewise.runs.new_run import new_run
from picturewise.runs.run import Run, open_run
from picturewise.tasks.load import load
from picturewise.tasks.train import LEARNING_SPLITS
from picturewise.training.start import resume, start
from picturewise.training.trainer import Callback, Trainer

PRUNED = "Stopped early: after as many epochs, other trials were more accurate."
TIME_IS_OVER = "because the time of the search was over"
Reported = Callable[[int, float, float], bool]
"""Called with the epoch, its validation accuracy, and processor seconds so far; returns whether to go on."""


@dataclass(frozen=True)
class Work:
    """A run to be trained.

    Attributes:
        key: what it is called, unique among those at work.
        path: of the run, new or to be resumed.
        recipe: with all values derived.
        until: when the clock pauses it, in this process's `time.monotonic()`; None: never.
        watched: whether the search decides after each epoch.
    """

    key: str
    path: Path
    recipe: Recipe
    until: float | None = None
    watched: bool = True


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        state: paused: it can be resumed.
        reason: in a sentence, unless it is finished.
        accuracy: the best one on its validation pictures; None: no epoch is complete.
        loss: of the same epoch.
        epochs: that are complete.
        cpu_seconds: of processor time in this session.
    """

    state: Literal["finished", "pruned", "paused", "diverged", "failed"]
    reason: str = ""
    accuracy: float | None = None
    loss: float | None = None
    epochs: int = 0
    cpu_seconds: float = 0.0


@dataclass
class Pictures:
    """The pictures of a search, read once for each way to read them; the test split is not among them."""

    source: Source
    read: dict[DataOptions, Dataset] = field(default_factory=dict)

    def get(self, options: DataOptions, *, progress: bool = False) -> Dataset:
        """Return train and validation, as `load` reads them."""
        if options not in self.read:
            self.read[options] = load(self.source, options, splits=LEARNING_SPLITS, progress=progress)
        return self.read[options]


def train_trial(work: Work, pictures: Pictures, report: Reported, *, patience: float = PATIENCE) -> Outcome:
    """Train a run to its end, or until the clock or the search stops it; a run that was begun is continued.

    Args:
        work: the run.
        pictures: of the search.
        report: called after each epoch.
        patience: seconds to wait for another process that still trains the run.

    Raises:
        Interrupted: a signal arrived; a checkpoint was written first.
        SaveError: something could not be written.
    """
    began = time.process_time()
    try:
        if not (work.path / "run.json").exists() or open_run(work.path).record.status != "finished":
            _train(work, pictures, report, patience)
    except Paused as paused:
        return _outcome(work, "paused", str(paused), began)
    except DivergedError as diverged:
        return _outcome(work, "diverged", str(diverged), began)
    except SaveError:
        raise
    except (UsageError, DataError) as error:
        return _outcome(work, "failed", str(error), began)
    except (MemoryError, torch.OutOfMemoryError):
        return _outcome(work, "failed", "It does not fit into memory.", began)
    reason = open_run(work.path).record.reason
    return _outcome(work, "pruned" if reason == PRUNED else "finished", reason, began)


def _train(work: Work, pictures: Pictures, report: Reported, patience: float) -> None:
    dataset = pictures.get(work.recipe.data)
    watch = [_Watch(work, report)]
    if (work.path / "run.json").exists():
        run = Run(open_run(work.path).path, lock=FolderLock(work.path, patience=patience))
        with run.locked():
            resume(run, dataset, callbacks=watch).fit()
        return
    with new_run(work.path, patience=patience) as new:
        start(work.recipe, dataset, new, callbacks=watch).fit()


def _outcome(
    work: Work,
    state: Literal["finished", "pruned", "paused", "diverged", "failed"],
    reason: str,
    began: float,
) -> Outcome:
    history = Run(work.path).history if (work.path / "run.json").exists() else []
    best = best_epoch(history) if history else None
    return Outcome(
        state=state,
        reason=reason,
        accuracy=None if best is None else best.valid_accuracy,
        loss=None if best is None else best.valid_loss,
        epochs=history[-1].epoch if history else 0,
        cpu_seconds=time.process_time() - began,
    )


class _Watch(Callback):
    """Reports each epoch to the search, and looks at the clock after each batch."""

    def __init__(self, work: Work, report: Reported) -> None:
        self._work, self._report = work, report
        self._cpu, self._paused = time.process_time(), False

    def on_start(self, trainer: Trainer) -> None:
        """A run may have been stopped after its epoch was reported, and before it was told to stop."""
        if trainer.history and self._work.watched:
            self._tell(trainer, trainer.history[-1])

    def on_batch(self, trainer: Trainer) -> None:
        """Pause the run when the time is over."""
        until = self._work.until
        if until is not None and not self._paused and time.monotonic() >= until:
            self._paused = True
            trainer.pause(TIME_IS_OVER)

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Ask whether the trial is worth going on."""
        self._tell(trainer, row)

    def _tell(self, trainer: Trainer, row: Epoch) -> None:
        goes_on = self._report(row.epoch, row.valid_accuracy, time.process_time() - self._cpu)
        if not goes_on and row.epoch < trainer.epochs:
            trainer.stop(PRUNED)
