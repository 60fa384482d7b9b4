"""Evaluate a classifier on the test split, or on another set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sightline.data import source
from sightline.data.dataset import Dataset, SplitName
from sightline.data.imageset import ImageSet
from sightline.data.options import DataOptions
from sightline.errors import DataError, UsageError
from sightline.evaluation import metrics
from sightline.evaluation.evaluation import Evaluation
from sightline.tasks.figures import Album
from sightline.tasks.load import load, reading_progress, source_of
from sightline.tasks.report import write_run_report
from sightline.training.run import Run, open_run

if TYPE_CHECKING:
    from torch import nn

    from sightline.prediction.classifier import Classifier


def evaluate(
    run: str | Path | Run,
    *,
    data: str | Path | Dataset | None = None,
    split: SplitName = "test",
    network: nn.Module | None = None,
    progress: bool = True,
) -> Evaluation:
    """Return the numbers of a run's best classifier, each with its 95 % interval.

    On the run's own data the evaluation is kept with the run: evaluation.json, the probabilities, figures and
    a new report. On other data nothing is kept.

    Args:
        run: the run or its folder, or the file of a classifier.
        data: other pictures with labels of the same classes: their test split if they have one of their own,
            or else all of them. None: the data of the run.
        split: of the run's own data; anything but test was seen in training.
        network: an instance of the class, if the run was started with one.
        progress: show how far reading has come, on a terminal.

    Raises:
        RunError: the run or classifier cannot be read.
        DataError: the data cannot be read, has no labels, or has classes that the classifier does not know.
    """
    if isinstance(run, (str, Path)) and Path(run).is_file():
        return _on_other_data(_classifier(Path(run), network), data, progress=progress)
    run = run if isinstance(run, Run) else open_run(Path(run))
    if data is not None and not (isinstance(data, Dataset) and source_of(data) == run.recipe.data.source):
        return _on_other_data(run.classifier(network), data, progress=progress)
    given = data if isinstance(data, Dataset) else None
    part = load(given, run.recipe.data, splits=[split], progress=progress).split(split)
    classifier = run.classifier(network)
    evaluation, probabilities, labels = judge(classifier, part, dataset=run.record.data.name, split=split)
    run.save_evaluation(evaluation, probabilities)
    if split == "test":
        album = Album(run.path / "figures")
        album.draw_evaluation(evaluation, probabilities, part, labels, run.name, seed=run.recipe.seed)
        write_run_report(run)
    return evaluation


def judge(
    classifier: Classifier, part: ImageSet, *, dataset: str, split: str
) -> tuple[Evaluation, NDArray[np.float32], NDArray[np.int64]]:
    """Return a classifier's evaluation on labelled pictures, its (N, K) probabilities, and labels (N,) as its classes.

    Raises:
        DataError: there are no labels, or one that the classifier does not know.
    """
    labels = as_classes(part, classifier.classes)
    probabilities = classifier.probabilities(part.images)
    evaluation = metrics.evaluate(
        probabilities,
        labels,
        dataset=dataset,
        split=split,
        fingerprint=part.fingerprint,
        classes=classifier.classes,
    )
    return evaluation, probabilities, labels


def as_classes(part: ImageSet, classes: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the labels of `part` (N,) as places in `classes`, matched by name.

    Raises:
        DataError: there are no labels, or one that is not among `classes`.
    """
    if part.labels is None:
        raise DataError(
            f"{part.origin} has no labels, so there is nothing to compare with; use 'sightline predict'."
        )
    places = {name: place for place, name in enumerate(classes)}
    unknown = [name for name, number in part.counts().items() if number and name not in places]
    if unknown:
        raise DataError(
            f"{part.origin} has classes that the classifier does not know: {', '.join(unknown[:5])}; "
            f"it knows {', '.join(classes[:10])}{', …' if len(classes) > 10 else ''}."
        )
    return np.array([places.get(name, -1) for name in part.classes], np.int64)[part.labels]


def _classifier(path: Path, network: nn.Module | None) -> Classifier:
    from sightline.prediction.classifier import load_classifier  # noqa: PLC0415 (loads PyTorch)

    return load_classifier(path, network)


def _on_other_data(
    classifier: Classifier, data: str | Path | Dataset | None, *, progress: bool
) -> Evaluation:
    if data is None:
        raise UsageError("A classifier's file does not say which data to judge it on; name it with --data.")
    if not isinstance(data, Dataset):
        height, width, _ = classifier.description.shape
        options = DataOptions(source=source_of(data), size=(height, width), fit=classifier.description.fit)
        with reading_progress(shown=progress) as advance:
            data = source.read_to_judge(options, progress=advance)
    evaluation, _, _ = judge(classifier, data.split("test"), dataset=data.name, split="test")
    return evaluation
