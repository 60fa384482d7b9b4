"""Predictions as files that are written while they are made: a CSV table, and Kaggle's form of one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from picturewise.csv_cells import as_cell
from picturewise.files import GrowingFile
from picturewise.prediction.predict import PredictedBlock, Row
from picturewise.printable import printable


class Output(Protocol):
    """Something that takes predictions as they are made."""

    def add(self, block: PredictedBlock) -> None:
        """Take some predictions.

        Raises:
            PicturewiseError: they cannot be written.
        """

    def finish(self) -> None:
        """Complete the work.

        Raises:
            PicturewiseError: it cannot be completed.
        """

    def abandon(self) -> str:
        """Stop because of an error; return what is kept of the results in a sentence, or an empty string."""


class _Table:
    """A CSV file, written under a name that says that it is unfinished until it is finished; see `GrowingFile`."""

    def __init__(self, path: str | Path, head: Sequence[str]) -> None:
        self._file = GrowingFile(Path(path))
        self._file.write(_lines([[as_cell(name) for name in head]]))
        self._rows = 0
        self._finished = False

    def add(self, block: PredictedBlock) -> None:
        self._file.write(_lines(self._cells(row, block) for row in block.rows))
        self._rows += len(block.rows)

    def finish(self) -> None:
        self._file.finish()
        self._finished = True

    def abandon(self) -> str:
        if self._finished:
            return ""
        self._file.abandon(keep=self._rows > 0)
        if not self._rows:
            return ""
        rows = "row is" if self._rows == 1 else f"{self._rows:,} rows are"
        return f"The first {rows} in {printable(self._file.unfinished)}."

    def _cells(self, row: Row, block: PredictedBlock) -> list[object]:
        raise NotImplementedError


class CsvTable(_Table):
    """A CSV file with a row for each picture and for each file that cannot be read.

    The columns are `path`, `label`, `probability`, then `unsure` if a least confidence is given, then `label_2`,
    `probability_2` and so on, `error`, and a column `p_<class>` for each class if they are asked for.

    Args:
        path: of the file; an existing one is replaced when the new one is finished.
        classes: of the classifier, or its symbols.
        top: how many classes or readings to write, most probable first.
        probabilities: also write the probability of each class.
        min_confidence: below this probability, a picture is unsure; None: the column is left out.
        readings: labels are sequences of symbols, of which there are more than symbols.

    Raises:
        SaveError: the file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        classes: Sequence[str],
        *,
        top: int = 1,
        probabilities: bool = False,
        min_confidence: float | None = None,
        readings: bool = False,
    ) -> None:
        self._top = top if readings else min(top, len(classes))
        self._each, self._least = probabilities, min_confidence
        head = ["path", "label", "probability"] + ["unsure"] * (min_confidence is not None)
        head += [f"{name}_{rank}" for rank in range(2, self._top + 1) for name in ("label", "probability")]
        # With a prefix, because a class can have the name of another column.
        super().__init__(path, [*head, "error", *(f"p_{name}" for name in classes if probabilities)])

    def _cells(self, row: Row, block: PredictedBlock) -> list[object]:
        unsure = [] if self._least is None else [_truth(row.probability < self._least)]
        if row.probabilities is None:
            blank = ["", ""] + [""] * len(unsure) + ["", ""] * (self._top - 1)
            return [as_cell(row.path), *blank, as_cell(row.error), *([""] * len(block.classes) * self._each)]
        cells = [as_cell(row.path), as_cell(row.label), _number(row.probability), *unsure]
        others = block.alternatives(row, self._top)[1:] if self._top > 1 and not row.abstained else []
        for label, probability in others:
            cells += [as_cell(label), _number(probability)]
        cells += ["", ""] * (self._top - 1 - len(others))  # left to people, or there are fewer readings
        return [*cells, "", *(map(_number, row.probabilities) if self._each else ())]


class KaggleTable(_Table):
    """A CSV file as Kaggle expects it: ImageId is the picture's number in its file, or its name; Label is the class.

    The label of a file that cannot be read is empty, so that the number of rows is right.

    Args:
        path: of the file; an existing one is replaced when the new one is finished.

    Raises:
        SaveError: the file cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path, ("ImageId", "Label"))

    def _cells(self, row: Row, block: PredictedBlock) -> list[object]:
        del block
        return [as_cell(row.number or Path(row.name).name), as_cell(row.label)]


def _lines(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _number(value: float) -> str:
    """Return a probability with the digits that 32-bit numbers have."""
    return f"{float(value):.7g}"


def _truth(value: bool) -> str:
    return "true" if value else "false"
