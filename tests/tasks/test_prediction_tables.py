from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from picturewise.errors import SaveError
from picturewise.prediction.predict import PredictedBlock, Row
from picturewise.tasks.prediction_tables import CsvTable, KaggleTable

CLASSES = ("cat", "=dog", "error")


def row(path: str, *shares: float, number: int | None = None) -> Row:
    best = int(np.argmax(shares))
    return Row(path, number, path, CLASSES[best], shares[best], np.array(shares, np.float32))


def block(*rows: Row) -> PredictedBlock:
    return PredictedBlock(CLASSES, np.zeros((len(rows), 1, 1, 1), np.uint8), rows)


BAD = Row("=bad.png", None, "x/=bad.png", error="not a picture")


def written(table: CsvTable | KaggleTable, path: Path, *blocks: PredictedBlock) -> list[list[str]]:
    for one in blocks:
        table.add(one)
    table.finish()
    with path.open(newline="", encoding="utf-8") as file:
        return [*csv.reader(file)]


def test_a_table_has_a_row_for_each_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    found = written(CsvTable(path, CLASSES), path, block(row("a,1.png", 0.5, 0.25, 0.25)), block(BAD))
    assert found == [
        ["path", "label", "probability", "error"],
        ["a,1.png", "cat", "0.5", ""],
        ["x/=bad.png", "", "", "not a picture"],
    ]


def test_a_table_with_everything_has_equally_long_rows_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    table = CsvTable(path, CLASSES, top=9, probabilities=True, min_confidence=0.6)
    head, good, sure, bad = written(
        table, path, block(row("=a.png", 0.25, 0.5, 0.25), row("b", 0.0, 0.3, 0.7), BAD)
    )
    assert head == [
        *("path", "label", "probability", "unsure", "label_2", "probability_2", "label_3", "probability_3", "error"),
        *("p_cat", "p_=dog", "p_error"),
    ]  # fmt: skip
    assert good == [
        "'=a.png",
        "'=dog",
        "0.5",
        "true",
        "cat",
        "0.25",
        "error",
        "0.25",
        "",
        "0.25",
        "0.5",
        "0.25",
    ]
    assert sure[1:4] == ["error", "0.7", "false"]
    assert bad == ["x/=bad.png", *[""] * 7, "not a picture", *[""] * 3]


def test_probabilities_come_back_as_they_were(tmp_path: Path) -> None:
    shares = np.random.default_rng(0).dirichlet(np.full(3, 0.1), 200).astype(np.float32)
    path = tmp_path / "a.csv"
    rows = [row(str(index), *map(float, one)) for index, one in enumerate(shares)]
    found = written(CsvTable(path, CLASSES, probabilities=True), path, block(*rows))
    np.testing.assert_allclose(np.array([one[-3:] for one in found[1:]], float), shares, rtol=1e-6)


def test_kaggles_form_has_numbers_or_names_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [row("test.csv, picture 7", 1.0, 0, 0, number=7), row("x/=1.png", 0, 1.0, 0), BAD]
    assert written(KaggleTable(path), path, block(*rows)) == [
        ["ImageId", "Label"],
        ["7", "cat"],
        ["'=1.png", "'=dog"],
        ["'=bad.png", ""],
    ]


def test_what_is_given_up_is_kept_and_told_if_there_are_rows(tmp_path: Path) -> None:
    table = CsvTable(tmp_path / "a.csv", CLASSES)
    assert table.abandon() == ""
    assert [*tmp_path.iterdir()] == []
    table = CsvTable(tmp_path / "a.csv", CLASSES)
    table.add(block(BAD, BAD))
    assert table.abandon() == f"The first 2 rows are in {tmp_path / 'a.unfinished.csv'}."
    assert len((tmp_path / "a.unfinished.csv").read_text().splitlines()) == 3


def test_a_table_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SaveError, match="is a folder"):
        CsvTable(tmp_path, CLASSES)
    assert math.isnan(BAD.probability)  # so it is never unsure
