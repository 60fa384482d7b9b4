"""Which files the options of a prediction ask for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from picturewise.errors import UsageError
from picturewise.prediction.predict import MOST_READINGS
from picturewise.printable import printable
from picturewise.targets.sequences import is_sequences

if TYPE_CHECKING:
    from picturewise.data.contract import Source
    from picturewise.prediction.classifier import Classifier
    from picturewise.tasks.prediction_tables import Output


def check_options(
    *,
    csv: str | Path | None,
    top: int | None,
    probabilities: bool,
    kaggle: str | Path | None,
    sort_into: str | Path | None,
    link: bool,
    min_confidence: float | None,
    abstain: float | None = None,
) -> None:
    """Check the options of `predict` that have to fit together.

    Raises:
        UsageError: they do not.
    """
    if top is not None and top < 1:
        raise UsageError(f"--top is {top}. Expected an integer of at least 1.")
    if min_confidence is not None and not 0 <= min_confidence <= 1:
        raise UsageError(
            f"--min-confidence is {min_confidence:g}. Expected a probability from 0 to 1, such as 0.8."
        )
    if abstain is not None and min_confidence is not None:
        raise UsageError(
            "--abstain and --min-confidence both say which readings are too unsure. Pass only one of them."
        )
    if probabilities and csv is None:
        raise UsageError("--probabilities adds columns to the table of --csv. Pass --csv FILE, too.")
    if link and sort_into is None:
        raise UsageError("--link applies to --sort-into. Pass --sort-into FOLDER, too.")
    if csv is not None and kaggle is not None and os.path.realpath(csv) == os.path.realpath(kaggle):
        raise UsageError(f"--csv and --kaggle are both {printable(csv)}. Pass different files.")


def check_sequences(
    classifier: Classifier,
    *,
    top: int | None,
    probabilities: bool,
    kaggle: str | Path | None,
    sort_into: str | Path | None,
) -> None:
    """Check that options have a meaning for what a classifier answers.

    Raises:
        UsageError: it reads sequences, and they are about classes.
    """
    if not is_sequences(classifier.description.target):
        return
    reads = "this classifier reads sequences of symbols"
    if probabilities:
        raise UsageError(
            f"--probabilities has a column for each class, but {reads}. Use --top to write several readings."
        )
    if kaggle is not None:
        raise UsageError(f"--kaggle has the class of each picture, but {reads}. Use --csv.")
    if sort_into is not None:
        raise UsageError(f"--sort-into makes a folder for each class, but {reads}. Use --csv.")
    if top is not None and top > MOST_READINGS:
        raise UsageError(f"--top is {top:,}, but at most {MOST_READINGS} readings can be told for a picture.")


def wanted_outputs(
    classifier: Classifier,
    sources: Sequence[Source],
    *,
    csv: str | Path | None,
    top: int,
    probabilities: bool,
    kaggle: str | Path | None,
    sort_into: str | Path | None,
    link: bool,
    min_confidence: float | None,
) -> list[Output]:
    """Return what writes the files that are asked for, by the names of their options.

    Raises:
        UsageError, SaveError: as for `SortedFolders` and `CsvTable`.
    """
    if csv is None and kaggle is None and sort_into is None:
        return []
    from picturewise.tasks.prediction_tables import CsvTable, KaggleTable  # noqa: PLC0415 (most predictions need none)

    found: list[Output] = []
    try:
        if sort_into is not None:
            from picturewise.tasks.sort_into import SortedFolders  # noqa: PLC0415 (the same)

            found.append(
                SortedFolders(
                    sort_into, classifier.classes, sources, link=link, min_confidence=min_confidence
                )
            )
        if csv is not None:
            found.append(
                CsvTable(
                    csv,
                    classifier.classes,
                    top=top,
                    probabilities=probabilities,
                    min_confidence=min_confidence,
                    readings=is_sequences(classifier.description.target),
                )
            )
        if kaggle is not None:
            found.append(KaggleTable(kaggle))
    except BaseException:
        for output in found:
            output.abandon()
        raise
    return found
