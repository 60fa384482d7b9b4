"""Predict the classes of picture files, or of the pictures in a CSV file; write a submission."""

from __future__ import annotations

import csv as csv_module
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from picturewise.files import write_text
from picturewise.prediction.classifier import Classifier, load_classifier
from picturewise.prediction.engine import EngineName
from picturewise.prediction.file_format import FILE_NAME
from picturewise.prediction.predict import Prediction, predict_files

if TYPE_CHECKING:
    from torch import nn

    from picturewise.data.dataset import Skipped
    from picturewise.runs.run import Run


def predict(
    run: str | Path | Run,
    files: str | Path | Sequence[str | Path],
    *,
    skip_bad: bool = False,
    csv: str | Path | None = None,
    network: nn.Module | None = None,
    engine: EngineName = "auto",
) -> tuple[list[Prediction], tuple[Skipped, ...]]:
    """Return a prediction for each picture, and the files that were left out.

    Args:
        run: the run or its folder, or the file of a classifier.
        files: picture files of any size and mode, folders of them, or CSV files with pixels in their lines.
        skip_bad: leave out files that cannot be read instead of refusing all.
        csv: a file to write the most likely classes to, with the columns ImageId and Label as Kaggle wants them.
        network: an instance of the class, if the run was started with one.
        engine: what computes: ONNX Runtime or PyTorch (auto), PyTorch, or the reference network in NumPy, which takes
            layer lines alone.

    Raises:
        UsageError: the engine lacks a layer of the network.
        RunError: the run or classifier cannot be read.
        DataError: a file cannot be read.
        SaveError: the submission could not be written.
    """
    paths = [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]
    classifier = _classifier(run, network)
    predictions, skipped = predict_files(classifier.by_engine(engine), paths, skip_bad=skip_bad)
    if csv is not None:
        write_text(Path(csv), submission(predictions))
    return predictions, skipped


def _classifier(run: str | Path | Run, network: nn.Module | None) -> Classifier:
    """Return the classifier of a run or in a file; of a run's folder, nothing but that file is read."""
    if isinstance(run, str | Path):
        path = Path(run)
        if (path / "run.json").exists() and (path / FILE_NAME).exists():
            path /= FILE_NAME
        if path.is_file():
            return load_classifier(path, network)
        from picturewise.runs.run import open_run  # noqa: PLC0415 (it says what is wrong, and takes its time)

        run = open_run(path)
    return run.classifier(network)


def submission(predictions: Sequence[Prediction]) -> str:
    """Return a CSV table of the most likely classes: ImageId is the picture's number in its file, or its name.

    >>> print(submission([Prediction("test.csv, picture 1", {"7": 0.9, "1": 0.1}, 1)]), end="")
    ImageId,Label
    1,7
    """
    text = io.StringIO()
    table = csv_module.writer(text, lineterminator="\n")
    table.writerow(["ImageId", "Label"])
    table.writerows([p.number or Path(p.name).name, p.label] for p in predictions)
    return text.getvalue()
