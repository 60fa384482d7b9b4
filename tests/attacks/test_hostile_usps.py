"""USPS files made to do harm: each must give one clear error with little memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostile import usps
from hostile.cases import cases
from hostile.file import Hostile


@pytest.mark.parametrize("file", cases(usps.FILES, "bzip2 bomb", "bzip2 bomb of lines"))
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    refusal(file, memory=200 << 20)
