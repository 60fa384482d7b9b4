"""Files of NumPy arrays made to do harm: each must give one clear error, and run nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostile import npz
from hostile.file import Hostile


@pytest.mark.parametrize("file", npz.FILES, ids=lambda file: file.name)
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    refusal(file, memory=50_000_000)
