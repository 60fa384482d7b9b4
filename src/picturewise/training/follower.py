"""`Follower`: what the workers besides the first one run, which writes the run's folder."""

from __future__ import annotations

from pathlib import Path

from picturewise.training.held_out import OnSplit
from picturewise.training.interrupts import stop_requests
from picturewise.training.learner import Learner
from picturewise.training.loop import Loop


class Follower(Loop):
    """Trains with the first worker, which tells it where to begin and when to stop.

    Args:
        learner: of a group of several workers.
        run: the run's folder, for messages.
    """

    def __init__(self, learner: Learner, run: Path) -> None:
        super().__init__(learner, run, run, OnSplit(learner, learner.required_valid))

    def fit(self) -> None:
        """Train until the first worker ends.

        Raises:
            Interrupted, DivergedError: as in the first worker.
            WorkerLostError: it can no longer be reached.
        """
        with self.learner.learning(), stop_requests() as self._request:
            self._restore()
            self._run_all()
