"""`SearchRecord`, the content of search.json: what a search was begun with, and its budget."""

from __future__ import annotations

import time
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from picturewise import files
from picturewise.data.dataset import Dataset
from picturewise.errors import DataError, RunError, UsageError
from picturewise.printable import printable
from picturewise.results import Result

FORMAT = 1
FILE, JOURNAL, SPACE, RECIPE, BEST = "search.json", "trials.jsonl", "space.toml", "recipe.toml", "best.toml"
USUAL_MINUTES = 10.0


class SearchRecord(Result):
    """The content of search.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    data: str = Field(description="Name of the data set.")
    train_sha256: str = Field(description="Fingerprint of the training pictures.")
    valid_sha256: str = Field(description="Fingerprint of the validation pictures that choose.")
    seed: int
    minutes: float | None = Field(gt=0, description="Budget of time, in total; none: no limit.")
    trials: int | None = Field(gt=0, description="Number of trials, in total; none: no limit.")

    def check(self, dataset: Dataset, folder: Path) -> None:
        """Check that a data set has the pictures that the search was begun with.

        Raises:
            DataError: it has others.
        """
        if fingerprints(dataset) != (self.train_sha256, self.valid_sha256):
            raise DataError(
                f"The pictures have changed since the search in {printable(folder)} was begun. Restore them, or begin "
                "a new search."
            )


def read_record(folder: Path) -> SearchRecord:
    """Return the record of the search in a folder.

    Raises:
        UsageError: there is no search in it.
        RunError: its record is damaged, or of another version.
    """
    path = folder / FILE
    if not path.exists():
        raise UsageError(
            f"{printable(folder)} does not contain a search. Pass a folder that 'picturewise tune' created."
        )
    content = files.read_json(path)
    version = content.get("format") if isinstance(content, dict) else None
    if version != FORMAT:
        raise RunError(
            f"{printable(path)} has format {version}, but this version of Picturewise reads format {FORMAT}. Begin a "
            "new search."
        )
    try:
        return SearchRecord.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise RunError(
            f"{printable(path)} is damaged: {where}: {problem['msg']}. Restore the original file."
        ) from error


def fingerprints(dataset: Dataset) -> tuple[str, str]:
    """Return the fingerprints of train and validation."""
    return dataset.split("train").fingerprint, dataset.split("valid").fingerprint


class Clock:
    """Counts the time of a search over all its sessions.

    Args:
        before: seconds of earlier sessions.
        minutes: of the budget; None: no limit.
        reserve: seconds at the end of the budget for the report.
        began: of this session, in `time.monotonic()`.
    """

    def __init__(self, before: float, minutes: float | None, *, reserve: float, began: float) -> None:
        self._began, self._before = began, before
        self.until = None if minutes is None else began + 60 * minutes - before - reserve
        self._late = None if self.until is None else self.until + reserve / 3

    @property
    def seconds(self) -> float:
        """How long the search has taken so far."""
        return self._before + time.monotonic() - self._began

    @property
    def left(self) -> float | None:
        """Seconds until workers that have not paused are ended, after a third of the reserve; None: no limit."""
        return None if self._late is None else max(0.0, self._late - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the budget has been used."""
        return self.until is not None and time.monotonic() >= self.until
