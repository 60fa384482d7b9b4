"""Predict the classes of pictures from any source; write a submission."""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from picturewise.arguments import checked
from picturewise.csv_cells import as_cell
from picturewise.data.contract import Source
from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.read import read
from picturewise.data.recognise import Data, check_obeyed, recognise, recognise_each
from picturewise.errors import DataError
from picturewise.files import write_text
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.engine import EngineName
from picturewise.prediction.file_format import FILE_NAME
from picturewise.prediction.predict import Prediction, predictions_of, unlike
from picturewise.printable import printable
from picturewise.reprs import never_raises
from picturewise.split_names import SplitName

if TYPE_CHECKING:
    from torch import nn

    from picturewise.data.dataset import Skipped
    from picturewise.data.imageset import ImageSet
    from picturewise.runs.run import Run


@checked
def predict(
    run: str | Path | Run | Classifier,
    data: Data | bytes | Sequence[str | Path],
    *,
    split: SplitName | None = None,
    hints: Hints = NO_HINTS,
    skip_bad: bool = False,
    csv: str | Path | None = None,
    network: nn.Module | None = None,
    engine: EngineName = "auto",
) -> Predicted:
    """Return a prediction for each picture, and the files that were left out; see `Predicted.notes` too.

    Args:
        run: the run or its folder, or a classifier or its file.
        data: picture files of any size and mode, or folders of them; anything that `train` accepts, with or without
            labels, such as Kaggle's `test.csv`; or what `Classifier.predict_proba` accepts, such as arrays. Several
            paths are read one by one. A tuple of two is (pictures, labels), unless the second is a picture file, bytes,
            an `ImageSet`, or a Pillow picture.
        split: of a source with splits; None: its test split, or all of its pictures if it has only one split.
        hints: how to read the source if its files do not determine it.
        skip_bad: leave out files that cannot be read, instead of raising an error.
        csv: a file for the predicted classes, with the columns ImageId and Label as Kaggle expects them.
        network: an instance of the class, if the run was started with one.
        engine: ONNX Runtime or PyTorch (auto), PyTorch, or the reference network in NumPy, which supports only layer
            lines.

    Raises:
        UsageError: the engine cannot compute a layer of the network, or the data are an object of an unknown kind.
        RunError: the run or classifier cannot be read.
        DataError: the pictures cannot be read.
        SaveError: the submission could not be written.
    """
    classifier = (run if isinstance(run, Classifier) else _classifier(run, network)).by_engine(engine)
    sources = _recognised(data, hints, classifier.description.shape)
    options = classifier.description.read_options(skip_bad=skip_bad)
    predictions: list[Prediction] = []
    skipped: list[Skipped] = []
    sets: list[ImageSet] = []
    notes: list[str] = []
    for source in sources:
        chosen = split or split_to_use(source)
        dataset = read(source, options, [chosen])
        shown = _shown(data, source)
        sets.append(dataset.split(chosen))
        predictions += predictions_of(classifier, sets[-1], shown)
        skipped += dataset.skipped
        notes += dataset.notes
    if csv is not None:
        write_text(Path(csv), submission(predictions))
    found = Predicted(predictions, tuple(skipped))
    found.notes = (*dict.fromkeys(notes), *unlike(classifier, sets))
    return found


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


def split_to_use(source: Source) -> SplitName:
    """Return the split of a source that a finished classifier is used on: test, or the only split of the source.

    Raises:
        DataError: it has several splits, but not a test split.
    """
    if "test" in source.splits:
        return "test"
    if len(source.splits) > 1:
        raise DataError(
            f"{printable(source.place or source.name)} has the splits {', '.join(source.splits)}, but no test "
            "split. Pass the pictures of only one split."
        )
    return source.splits[0]


def _recognised(data: Any, hints: Hints, shape: tuple[int, int, int]) -> list[Source]:
    if _are_paths(data):
        return recognise_each(data, hints=hints)
    if not isinstance(data, str | Path):
        from picturewise.data.given_pictures import are_pictures, given_pictures  # noqa: PLC0415 (files do not need them)

        if are_pictures(data):
            source = given_pictures(data, shape, hints=hints)
            check_obeyed(hints, source)
            return [source]
    return [recognise(data, hints=hints, labelled=False)]


def _are_paths(data: Any) -> bool:
    return isinstance(data, list | tuple) and all(isinstance(item, str | Path) for item in data)


def _shown(data: Any, source: Source) -> str:
    """Return the name of the source of pictures without names: a single path is shown as it was passed."""
    only = data[0] if _are_paths(data) and len(data) == 1 else data
    return printable(only if isinstance(only, str | Path) else source.place or source.name)


def _classifier(run: str | Path | Run, network: nn.Module | None) -> Classifier:
    """Return the classifier of a run or in a file; of a run folder, only that file is read."""
    if isinstance(run, str | Path):
        path = Path(run)
        if (path / "run.json").exists() and (path / FILE_NAME).exists():
            path /= FILE_NAME
        if path.is_file():
            return load_classifier(path, network)
        from picturewise.runs.run import open_run  # noqa: PLC0415 (it says what is wrong, and is slow to import)

        run = open_run(path)
    return run.classifier(network)


def submission(predictions: Sequence[Prediction]) -> str:
    """Return a CSV table of the predicted classes: ImageId is the picture's number in its file, or its name.

    >>> print(submission([Prediction("test.csv, picture 1", {"7": 0.9, "1": 0.1}, 1)]), end="")
    ImageId,Label
    1,7
    """
    text = io.StringIO()
    table = csv_module.writer(text, lineterminator="\n")
    table.writerow(["ImageId", "Label"])
    table.writerows([as_cell(p.number or Path(p.name).name), as_cell(p.label)] for p in predictions)
    return text.getvalue()
