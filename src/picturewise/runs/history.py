"""The history of a run: one row an epoch, kept as a CSV file that any spreadsheet reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from picturewise.errors import RunError


@dataclass(frozen=True)
class Epoch:
    """What one epoch brought.

    Losses are mean cross-entropies in nats, without label smoothing; accuracies lie in [0, 1]. The figures
    for train are means over the epoch's batches, with augmentation and dropout at work and weights that
    change under way, so they may be worse than those for validation, which are taken at the end of the epoch.
    `seconds` has `valid_seconds` in it, those of the validation; None: an older version did not tell.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    seconds: float
    images_per_second: float
    valid_seconds: float | None = None


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """Return the epoch of the highest validation accuracy; a lower loss, then an earlier epoch, decides ties."""
    return min(history, key=lambda row: (-row.valid_accuracy, row.valid_loss, row.epoch))


def to_csv(history: Sequence[Epoch]) -> str:
    """Return the history as CSV with a header; floats are written so that reading gives them back exactly."""
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
            table = csv.DictReader(file)
            names = [field.name for field in fields(Epoch)]
            if table.fieldnames not in (names, names[:-1]):
                raise ValueError(f"its header is {table.fieldnames}")  # noqa: TRY301 (told like any other damage)
            return [_epoch(row) for row in table]
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise RunError(f"{path} is damaged: its rows are not those of a history ({error}).") from error


def _epoch(row: dict[str, str]) -> Epoch:
    """Return a row of the file; only the seconds of the validation may be missing or empty."""
    told = {name: value for name, value in row.items() if value or name != "valid_seconds"}
    return Epoch(epoch=int(told.pop("epoch")), **{name: float(value) for name, value in told.items()})
