"""What a search found: its trials, the best recipe, and whether that is better than the default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from picturewise.evaluation.over_seeds import SeedComparison
from picturewise.recipes.recipe import Recipe
from picturewise.reporting.tables import percent, points_with_interval
from picturewise.reprs import never_raises
from picturewise.results import Result
from picturewise.tuning.told import State, Told


class TrialResult(Result):
    """One trial. Its accuracy is optimistic, because the same validation pictures chose its epoch and the trial."""

    number: int = Field(description="From 0; trial 0 is the default recipe.")
    values: dict[str, Any] = Field(description="Dotted key of an option → its value.")
    state: State
    reason: str = ""
    accuracy: float | None = Field(
        description="Best validation accuracy, optimistic; none: no epoch was complete."
    )
    loss: float | None = Field(description="Validation loss of the same epoch, in nats.")
    epochs: int
    cpu_seconds: float = Field(description="Processor time of the training.")
    ended: float = Field(description="Seconds of the search when the trial ended.")
    path: Path


class TuningResult(Result):
    """The result of a search."""

    data: str
    seconds: float = Field(
        description="Time of the search in all sessions, without the runs with several seeds."
    )
    path: Path = Field(description="The folder of the search.")
    report: Path
    best: Recipe = Field(
        description="The recipe of the best trial, for all validation pictures; see best.toml."
    )
    best_trial: int
    choosing_pictures: int = Field(description="Validation pictures that chose the trial and its epoch.")
    reporting_pictures: int = Field(description="Validation pictures that chose nothing.")
    trials: tuple[TrialResult, ...]
    importance: dict[str, float] = Field(
        description="Share of each option in the variance of the accuracy; empty: there are too few trials."
    )
    comparison: SeedComparison | None = Field(
        description="The best recipe, a, and the default, b, with several seeds on the pictures that chose nothing."
    )
    sentence: str = Field(description="Whether the best recipe is better than the default beyond chance.")
    notes: tuple[str, ...] = ()

    @never_raises
    def __repr__(self) -> str:
        return f"<TuningResult of {len(self.trials)} trials on {self.data}: {self.sentence}>"


def sentence_of(best: Told, trials: int, pictures: int, comparison: SeedComparison | None) -> str:
    """Return in plain words whether the best trial is better than the default beyond chance.

    Args:
        best: the best trial.
        trials: how many there were.
        pictures: that chose it.
        comparison: over several seeds; None: there was none.
    """
    if best.number == 0:
        return f"None of {trials:,} trials was more accurate than the default recipe, so keep the default."
    if comparison is None:
        assert best.accuracy is not None  # noqa: S101 (it is finished)
        return (
            f"Trial {best.number} was the most accurate of {trials:,}, with {percent(best.accuracy)} of the "
            f"{pictures:,} validation pictures that also chose it, which is optimistic. Whether it is better than "
            "the default beyond chance is not known; add seeds to train both again."
        )
    count, points = len(comparison.seeds), points_with_interval(comparison.difference)
    told = (
        f"On {comparison.pictures:,} validation pictures that chose nothing, the best recipe minus the default is "
        f"{points} percentage points over {count} seeds, and with other pictures "
        f"{points_with_interval(comparison.over_pictures).partition(' ')[2]}. "
    )
    verdict = {
        1: "The best recipe is better than the default beyond chance.",
        0: "The difference may be due to chance.",
        -1: "The best recipe is worse than the default beyond chance, so keep the default.",
    }
    return told + verdict[comparison.verdict]
