"""MATLAB files made to do harm: each must give one clear error, quickly and with little memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hostile import mat
from hostile.file import Hostile
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.errors import DataError


@pytest.mark.parametrize("file", mat.FILES, ids=lambda file: file.name)
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    refusal(file, memory=20_000_000)


def test_a_name_on_a_device_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "train_32x32.mat").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is not in a format"):
        read_place(DataOptions(source=str(tmp_path)))
