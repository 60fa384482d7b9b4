"""The content of a report about a search: frozen facts, gathered by the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from picturewise.evaluation.over_seeds import SeedComparison


@dataclass(frozen=True)
class SearchedTrial:
    """One trial of a search.

    Attributes:
        number: from 0; 0 is the default recipe.
        state: finished, pruned (stopped early), diverged, failed or repeated.
        options: name of an option, in words → its value.
        accuracy: the best one on the validation pictures that choose; None: no epoch was complete.
        epochs: that were trained.
        cpu_seconds: of processor time.
        ended: seconds of the search.
    """

    number: int
    state: str
    options: Mapping[str, str]
    accuracy: float | None
    epochs: int
    cpu_seconds: float
    ended: float

    @property
    def name(self) -> str:
        """What the trial is called in tables."""
        return "0 (default)" if self.number == 0 else str(self.number)


@dataclass(frozen=True)
class SearchFacts:
    """A search.

    Attributes:
        trials: in the order of their numbers.
        best: number of the best one.
        choosing: validation pictures that chose.
        reporting: validation pictures that chose nothing.
        seconds: of the search.
        importance: name of an option, in words → its share; empty: it is not known.
        importance_of: which accuracies the shares are about, in a sentence, or why they are not known.
        comparison: of the best recipe with the default; None: there was none.
    """

    trials: tuple[SearchedTrial, ...]
    best: int
    choosing: int
    reporting: int
    seconds: float
    importance: Mapping[str, float]
    importance_of: str
    comparison: SeedComparison | None

    @property
    def finished(self) -> tuple[SearchedTrial, ...]:
        """The finished trials, from the most accurate, as far as accuracy decides."""
        finished = [trial for trial in self.trials if trial.state == "finished"]
        return tuple(sorted(finished, key=lambda trial: (trial.number != self.best, -(trial.accuracy or 0))))

    @property
    def frontier(self) -> tuple[SearchedTrial, ...]:
        """The finished trials that no cheaper one equals in accuracy, from the cheapest."""
        found: list[SearchedTrial] = []
        for trial in sorted(self.finished, key=lambda trial: (trial.cpu_seconds, -(trial.accuracy or 0))):
            if not found or (trial.accuracy or 0) > (found[-1].accuracy or 0):
                found.append(trial)
        return tuple(found)

    def count(self, state: str) -> int:
        """Return how many trials have a state."""
        return sum(trial.state == state for trial in self.trials)
