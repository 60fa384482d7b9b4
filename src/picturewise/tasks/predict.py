"""Predict the classes of pictures from any source; write tables, and sort the files by class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from picturewise.arguments import checked
from picturewise.data.dataset import Skipped
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.readers.loose_pictures import check_bad
from picturewise.data.recognise import Data
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.engine import EngineName
from picturewise.prediction.file_format import FILE_NAME
from picturewise.prediction.predict import PredictedBlock, Prediction
from picturewise.reprs import never_raises
from picturewise.split_names import SplitName
from picturewise.tasks.abstaining import abstain_below
from picturewise.tasks.predicting import Predicting, predict_into, recognised, shown_by
from picturewise.tasks.prediction_outputs import check_options, check_sequences, wanted_outputs

if TYPE_CHECKING:
    from torch import nn

    from picturewise.runs.run import Run


@checked
def predict(
    run: str | Path | Run | Classifier,
    data: Data | bytes | Sequence[str | Path],
    *,
    split: SplitName | None = None,
    hints: Hints = NO_HINTS,
    skip_bad: bool = False,
    recursive: bool = False,
    csv: str | Path | None = None,
    top: int = 1,
    probabilities: bool = False,
    kaggle: str | Path | None = None,
    sort_into: str | Path | None = None,
    link: bool = False,
    min_confidence: float | None = None,
    abstain: float | None = None,
    network: nn.Module | None = None,
    engine: EngineName = "auto",
) -> Predicted:
    """Return a prediction for each picture, and the files that were left out; see `Predicted.notes` too.

    If the classifier reads sequences of symbols, such as house numbers, each is a `picturewise.types.Reading`.

    For more pictures than fit into memory, use `predict_each`, or the command.

    Args:
        run: the run or its folder, or a classifier or its file.
        data: picture files of any size and mode, or folders of them; anything that `train` accepts, with or without
            labels, such as Kaggle's `test.csv`; or what `Classifier.predict_proba` accepts, such as arrays. Several
            paths are read one by one. A tuple of two is (pictures, labels), unless the second is a picture file, bytes,
            an `ImageSet`, or a Pillow picture.
        split: of a source with splits; None: its test split, or all of its pictures if it has only one split.
        hints: how to read the source if its files do not determine it.
        skip_bad: leave out files that cannot be read, instead of raising an error.
        recursive: a folder means the pictures in it and in its subfolders; their names do not matter.
        csv: a file for a table with the columns path, label, probability and error.
        top: how many classes or readings to write to it for each picture, most probable first (label_2,
            probability_2, …).
        probabilities: also write the probability of each class to it (p_<class>).
        kaggle: a file for the predicted classes, with the columns ImageId and Label as Kaggle expects them.
        sort_into: a new or empty folder, for a copy of each picture in a folder of its class.
        link: make symbolic links there instead of copies.
        min_confidence: a probability in [0, 1]. Pictures below it are marked in the table (unsure) and sorted into the
            folder `unsure`.
        abstain: for a classifier that reads sequences: an accuracy, such as 0.98. Pictures whose confidence is below
            the threshold that reached it on the validation pictures are left to people: their label is empty.
        network: an instance of the class, if the run was started with one.
        engine: ONNX Runtime or PyTorch (auto), PyTorch, or the reference network in NumPy, which supports only layer
            lines.

    Raises:
        UsageError: the engine cannot compute a layer of the network, the data are an object of an unknown kind, or
            options do not fit together.
        RunError: the run or classifier cannot be read.
        DataError: the pictures cannot be read.
        SaveError: a file could not be written.
    """
    check_options(
        csv=csv, top=top, probabilities=probabilities, kaggle=kaggle, sort_into=sort_into, link=link,
        min_confidence=min_confidence, abstain=abstain,
    )  # fmt: skip
    classifier = classifier_of(run, network).by_engine(engine)
    check_sequences(classifier, top=top, probabilities=probabilities, kaggle=kaggle, sort_into=sort_into)
    sources = recognised(data, hints, classifier, recursive=recursive)
    predicting = Predicting(
        classifier, sources, shown_by(data), split=split, named=None,
        abstain_below=abstain_below(classifier.description, abstain),
    )  # fmt: skip
    kept = _Kept(skip_bad=skip_bad)
    outputs = wanted_outputs(
        classifier, sources, csv=csv, top=top, probabilities=probabilities, kaggle=kaggle, sort_into=sort_into,
        link=link, min_confidence=min_confidence,
    )  # fmt: skip
    predict_into(predicting, [kept, *outputs])
    predicting.check_any()
    found = Predicted(kept.predictions, tuple(predicting.left_out))
    found.notes = predicting.notes
    return found


@checked
def predict_each(
    run: str | Path | Run | Classifier,
    data: Data | bytes | Sequence[str | Path],
    *,
    split: SplitName | None = None,
    hints: Hints = NO_HINTS,
    recursive: bool = False,
    abstain: float | None = None,
    network: nn.Module | None = None,
    engine: EngineName = "auto",
) -> Iterator[Prediction | Skipped]:
    """Return an iterator over the predictions, in order, which are made while they are asked for.

    So a million picture files take the memory of a few hundred. A file that cannot be read, or that was left out, is a
    `picturewise.types.Skipped` with the reason.

    Args:
        run: as for `predict`, like all that follow.
        data: files without labels are decoded while they are asked for; other sources are read or imported first.
        split: of a source with splits.
        hints: how to read the source.
        recursive: a folder means the pictures in it and in its subfolders.
        abstain: leave pictures to people so that the readings of the others reach this accuracy.
        network: an instance of the class, if the run was started with one.
        engine: what computes the predictions.

    Raises:
        UsageError, RunError, DataError: as for `predict`, the latter two also by the iterator; but a file that cannot
            be read is not an error.
    """
    classifier = classifier_of(run, network).by_engine(engine)
    sources = recognised(data, hints, classifier, recursive=recursive)
    least = abstain_below(classifier.description, abstain)
    predicting = Predicting(classifier, sources, shown_by(data), split=split, abstain_below=least)
    return (one for block in predicting for one in (*block.predictions(), *block.left_out))


def classifier_of(run: str | Path | Run | Classifier, network: nn.Module | None = None) -> Classifier:
    """Return the classifier of a run or in a file; of a run folder, only that file is read.

    Raises:
        RunError: it cannot be read.
    """
    if isinstance(run, Classifier):
        return run
    if isinstance(run, str | Path):
        path = Path(run)
        if (path / "run.json").exists() and (path / FILE_NAME).exists():
            path /= FILE_NAME
        if path.is_file():
            return load_classifier(path, network)
        from picturewise.runs.run import open_run  # noqa: PLC0415 (it says what is wrong, and is slow to import)

        run = open_run(path)
    return run.classifier(network)


class _Kept:
    """Keeps all predictions, as an output."""

    def __init__(self, *, skip_bad: bool) -> None:
        self.predictions: list[Prediction] = []
        self._skip_bad = skip_bad

    def add(self, block: PredictedBlock) -> None:
        found = [*block.predictions()]
        bad = [one for one in found if isinstance(one, Skipped)]
        if bad and not self._skip_bad:
            check_bad(bad, len(found), skip_bad=False)
        self.predictions += [one for one in found if isinstance(one, Prediction)]

    def finish(self) -> None:
        """Do nothing."""

    def abandon(self) -> str:
        return ""


class _Pair(NamedTuple):
    predictions: list[Prediction]
    skipped: tuple[Skipped, ...]


class Predicted(_Pair):
    """Predictions and the files that were left out, as a pair.

    Attributes:
        notes: decisions that were made while reading, and whether the pictures are unlike the training pictures.
    """

    notes: tuple[str, ...] = ()

    @never_raises
    def __repr__(self) -> str:
        first = ", ".join(f"{one.name}: {one.label}" for one in self.predictions[:3])
        more = ", …" if len(self.predictions) > 3 else ""
        return f"<Predicted: {len(self.predictions):,} predictions ({first}{more}), {len(self.skipped):,} left out>"

    def _repr_html_(self) -> str:
        from picturewise.reporting.notebook.prediction import predictions_html  # noqa: PLC0415 (see predict)

        return predictions_html(self.predictions, left_out=len(self.skipped), notes=self.notes)
