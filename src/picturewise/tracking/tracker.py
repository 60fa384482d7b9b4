"""`Tracker`: a callback that also logs a run to another program."""

from __future__ import annotations

import contextlib
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from picturewise.errors import SaveError
from picturewise.runs.history import Epoch
from picturewise.training.trainer import Callback, Trainer


class Tracker(Callback):
    """Base of the trackers.

    If a log cannot be started, that is an error, because no training is lost yet. Later errors do not stop the
    training: tracking stops with a note, and the run folder is still complete.

    Attributes:
        name: its name for users.
        packages: what it imports besides the packages that Picturewise always needs.
    """

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self._open = False

    @abstractmethod
    def begin(self, trainer: Trainer) -> None:
        """Open a new log or the run's own, and add the epochs of `trainer.history` that it lacks."""

    @abstractmethod
    def add(self, trainer: Trainer, row: Epoch) -> None:
        """Write one epoch."""

    @abstractmethod
    def end(self, trainer: Trainer) -> None:
        """Write how the run ended, and close the log."""

    def on_start(self, trainer: Trainer) -> None:
        """Start the log.

        Raises:
            SaveError: it cannot be started.
        """
        try:
            with _quiet():
                self.begin(trainer)
        except Exception as error:
            raise SaveError(
                f"--track {self.name} cannot log {trainer.run.path}: {_reason(error)}. Train without tracking with: "
                f"picturewise resume {trainer.run.path}"
            ) from error
        self._open = True

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        """Write the epoch."""
        if not self._open:
            return
        try:
            with _quiet():
                self.add(trainer, row)
        except Exception as error:  # noqa: BLE001 (other people's libraries raise anything)
            self._open = False
            trainer.note(
                f"Tracking with {self.name} stopped in epoch {row.epoch}: {_reason(error)}. The run folder is complete."
            )

    def on_stop(self, trainer: Trainer) -> None:
        """End the log; an error here must not hide why the run ended."""
        if not self._open:
            return
        self._open = False
        try:
            with _quiet():
                self.end(trainer)
        except Exception as error:  # noqa: BLE001 (other people's libraries raise anything)
            with contextlib.suppress(SaveError):
                trainer.note(f"The log of {self.name} could not be closed: {_reason(error)}.")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """In the block, hide deprecation warnings from one library about another, which no user can fix."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _reason(error: Exception) -> str:
    """Return the first line of a message, without its full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
