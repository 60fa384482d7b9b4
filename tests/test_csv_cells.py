from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picturewise.csv_cells import as_cell, from_cell

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(1)", "\t=1", "\r=1", "＝1", "-", "--", "+49 30"]


@pytest.mark.parametrize("text", [*FORMULAS, "'=1", "''=1"])
def test_what_begins_like_a_formula_gets_an_apostrophe_and_is_read_back(text: str) -> None:
    assert as_cell(text) == "'" + text
    assert from_cell(as_cell(text)) == text


@pytest.mark.parametrize("text", ["", "rose", "a=b", "7", "-1", "+0.5", "-1e-3", "'tis", "''", " =1"])
def test_what_does_not_stays_as_it_is(text: str) -> None:
    assert as_cell(text) == text
    assert from_cell(text) == text


@given(st.text(alphabet="'=+-@\t1a,\"\n ", max_size=8))
def test_every_text_is_read_back_from_a_table(text: str) -> None:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerow(["x", as_cell(text)])
    ((_, cell),) = csv.reader(io.StringIO(table.getvalue(), newline=""))
    assert from_cell(cell) == text
    assert as_cell(text)[:1] not in {"=", "@", "\t"}
