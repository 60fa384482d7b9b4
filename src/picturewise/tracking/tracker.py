"""`Tracker`: a callback that writes what the run folder holds into another program's record too."""

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

    A record that cannot be begun is an error, because nothing is lost yet. Later nothing that goes wrong in it ends
    the training: tracking stops with a note, and the run folder is complete all the same.

    Attributes:
        name: what the user calls it.
        packages: what it imports, beyond what Picturewise always needs.
    """

    name: ClassVar[str]
    packages: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        self._open = False

    @abstractmethod
    def begin(self, trainer: Trainer) -> None:
        """Open the record, a new one or the run's own, and bring it up to `trainer.history`."""

    @abstractmethod
    def add(self, trainer: Trainer, row: Epoch) -> None:
        """Write one epoch."""

    @abstractmethod
    def end(self, trainer: Trainer) -> None:
        """Write how the run ended, and close the record."""

    def on_start(self, trainer: Trainer) -> None:
        """Begin the record.

        Raises:
            SaveError: it cannot be begun.
        """
        try:
            with _quiet():
                self.begin(trainer)
        except Exception as error:
            raise SaveError(
                f"--track {self.name} cannot begin its record of {trainer.run.path}: {_reason(error)}. "
                f"Train without it: picturewise resume {trainer.run.path}"
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
                f"Tracking with {self.name} ended in epoch {row.epoch}: {_reason(error)}. The run folder is complete."
            )

    def on_stop(self, trainer: Trainer) -> None:
        """End the record; what goes wrong here must not hide why the run ended."""
        if not self._open:
            return
        self._open = False
        try:
            with _quiet():
                self.end(trainer)
        except Exception as error:  # noqa: BLE001 (other people's libraries raise anything)
            with contextlib.suppress(SaveError):
                trainer.note(f"The record of {self.name} could not be closed: {_reason(error)}.")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """In the block, nobody is told that one library calls another in an old way; no user could mend it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _reason(error: Exception) -> str:
    """Return the first line of a message, without its full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
