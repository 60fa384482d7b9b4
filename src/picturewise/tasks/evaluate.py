"""Evaluate a classifier on its test split or on another set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from picturewise import files, logs
from picturewise.arguments import checked
from picturewise.data.arrays.lazy_rows import slices
from picturewise.data.arrays.picture_statistics import DIGEST_BYTES, digest_each, found_in
from picturewise.data.contract import Source
from picturewise.data.dataset import Dataset
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.imageset import ImageSet
from picturewise.data.labels_for import labels_for
from picturewise.data.options import data_options
from picturewise.data.pictures.cut import note_on_whole
from picturewise.data.read_options import AsItIs
from picturewise.data.recognise import Data, recognise
from picturewise.errors import DataError, UsageError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.evaluation.metrics import METRICS
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.engine import EngineName
from picturewise.prediction.seen_greys import unlike
from picturewise.printable import printable
from picturewise.reporting.album import Album
from picturewise.reporting.run_report import write_run_report
from picturewise.runs.record import has_record
from picturewise.runs.run import Run, open_run
from picturewise.split_names import SplitName
from picturewise.targets.sequences import is_sequences
from picturewise.tasks.load import load, own_source
from picturewise.tasks.predicting import split_to_use

if TYPE_CHECKING:
    from torch import nn


OVERLAP_UNKNOWN = (
    "Overlap with the training pictures could not be checked: the run's splits.csv is missing or was changed."
)
_LONG_AGO = 3600.0  # seconds; writing a file never takes that long


@checked
def evaluate(
    run: str | Path | Run | Classifier,
    *,
    data: Data | None = None,
    split: SplitName = "test",
    hints: Hints = NO_HINTS,
    network: nn.Module | None = None,
    engine: EngineName = "auto",
    progress: bool = True,
) -> Evaluation:
    """Return the scores of a run's best classifier, each with its 95 % interval.

    On the run's own data, recognised by their SHA-256, the evaluation is saved with the run: evaluation.json, the
    probabilities, figures and a new report. On other data nothing is saved. In both cases, pictures that the run
    was trained on are counted, and a note names their number if there are any.

    Args:
        run: the run or its folder, or a classifier or its file.
        data: None: the run's own data. Otherwise their new location, or other pictures with labels of the same
            classes. Of those, the test split is evaluated if they have one, otherwise all of them.
        split: of the run's own data; training used all splits except test.
        hints: how to read `data` if its files do not determine it; they override the run's recipe.
        network: an instance of the class, if the run was started with one.
        engine: as for `predict`.
        progress: show the progress of reading, on a terminal.

    Raises:
        RunError: the run or classifier cannot be read.
        DataError: the data cannot be read, do not have labels, have classes that the classifier does not have, or
            are no longer those of the run.
        UsageError: a split of other data was asked for, or the engine cannot compute a layer of the network.
    """
    if isinstance(run, Classifier):
        return _on_other_pictures(run.by_engine(engine), _named(data, hints, run), split, progress=progress)
    if not isinstance(run, Run) and Path(run).is_file():
        classifier = load_classifier(Path(run), network).by_engine(engine)
        around = run_around(Path(run))
        source = _named(data, hints, classifier)
        return _on_other_pictures(classifier, source, split, run=around, progress=progress)
    run = run if isinstance(run, Run) else open_run(run)
    source = own_source(run, data, hints)
    if data is None or _is_own(run, source, progress=progress):
        return evaluate_own(
            run,
            source,
            split=split,
            moved=data is not None,
            network=network,
            engine=engine,
            progress=progress,
        )
    classifier = run.classifier(network).by_engine(engine)
    return _on_other_pictures(classifier, source, split, run=run, progress=progress)


def evaluate_own(
    run: Run,
    source: Source,
    *,
    split: SplitName = "test",
    moved: bool = False,
    network: nn.Module | None = None,
    engine: EngineName = "auto",
    progress: bool = True,
) -> Evaluation:
    """Return a run's evaluation on its own pictures, and save it with the run; see `evaluate`.

    If the split is held out from the same pictures as train, or if they `moved`, train is read too: if it has
    changed, some test pictures may have been trained on.

    Raises:
        DataError: the pictures are no longer those of the run.
    """
    return evaluate_with_probabilities(
        run, source, split=split, moved=moved, network=network, engine=engine, progress=progress
    )[0]


def evaluate_with_probabilities(
    run: Run,
    source: Source,
    *,
    split: SplitName = "test",
    moved: bool = False,
    network: nn.Module | None = None,
    engine: EngineName = "auto",
    progress: bool = True,
) -> tuple[Evaluation, NDArray[np.float32]]:
    """Return what `evaluate_own` returns, and the (N, K) probabilities behind it."""
    check_split(run, split)
    album = Album(run.figures)  # before the computation, because the folder may be refused
    wanted: set[SplitName] = {split, "train"} if moved or split not in source.splits else {split}
    dataset = load(source, run.recipe.data, splits=wanted, progress=progress)
    run.check_pictures(dataset)
    part, classifier = dataset.split(split), run.classifier(network).by_engine(engine)
    sha256 = classifier.weights_sha256  # of what is loaded, even if the file changes during the computation
    evaluation, probabilities, labels = evaluate_part(classifier, part, run.record.data.name, split)
    left_out = {item.path: item.reason for item in dataset.skipped}
    evaluation = _with_learned(evaluation, classifier, part, run.learned())
    evaluation = _with_notes(evaluation, unlike(classifier, part))
    evaluation = evaluation.model_copy(update={"skipped": left_out})
    replaced = run.classifier_sha256() != sha256
    if replaced:
        note = (
            f"The run's classifier was replaced during the evaluation, so these numbers belong to the previous one "
            f"(weights SHA-256 {sha256[:12]}…). Evaluate again to get those of the new one."
        )
        evaluation = evaluation.model_copy(update={"notes": (*evaluation.notes, note)})
    for folder in (run.path, run.figures):
        files.sweep(folder, older_than=_LONG_AGO)
    run.save_evaluation(evaluation, probabilities, sha256)
    if split == "test" and not replaced:
        grey, seed = run.recipe.preparation.grey, run.recipe.seed
        target = classifier.description.target
        album.draw_evaluation(
            evaluation, probabilities, part, labels, target, run.name, seed=seed, in_grey=grey
        )
        write_run_report(run)
    return evaluation, probabilities


def check_split(run: Run, split: SplitName) -> None:
    """Check that a run does not lack a validation split because it was validated in folds.

    Raises:
        DataError: it does.
    """
    folds = run.recipe.training.folds
    if split == "valid" and folds:
        raise DataError(
            f"{printable(run.path)} does not have a validation split: it was validated in {folds} folds of its "
            "training pictures, with the results in history.csv. Evaluate the test split instead."
        )


def evaluate_part(
    classifier: Classifier, part: ImageSet, dataset: str, split: str
) -> tuple[Evaluation, NDArray[np.float32], NDArray[np.int64]]:
    """Return a classifier's evaluation on labelled pictures, its (N, K) probabilities, and labels (N,) as its classes.

    Raises:
        DataError: there are no labels, or one that the classifier does not have; or the stored pictures are damaged.
    """
    part.check_pixels()
    labels = labels_for(part, classifier.description.target)
    probabilities = classifier.probabilities(part.images, part.names)
    evaluation = METRICS[classifier.description.target.metrics](
        probabilities,
        labels,
        dataset=dataset,
        split=split,
        fingerprint=part.fingerprint,
        target=classifier.description.target,
        thresholds=classifier.description.thresholds,
    )
    number_format, library = classifier.computation(len(part))
    evaluation = evaluation.model_copy(
        update={
            "classifier_sha256": classifier.weights_sha256,
            "number_format": number_format,
            "library": library,
        }
    )
    evaluation = _with_notes(evaluation, _on_format(classifier, number_format))
    logs.log(
        "evaluated",
        data=dataset,
        split=split,
        pictures=len(part),
        accuracy=evaluation.accuracy.value,
        loss=evaluation.loss.value,
        number_format=number_format,
        library=library,
        classifier_sha256=evaluation.classifier_sha256,
    )
    return evaluation, probabilities, labels


def _named(data: Data | None, hints: Hints, classifier: Classifier) -> Source:
    if data is None:
        raise UsageError("No pictures to evaluate the classifier on were passed. Pass them with --data.")
    return recognise(data, hints=hints, sequences=is_sequences(classifier.description.target))


def _is_own(run: Run, source: Source, *, progress: bool) -> bool:
    """Return whether a source has the pictures of a run, by the fingerprint of train before splits were held out."""
    if "train" not in source.splits:
        return False
    options = run.recipe.data
    as_it_is = AsItIs(options.size, options.resize, options.skip_bad, background=options.background)
    found = load(source, as_it_is, splits=["train"], progress=progress)
    return found.whole_train == run.record.data.whole_train


def _on_other_pictures(
    classifier: Classifier, source: Source, split: SplitName, *, run: Run | None = None, progress: bool
) -> Evaluation:
    """Return the evaluation on the test split of a source, or on all of its pictures if it has only one split."""
    if split != "test":
        raise UsageError(
            f"--split {split} needs the run's own data, but these are other pictures. Omit --split to evaluate on "
            "their test split, or on all of them if they do not have splits."
        )
    options = classifier.description.read_options()
    chosen = split_to_use(source)
    dataset = load(source, options, splits=[chosen], progress=progress)
    part = dataset.split(chosen)
    if chosen == "train" and not source.complete:
        part = _without_learned(classifier, source, options, dataset) or part
    evaluation, _, _ = evaluate_part(classifier, part, dataset.name, split)
    learned = None if run is None else run.learned()
    evaluation = _with_learned(evaluation.model_copy(update={"own": False}), classifier, part, learned)
    whole = note_on_whole(classifier.description.cut, dataset.cut)
    return _with_notes(evaluation, (*dataset.notes, *whole, *unlike(classifier, part)))


def _without_learned(
    classifier: Classifier, source: Source, as_it_is: AsItIs, whole: Dataset
) -> ImageSet | None:
    """Return the test split that a run with default options held out, if the classifier was trained on the rest.

    Small sets are trained on everything but the test split, others also without a validation split.
    """
    known = classifier.description.provenance
    if known.get("whole_train_sha256", whole.whole_train) != whole.whole_train:
        return None
    usual = data_options(size=as_it_is.size, resize=as_it_is.resize, background=as_it_is.background)
    for options in (usual, usual.model_copy(update={"valid_fraction": 0.0})):
        held_out = load(source, options, progress=False)
        if held_out.train is not None and held_out.train.fingerprint == known.get("train_sha256"):
            return held_out.test
    return None


def run_around(path: Path) -> Run | None:
    """Return the run whose folder contains a classifier file; None: there is no run, or its format is older."""
    run = Run(path.parent)
    return run if run.classifier_path.name == path.name and has_record(run.path) else None


def _with_learned(
    evaluation: Evaluation, classifier: Classifier, part: ImageSet, learned: NDArray[np.uint8] | None
) -> Evaluation:
    """Return the evaluation with the number of pictures among the `learned` ones (N, 16), and a note about it."""
    if learned is None:
        return _with_notes(evaluation, (OVERLAP_UNKNOWN,))
    count = int(found_in(_digests(classifier, part), learned).sum())
    evaluation = evaluation.model_copy(update={"learned_from": count})
    return _with_notes(evaluation, (overlap_note(count, len(part)),) if count else ())


def overlap_note(count: int, pictures: int) -> str:
    """Return the note about pictures that a run was trained on."""
    return (
        f"The run was trained on {count:,} of these {pictures:,} pictures (train and valid in its splits.csv), so the "
        "scores are probably better than on new pictures."
    )


def _on_format(classifier: Classifier, number_format: str) -> tuple[str, ...]:
    """Return a note if pictures are not computed in the classifier's own number format."""
    own = classifier.description.number_format
    if own == number_format:
        return ()
    return (f"The classifier's number format is {own}, but this engine computes in {number_format}.",)


def _with_notes(evaluation: Evaluation, notes: tuple[str, ...]) -> Evaluation:
    """Return the evaluation with more notes after its own."""
    return evaluation.model_copy(update={"notes": (*evaluation.notes, *notes)})


def _digests(classifier: Classifier, part: ImageSet) -> NDArray[np.uint8]:
    """Return the digest of each picture (N, 16) as the classifier's run would have seen it."""
    if part.shape == classifier.description.shape:
        return np.asarray(part.statistics.digests)
    digests = np.empty((len(part), DIGEST_BYTES), np.uint8)
    for rows in slices(part.images):
        digests[rows] = digest_each(classifier.fitted(part.images[rows]))
    return digests
