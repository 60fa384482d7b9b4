"""CSV files made to harm whoever opens them: each must come to one clear error, quickly and in little memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hostile import csv_files
from hostile.csv_files import NAMES
from hostile.file import Hostile

from sightline.data.options import DataOptions
from sightline.data.source import read
from sightline.errors import DataError


@pytest.mark.parametrize("file", csv_files.FILES, ids=lambda file: file.name)
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    assert len(refusal(file, memory=100_000_000)) < 600


def test_a_name_on_a_device_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "train.csv").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is of no form"):
        read(DataOptions(source=str(tmp_path / "train.csv")))


def test_whatever_bytes_change_only_a_data_error_comes_out(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    path = tmp_path / "train.csv"
    lines = [
        b",".join(b"%d" % value for value in [row % 3, *random.integers(0, 256, 16)]) for row in range(30)
    ]
    whole, outcomes = NAMES + b"\n".join(lines), set()
    for number in range(500):
        random = np.random.default_rng(number)
        content = bytearray(whole)
        for place in random.integers(0, len(content), random.integers(1, 6)):
            content[place] = random.choice([*b'0,\n\r" .e-\0', random.integers(0, 256)])
        path.write_bytes(content[: random.integers(1, len(content))] if random.random() < 0.2 else content)
        try:
            read(DataOptions(source=str(path)))
            outcomes.add("read")
        except DataError as error:
            outcomes.add("refused" if str(error).isprintable() else str(error))
    assert outcomes == {"read", "refused"}
