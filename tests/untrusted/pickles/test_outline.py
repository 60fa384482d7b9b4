from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from picturewise.errors import DataError
from picturewise.untrusted.pickles import reader
from picturewise.untrusted.pickles.outline import LARGE, NotEnoughError, Outline


def test_short_slices_are_the_file_s_and_long_ones_are_zeros(tmp_path: Path) -> None:
    content = os.urandom(5 * LARGE)
    (tmp_path / "a").write_bytes(content)
    with Outline.opened(tmp_path / "a") as outline:
        assert len(outline) == len(content)
        for start, end in ((0, 10), (LARGE - 5, 2 * LARGE - 5), (4 * LARGE, 5 * LARGE + 9), (3, 3), (9, 2)):
            assert outline[start:end] == content[start:end]
        assert outline[7] == content[7]
        assert outline[: LARGE + 1] == bytes(LARGE + 1)
        with pytest.raises(IndexError):
            _ = outline[len(content)]


def test_what_is_far_away_is_not_searched_for(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(10) + b"\n" + bytes(2 * LARGE) + b"\n")
    with Outline.opened(tmp_path / "a") as outline:
        assert outline.find(b"\n", 0, 2 * LARGE) == 10
        assert outline.find(b"\n", 11, 300) == -1
        with pytest.raises(NotEnoughError):
            outline.find(b"\n", 11, 2 * LARGE)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("count", [10, 40_000])
def test_the_names_in_a_pickle_are_found_whatever_its_protocol(
    tmp_path: Path, protocol: int, count: int
) -> None:
    table = {"x_train": np.arange(count), "y_train": [1, 2], "labels": ["a" * 10] * 300}
    (tmp_path / "a").write_bytes(pickle.dumps(table, protocol))
    assert list(reader.read_outline(tmp_path / "a")) == list(table)
    assert reader.read_table(tmp_path / "a")["x_train"].tolist() == list(range(count))


def test_large_arrays_are_passed_over_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_SMALL", 0)
    (tmp_path / "a").write_bytes(pickle.dumps({"x": np.zeros(1_000_000), "y": 1}))
    monkeypatch.setattr(reader, "read_table", lambda _: pytest.fail("read"))
    assert list(reader.read_outline(tmp_path / "a")) == ["x", "y"]


def test_a_file_that_ends_early_is_reported(tmp_path: Path) -> None:
    whole = pickle.dumps({"x": np.zeros(100_000), "y": 1})
    for length in (0, 1, 50, 100, 5000, 700_000, len(whole) - 1):
        (tmp_path / "a").write_bytes(whole[:length])
        with pytest.raises(DataError, match="truncated or damaged"):
            reader.read_outline(tmp_path / "a")
    with pytest.raises(DataError, match="is not a regular file"):
        reader.read_outline(tmp_path)
