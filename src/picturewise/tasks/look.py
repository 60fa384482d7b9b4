"""Test pictures of a run with the predictions of its classifier; the evaluation is kept with the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from picturewise.data.labels_for import labels_for
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError, RunError
from picturewise.file_names import text_of
from picturewise.reporting import figures
from picturewise.reporting.album import ERRORS
from picturewise.reporting.plots import at_least_one, evaluated
from picturewise.reporting.samples import drawn_places
from picturewise.reporting.shown_pictures import worst_errors
from picturewise.runs.run import Run
from picturewise.targets.sequences import is_sequences
from picturewise.tasks.load import load, own_source

if TYPE_CHECKING:
    from picturewise.displays import Figure


def plot_errors(run: Run) -> Figure:
    """Return the worst errors on the test split; see `RunFigures`."""
    probabilities, part = _test(run)
    target = run.target
    worst = worst_errors(probabilities, part, labels_for(part, target), target, ERRORS)
    if not worst:
        raise RunError(
            f"{text_of(run.path)} classifies every test picture correctly, so there are no errors to draw."
        )
    return figures.draw_worst_errors(worst, verb="read as" if is_sequences(target) else "predicted")


def plot_predictions(run: Run, *, count: int, seed: int) -> Figure:
    """Return random test pictures with their probabilities; see `RunFigures`."""
    at_least_one(count)
    probabilities, part = _test(run)
    target = run.target
    labels = labels_for(part, target)
    chosen = drawn_places(len(part), count, seed, "predictions")
    pictures, table = part.images[chosen], {run.name: probabilities[chosen]}
    if is_sequences(target):
        return figures.draw_reading_sheet(pictures, labels[chosen], target, table)
    return figures.draw_prediction_sheet(pictures, labels[chosen], target.classes, table)


def _test(run: Run) -> tuple[NDArray[np.float32], ImageSet]:
    """Return the probabilities (N, outputs) of the test split, and its pictures."""
    evaluation = evaluated(run)
    probabilities = run.probabilities()
    part = load(own_source(run, None), run.recipe.data, splits=["test"], progress=False).split("test")
    if part.fingerprint != evaluation.fingerprint:
        raise DataError(
            f"The test pictures in {run.recipe.data.source or 'memory'} have changed since {text_of(run.path)} was "
            "evaluated. Call picturewise.evaluate(run) again."
        )
    return probabilities, part
