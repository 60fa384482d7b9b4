"""Evaluate a classifier on the test split, or on another set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from picturewise.data import read
from picturewise.data.arrays.lazy_rows import slices
from picturewise.data.arrays.picture_statistics import DIGEST_BYTES, digest_each, found_in
from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.data.in_memory.make_dataset import NAME, DataGiven
from picturewise.data.options import data_options
from picturewise.data.recognise import find
from picturewise.errors import DataError, UsageError
from picturewise.evaluation import metrics
from picturewise.evaluation.evaluation import Evaluation
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.engine import EngineName
from picturewise.reporting.album import Album
from picturewise.reporting.run_report import write_run_report
from picturewise.runs.run import Run, open_run
from picturewise.split_names import SplitName
from picturewise.tasks.load import GIVEN, Data, collected, load, load_own, reading_progress, source_of

if TYPE_CHECKING:
    from torch import nn


def evaluate(
    run: str | Path | Run | Classifier,
    *,
    data: Data | None = None,
    split: SplitName = "test",
    network: nn.Module | None = None,
    engine: EngineName = "auto",
    progress: bool = True,
) -> Evaluation:
    """Return the numbers of a run's best classifier, each with its 95 % interval.

    On the run's own data, told by their SHA-256, the evaluation is kept with the run: evaluation.json, the
    probabilities, figures and a new report. On other data nothing is kept. Either way, pictures that the run
    learned from are counted, and noted where there are any.

    Args:
        run: the run or its folder, or a classifier or its file.
        data: None: the data of the run. Otherwise their new place; or other pictures with labels of the same
            classes: their test split if they have one of their own, or else all of them.
        split: of the run's own data; anything but test was seen in training.
        network: an instance of the class, if the run was started with one.
        engine: what computes, as for `predict`.
        progress: show how far reading has come, on a terminal.

    Raises:
        RunError: the run or classifier cannot be read.
        DataError: the data cannot be read, have no labels, have classes that the classifier does not know, or
            are not those of the run any more.
        UsageError: a split of other data was asked for, or the engine lacks a layer of the network.
    """
    if data is not None and not isinstance(data, str | Path | Dataset):
        data = collected(data, progress=progress)  # once, though they are looked at twice
    if not isinstance(run, Run):
        if not isinstance(run, str | Path):
            return _on_other_data(run.by_engine(engine), data, split, progress=progress)
        if Path(run).is_file():
            return _on_other_data(
                load_classifier(Path(run), network).by_engine(engine),
                data,
                split,
                run=_run_around(Path(run)),
                progress=progress,
            )
        run = open_run(run)
    dataset = _own_data(run, data, split, progress=progress)
    if dataset is None:
        classifier = run.classifier(network).by_engine(engine)
        return _on_other_data(classifier, data, split, run=run, progress=progress)
    part, classifier = dataset.split(split), run.classifier(network).by_engine(engine)
    evaluation, probabilities, labels = evaluate_part(classifier, part, run.record.data.name, split)
    evaluation = _with_learned(evaluation, classifier, part, run.learned())
    run.save_evaluation(evaluation, probabilities)
    if split == "test":
        album = Album(run.path / "figures")
        album.draw_evaluation(evaluation, probabilities, part, labels, run.name, seed=run.recipe.seed)
        write_run_report(run)
    return evaluation


def evaluate_part(
    classifier: Classifier, part: ImageSet, dataset: str, split: str
) -> tuple[Evaluation, NDArray[np.float32], NDArray[np.int64]]:
    """Return a classifier's evaluation on labelled pictures, its (N, K) probabilities, and labels (N,) as its classes.

    Raises:
        DataError: there are no labels, or one that the classifier does not know; or the stored pictures are damaged.
    """
    part.check_pixels()
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
            f"{part.origin} has no labels, so there is nothing to compare with; use 'picturewise predict'."
        )
    places = {name: place for place, name in enumerate(classes)}
    unknown = [name for name, number in part.counts().items() if number and name not in places]
    if unknown:
        raise DataError(
            f"{part.origin} has classes that the classifier does not know: {', '.join(unknown[:5])}; "
            f"it knows {', '.join(classes[:10])}{', …' if len(classes) > 10 else ''}."
        )
    return np.array([places.get(name, -1) for name in part.classes], np.int64)[part.labels]


def _own_data(run: Run, data: Data | None, split: SplitName, *, progress: bool) -> Dataset | None:
    """Return the run's own data with `split`, or None if `data` are other pictures.

    Where the split is held out from the same pictures as train, or where `data` are said to be the run's, train
    is read too: if it has changed, test pictures may have been learned from.
    """
    options, held_out = run.recipe.data, False
    if data is None and not options.source.startswith(GIVEN) and Path(options.source).exists():
        held_out = split not in find(options.source)[0].splits
    wanted: set[SplitName] = {split, "train"} if data is not None or held_out else {split}
    try:
        dataset = load_own(run, data, splits=wanted, progress=progress)
        run.check_pictures(dataset)
    except DataError:
        if data is None:
            raise
        return None
    return dataset if data is None or dataset.train is not None else None


def _on_other_data(
    classifier: Classifier,
    data: Data | None,
    split: SplitName,
    *,
    run: Run | None = None,
    progress: bool,
) -> Evaluation:
    if data is None:
        raise UsageError(
            "A classifier's file does not say which data to evaluate_part it on; name it with --data."
        )
    if split != "test":
        raise UsageError(
            f"--split {split} means a split of a run's own data; these are other pictures, of which the test split "
            "is evaluated, or all if they have no splits."
        )
    if isinstance(data, str | Path):
        dataset = _to_evaluate(classifier, data, progress=progress)
    else:
        dataset = data if isinstance(data, Dataset) else _given_to_evaluate(data, progress=progress)
    part = dataset.split("test")
    evaluation, _, _ = evaluate_part(classifier, part, dataset.name, split)
    learned = None if run is None else run.learned()
    return _with_learned(evaluation.model_copy(update={"own": False}), classifier, part, learned)


def _given_to_evaluate(data: DataGiven, *, progress: bool) -> Dataset:
    """Return the test split of what was handed in, or all of it where there is one split only."""
    parts = collected(data, progress=progress)
    part = next(iter(parts.values())) if len(parts) == 1 else parts.get("test")
    if part is None:
        raise DataError(
            f"{NAME} has the splits {', '.join(parts)}, but no test; hand in those to evaluate_part on alone."
        )
    return Dataset(NAME, test=part)


def _run_around(path: Path) -> Run | None:
    """Return the run in whose folder a classifier's file lies, if it does."""
    run = Run(path.parent)
    return run if (run.path / "run.json").exists() and run.classifier_path.name == path.name else None


def _with_learned(
    evaluation: Evaluation, classifier: Classifier, part: ImageSet, learned: NDArray[np.uint8] | None
) -> Evaluation:
    """Return the evaluation with the number of pictures that are among the `learned` ones (N, 16), and a note on it."""
    if learned is None:
        note = (
            "Which pictures the classifier learned from is not known here (that stands in the splits.csv of its run, "
            "as it was written), so nobody can say whether some of these are among them."
        )
        return evaluation.model_copy(update={"notes": (note,)})
    count = int(found_in(_digests(classifier, part), learned).sum())
    note = (
        f"{count:,} of {len(part):,} pictures are among those that the run learned from (train and valid in its "
        "splits.csv), so the scores are likely better than on new ones."
    )
    return evaluation.model_copy(update={"learned_from": count, "notes": (note,) if count else ()})


def _digests(classifier: Classifier, part: ImageSet) -> NDArray[np.uint8]:
    """Return the digest of each picture (N, 16) as the classifier's run would have seen it."""
    if part.shape == classifier.description.shape:
        return np.asarray(part.traits.digests)
    digests = np.empty((len(part), DIGEST_BYTES), np.uint8)
    for rows in slices(part.images):
        digests[rows] = digest_each(classifier.fitted(part.images[rows]))
    return digests


def _to_evaluate(classifier: Classifier, data: str | Path, *, progress: bool) -> Dataset:
    """Return the test split of a source, or all of its pictures, but never those that the classifier learned from."""
    height, width, _ = classifier.description.shape
    options = data_options(source=source_of(data), size=(height, width), resize=classifier.description.resize)
    with reading_progress(shown=progress) as advance:
        dataset = read.read_to_evaluate(options, progress=advance)
    if "test" not in find(options.source)[0].splits:
        held_out = load(None, options, progress=progress)
        learned = classifier.description.provenance.get("train_sha256")
        if held_out.train is not None and held_out.train.fingerprint == learned:
            return held_out
    return dataset
