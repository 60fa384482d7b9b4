"""skipped.csv in a run's folder: the files that were left out with skip_bad, and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from picturewise import files
from picturewise.csv_cells import as_cell, from_cell
from picturewise.data.dataset import Skipped
from picturewise.errors import RunError

_LONGEST_LINE = 1 << 16


def write_skipped(path: Path, skipped: Sequence[Skipped]) -> None:
    """Write the files that were left out to `path`.

    Raises:
        SaveError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "reason"])
    writer.writerows((as_cell(item.path), as_cell(item.reason)) for item in skipped)
    files.write_text(path, text.getvalue())


def read_skipped(path: Path) -> list[tuple[str, str]]:
    """Return the files that `write_skipped` wrote to `path`, and why; an empty list if the file does not exist.

    Raises:
        RunError: it is damaged.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = iter(lambda: file.readline(_LONGEST_LINE), "")  # in pieces, in case a line is endless
            rows = [(row["file"], row["reason"]) for row in csv.DictReader(lines)]
            if any(cell is None for row in rows for cell in row):
                raise ValueError("a row is too short")  # noqa: TRY301 (reported like any other damage)
            return [(from_cell(file), from_cell(reason)) for file, reason in rows]
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    except (KeyError, ValueError, csv.Error) as error:
        raise RunError(
            f"{path} is damaged: its rows are not pairs of file and reason ({error}). Restore the original file."
        ) from error
