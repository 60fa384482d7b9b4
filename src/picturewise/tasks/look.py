"""Test pictures of a run with the predictions of its classifier; the evaluation is kept with the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError, RunError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.file_names import text_of
from picturewise.reporting import figures
from picturewise.reporting.album import ERRORS
from picturewise.reporting.plots import at_least_one, evaluated
from picturewise.reporting.samples import drawn_places
from picturewise.reporting.shown_pictures import worst_errors
from picturewise.runs.run import Run
from picturewise.tasks.evaluate import as_classes
from picturewise.tasks.load import load, own_source

if TYPE_CHECKING:
    from picturewise.displays import Figure


def plot_errors(run: Run) -> Figure:
    """Return the worst errors on the test split; see `RunFigures`."""
    evaluation, probabilities, part = _test(run)
    labels = as_classes(part, evaluation.classes)
    worst = worst_errors(probabilities, part, labels, evaluation.classes, ERRORS)
    if not worst:
        raise RunError(
            f"{text_of(run.path)} classifies every test picture correctly, so there are no errors to draw."
        )
    return figures.draw_worst_errors(worst)


def plot_predictions(run: Run, *, count: int, seed: int) -> Figure:
    """Return random test pictures with their probabilities; see `RunFigures`."""
    at_least_one(count)
    evaluation, probabilities, part = _test(run)
    labels = as_classes(part, evaluation.classes)
    chosen = drawn_places(len(part), count, seed, "predictions")
    return figures.draw_prediction_sheet(
        part.images[chosen], labels[chosen], evaluation.classes, {run.name: probabilities[chosen]}
    )


def _test(run: Run) -> tuple[Evaluation, NDArray[np.float32], ImageSet]:
    """Return the evaluation on the test split, its (N, K) probabilities, and the pictures."""
    evaluation = evaluated(run)
    probabilities = run.probabilities()
    part = load(own_source(run, None), run.recipe.data, splits=["test"], progress=False).split("test")
    if part.fingerprint != evaluation.fingerprint:
        raise DataError(
            f"The test pictures in {run.recipe.data.source or 'memory'} have changed since {text_of(run.path)} was "
            "evaluated. Call picturewise.evaluate(run) again."
        )
    return evaluation, probabilities, part
