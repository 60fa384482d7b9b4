"""The best recipe and the default, trained again with several seeds, on pictures that chose nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from picturewise.errors import PicturewiseError
from picturewise.evaluation.answers import Answers
from picturewise.evaluation.over_seeds import SeedComparison, compare_over_seeds
from picturewise.recipes.recipe import Recipe
from picturewise.runs.run import Run, open_run
from picturewise.tasks.evaluate import evaluate_part
from picturewise.tuning.trial import Outcome, Pictures, Work

FOLDER = "final"


def final_works(folder: Path, trials: dict[int, Recipe], seeds: tuple[int, ...]) -> list[Work]:
    """Return the runs to be trained: each trial with each seed.

    Args:
        folder: of the search.
        trials: number of a trial → its recipe.
        seeds: of the runs.
    """
    return [
        Work(
            key=f"{FOLDER}/{_name(number, seed)}",
            path=folder / FOLDER / _name(number, seed),
            recipe=recipe.model_copy(update={"seed": seed}),
            watched=False,
        )
        for seed in seeds
        for number, recipe in trials.items()
    ]


def compared(folder: Path, best: int, seeds: tuple[int, ...], pictures: Pictures) -> SeedComparison:
    """Return the comparison of a trial's recipe with that of trial 0, of finished runs.

    Args:
        folder: of the search.
        best: the trial.
        seeds: of the runs.
        pictures: of the search.
    """
    right = {
        number: np.stack(
            [_right(open_run(folder / FOLDER / _name(number, seed)), pictures) for seed in seeds]
        )
        for number in (best, 0)
    }
    return compare_over_seeds(right[best], right[0], seeds=seeds)


def check_final(work: Work, outcome: Outcome) -> None:
    """Check that a run came to its end.

    Raises:
        PicturewiseError: it did not.
    """
    if outcome.state != "finished":
        raise PicturewiseError(
            f"{work.path} could not be trained, so the recipes cannot be compared: {outcome.reason}"
        )


def _name(number: int, seed: int) -> str:
    return f"trial-{number:04}-seed-{seed}"


def _right(run: Run, pictures: Pictures) -> NDArray[np.bool_]:
    """Return whether a run's classifier gets each picture (N,) of the reporting half right."""
    part = pictures.get(run.recipe.data.model_copy(update={"valid_half": "reporting"})).split("valid")
    _, probabilities, labels = evaluate_part(run.classifier(), part, run.record.data.name, "valid")
    return Answers(run.target, probabilities, labels).right
