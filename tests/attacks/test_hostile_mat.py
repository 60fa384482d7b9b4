"""MATLAB files made to harm whoever opens them: each must come to one clear error, quickly and in little memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hostile import mat
from hostile.file import Hostile

from sightline.data.options import DataOptions
from sightline.data.source import read
from sightline.errors import DataError


@pytest.mark.parametrize("file", mat.FILES, ids=lambda file: file.name)
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    refusal(file, memory=20_000_000)


def test_a_name_on_a_device_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "train_32x32.mat").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is of no form"):
        read(DataOptions(source=str(tmp_path)))


@pytest.mark.parametrize("compressed", [True, False])
def test_whatever_bytes_change_only_a_data_error_comes_out(compressed: bool, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (4, 4, 3, 40), np.uint8)
    y = (np.arange(40) % 10)[:, np.newaxis]
    path = tmp_path / "train_32x32.mat"
    scipy.io.savemat(path, {"X": x, "y": y}, do_compression=compressed)
    whole, outcomes = path.read_bytes(), set()
    for number in range(300):
        random = np.random.default_rng(number)
        content = bytearray(whole)
        for place in random.integers(0, min(len(content), 400), random.integers(1, 6)):
            content[place] = random.choice([0, 1, 127, 128, 255, random.integers(0, 256)])
        path.write_bytes(content[: random.integers(1, len(content))] if random.random() < 0.2 else content)
        try:
            read(DataOptions(source=str(path)))
            outcomes.add("read")
        except DataError as error:
            outcomes.add("refused" if str(error).isprintable() else str(error))
    assert outcomes == {"read", "refused"}
