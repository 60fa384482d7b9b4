"""Predict the classes of picture files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.data.dataset import Skipped
from sightline.prediction.predict import Prediction, predict_files
from sightline.training.run import Run, open_run

if TYPE_CHECKING:
    from torch import nn


def predict(
    run: str | Path | Run,
    files: str | Path | Sequence[str | Path],
    *,
    skip_bad: bool = False,
    network: nn.Module | None = None,
) -> tuple[list[Prediction], tuple[Skipped, ...]]:
    """Return a prediction for each picture file, and the files that were left out.

    Args:
        run: the run or its folder, or the file of a classifier.
        files: picture files of any size and mode, or folders of them.
        skip_bad: leave out files that cannot be read instead of refusing all.
        network: an instance of the class, if the run was started with one.

    Raises:
        RunError: the run or classifier cannot be read.
        DataError: a file cannot be read.
    """
    paths = [Path(files)] if isinstance(files, str | Path) else [Path(file) for file in files]
    if isinstance(run, str | Path) and Path(run).is_file():
        from sightline.prediction.classifier import load_classifier  # noqa: PLC0415 (loads PyTorch)

        classifier = load_classifier(Path(run), network)
    else:
        classifier = (run if isinstance(run, Run) else open_run(Path(run))).classifier(network)
    return predict_files(classifier, paths, skip_bad=skip_bad)
