"""The history of a run: one row per epoch, in a CSV file that any spreadsheet program can read."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ConfigDict

from picturewise.errors import RunError

STRICT: Final[ConfigDict] = {"strict": True, "extra": "forbid", "allow_inf_nan": False}
"""How pydantic reads the content of a checkpoint."""


_LONGEST_LINE = 1 << 10
_ADDED = ("valid_seconds", "views")
"""The last columns, which older versions did not write."""


@dataclass(frozen=True)
class Epoch:
    """The results of one epoch.

    Losses are mean cross-entropies in nats, without label smoothing; accuracies are in [0, 1]. The values for train
    are means over the epoch's batches, with augmentation, dropout and changing weights. So they may be worse than
    those for validation, which are measured at the end of the epoch. `seconds` includes `valid_seconds`, the time of
    the validation; None: an older version did not record it. `views` says how many views of each picture were used in
    it; None: an older version did not record it, and used all.
    """

    __pydantic_config__ = STRICT

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    seconds: float
    images_per_second: float
    valid_seconds: float | None = None
    views: int | None = None


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the highest validation accuracy; a lower loss, then an earlier epoch, decides ties.

    If some epochs were validated with more views of each picture than others, only these are compared.
    """
    most = max((row.views or 0 for row in history), default=0)
    whole = (row for row in history if (row.views or 0) == most)
    return min(whole, key=lambda row: (-row.valid_accuracy, row.valid_loss, row.epoch))


def kept_epoch(history: Sequence[Epoch], keep: Literal["best", "last"]) -> Epoch:
    """Return the epoch whose network becomes the classifier, as `training.keep` says."""
    return history[-1] if keep == "last" else best_epoch(history)


def training_seconds(history: Sequence[Epoch]) -> float:
    """Return how long all epochs took in total, including validation, in seconds."""
    return sum(row.seconds for row in history)


def validation_seconds(history: Sequence[Epoch]) -> float | None:
    """Return how much of that was validation; None: an older version did not record it."""
    seconds = [row.valid_seconds for row in history]
    return None if None in seconds else sum(filter(None, seconds))


def to_csv(history: Sequence[Epoch]) -> str:
    """Return the history as CSV with a header; floats are written so that reading restores them exactly."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in history)
    return text.getvalue()


def read_csv(path: Path) -> list[Epoch]:
    """Return the history that `to_csv` wrote to `path`.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            # In pieces, in case a line is endless.
            table = csv.DictReader(iter(lambda: file.readline(_LONGEST_LINE), ""))
            names = [field.name for field in fields(Epoch)]
            if table.fieldnames not in (names, *(names[:-count] for count in range(1, len(_ADDED) + 1))):
                raise ValueError(f"its header is {table.fieldnames}")  # noqa: TRY301 (reported like any other damage)
            return [_epoch(row) for row in table]
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise RunError(
            f"{path} is damaged: its rows are not a training history ({error}). Restore the original file."
        ) from error


def _epoch(row: dict[str, str]) -> Epoch:
    """Return a row of the file as an epoch; only what older versions did not record may be missing or empty."""
    told = {name: value for name, value in row.items() if value or name not in _ADDED}
    epoch, views = int(told.pop("epoch")), told.pop("views", None)
    numbers: dict[str, Any] = {name: _finite(value) for name, value in told.items()}
    return replace(Epoch(epoch, **numbers), views=None if views is None else int(views))


def _finite(text: str) -> float:
    """Return the number in a text; NaN and infinity are errors."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is not a finite number")
    return value
