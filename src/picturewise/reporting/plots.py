"""Objects in, figures out: what `plot_*` of a run, a data set, an evaluation or a prediction returns."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.pictures.pixels import as_channels
from picturewise.errors import DataError, RunError, UsageError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.file_names import text_of
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.predict import Prediction, Reading
from picturewise.reporting import figures
from picturewise.reporting.class_rows import class_rows
from picturewise.reporting.data_sheets import PER_CLASS
from picturewise.reporting.evaluation_figures import confusion_matrix
from picturewise.reporting.samples import captions, drawn_places, lengths_of
from picturewise.runs.run import Run
from picturewise.split_names import SplitName


def plot_curves(run: Run) -> Figure:
    """Return the learning curves of a run; see `RunFigures`."""
    history = run.history
    if not history:
        raise RunError(f"{text_of(run.path)} has no finished epoch yet, so there are no curves to draw.")
    return figures.draw_learning_curves({run.name: history})


def plot_architecture(of: Run | Classifier) -> Figure:
    """Return the network of a run or a classifier as a graph; see `RunFigures`."""
    summary = of.summary()
    if summary is None:
        raise UsageError("The network is a Python class, so its layers are not known and cannot be drawn.")
    return figures.draw_architecture(summary)


def plot_confusion(evaluation: Evaluation) -> Figure:
    """Return the confusion matrix of an evaluation."""
    return confusion_matrix(evaluation)


def plot_confusion_of(run: Run) -> Figure:
    """Return the confusion matrix of a run on its test split; see `RunFigures`."""
    return plot_confusion(evaluated(run))


def evaluated(run: Run) -> Evaluation:
    """Return the evaluation of a run on its test split.

    Raises:
        RunError: there is none.
    """
    evaluation = run.evaluation()
    if evaluation is None:
        raise RunError(
            f"{text_of(run.path)} has not been evaluated on its test split. Call picturewise.evaluate(run) first."
        )
    return evaluation


def plot_samples(dataset: Dataset, *, count: int, split: SplitName | None, seed: int, grey: bool) -> Figure:
    """Return random pictures of a data set with their labels; see `Dataset.plot_samples`."""
    return plot_samples_of(_part(dataset, split), count=count, seed=seed, grey=grey)


def plot_samples_of(part: ImageSet, *, count: int, seed: int, grey: bool) -> Figure:
    """Return random pictures with their labels."""
    chosen = part.select(drawn_places(_filled(part), at_least_one(count), seed, "samples"))
    images = np.asarray(chosen.images)
    return figures.draw_sample_sheet(as_channels(images, 1) if grey else images, captions(chosen))


def plot_classes(dataset: Dataset, *, split: SplitName | None, seed: int) -> Figure:
    """Return a row for each class of a data set; see `Dataset.plot_classes`."""
    return plot_classes_of(_part(dataset, split), seed=seed)


def plot_classes_of(part: ImageSet, *, seed: int) -> Figure:
    """Return a row for each class with its mean picture and samples."""
    _filled(part)
    if part.has_sequences:
        raise DataError(f"{part.origin}: the labels are sequences, not classes. Call plot_samples instead.")
    return figures.draw_class_sheet(class_rows(part, part.required_labels, PER_CLASS, seed))


def plot_counts(dataset: Dataset) -> Figure:
    """Return how many pictures of each class, or with sequences of each length, every split with labels has."""
    if lengths := {name: of for name, of in lengths_of(dataset.splits()).items() if of}:
        return figures.draw_class_counts(lengths)
    counts: dict[str, dict[str, int]] = {
        name: part.counts() for name, part in dataset.splits().items() if part.labels is not None
    }
    if not counts:
        raise DataError(f"{dataset.name} has no labels, so there are no classes to count.")
    return figures.draw_class_counts(counts)


def plot_prediction(prediction: Prediction) -> Figure:
    """Return the probabilities of a prediction as bars, next to its picture if that is available."""
    picture, shares = prediction.picture, prediction.probabilities
    return figures.draw_prediction_sheet(
        None if picture is None else picture[np.newaxis],
        None,
        list(shares),
        {prediction.name: np.array([[*shares.values()]])},
    )


def plot_reading(reading: Reading) -> Figure:
    """Return the probabilities of a reading's length and symbols as bars, next to its picture if that is available."""
    picture = reading.picture
    return figures.draw_reading_sheet(
        None if picture is None else picture[np.newaxis],
        None,
        reading.target,
        {reading.name: np.array([reading.outputs])},
    )


def at_least_one(count: int) -> int:
    """Return a number of pictures to show.

    Raises:
        UsageError: it is below 1.
    """
    if count < 1:
        raise UsageError(f"count is {count}. Pass 1 or more.")
    return count


def _part(dataset: Dataset, split: SplitName | None) -> ImageSet:
    return next(iter(dataset.splits().values())) if split is None else dataset.split(split)


def _filled(part: ImageSet) -> int:
    """Return how many pictures there are.

    Raises:
        DataError: there are none.
    """
    if not len(part):
        raise DataError(f"{part.origin} has no pictures to draw.")
    return len(part)
