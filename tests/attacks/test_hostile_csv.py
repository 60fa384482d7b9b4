"""CSV files made to do harm: each must give one clear error, quickly and with little memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import csv_files
from hostile.file import Hostile
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.errors import DataError


@pytest.mark.parametrize("file", csv_files.FILES, ids=lambda file: file.name)
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    assert len(refusal(file, memory=100_000_000)) < 600


def test_a_name_on_a_device_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "train.csv").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is not in a format"):
        read_place(DataOptions(source=str(tmp_path / "train.csv")))
