from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from many import CLASSES, label, png, write_parquet

from picturewise.data.hints import NO_HINTS, Hints
from picturewise.data.shards import parquet_rows
from picturewise.data.shards.parquet_rows import ParquetRows
from picturewise.errors import DataError

pytestmark = pytest.mark.slow  # a child is started


def test_rows_are_read_from_anywhere_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "AT_ONCE", 700)
    one = write_parquet(tmp_path / "a.parquet", range(600), group=250)
    other = write_parquet(tmp_path / "b.parquet", range(600, 640), group=7)
    reader = ParquetRows(NO_HINTS, None)
    try:
        assert reader.facts(one, "a", scale=True)[:4] == (600, "image", "label", False)
        for path, first, start, stop in (
            (one, 0, 0, 10), (one, 0, 10, 30), (one, 0, 249, 252), (other, 600, 3, 20),
            (one, 0, 580, 600), (one, 0, 0, 1),
        ):  # fmt: skip
            found = list(reader.rows(path, "x", start, stop, scale=None, labels=True))
            assert [bytes(row.content) for row in found] == [png(first + n) for n in range(start, stop)]
            assert [row.label for row in found] == [CLASSES[label(first + n)] for n in range(start, stop)]
        with pytest.raises(DataError, match="fewer rows than it declares"):
            list(reader.rows(one, "x", 590, 700, scale=None, labels=False))
        assert len(list(reader.rows(one, "x", 590, 600, scale=None, labels=False))) == 10
    finally:
        reader.close()


def test_lists_of_numbers_have_one_range(tmp_path: Path) -> None:
    pictures = [np.full((4, 4), value).tolist() for value in (0.0, 0.5, 1.0)]
    pq.write_table(pa.table({"image": pictures, "label": [0, 1, -1]}), tmp_path / "a.parquet")
    reader = ParquetRows(NO_HINTS, None)
    try:
        facts = reader.facts(tmp_path / "a.parquet", "a", scale=True)
        rows = list(reader.rows(tmp_path / "a.parquet", "a", 0, 3, scale=facts.scale, labels=True))
    finally:
        reader.close()
    assert facts.lists
    assert [bytes(row.content)[-1] for row in rows] == [0, 128, 255]
    assert [row.label for row in rows] == ["0", "1", ""]


@pytest.mark.parametrize("kind", ["truncated", "foreign", "empty", "no pictures"])
def test_a_file_that_cannot_be_read_is_an_error_with_its_name(kind: str, tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", range(30))
    content = path.read_bytes()
    if kind == "no pictures":
        pq.write_table(pa.table({"other": [1]}), path)
    else:
        path.write_bytes({"truncated": content[:-50], "foreign": b"PAR1" * 50, "empty": b""}[kind])
    reader = ParquetRows(Hints(), None)
    try:
        for _ in range(2):
            with pytest.raises(DataError, match="the file") as raised:
                reader.facts(path, "the file", scale=True)
            assert str(tmp_path) not in str(raised.value)
        good = write_parquet(tmp_path / "b.parquet", range(3))
        assert reader.facts(good, "b", scale=True).rows == 3
    finally:
        reader.close()
