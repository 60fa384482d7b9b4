"""Folders of pictures with a hostile one among them: it must come to one clear error in little memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostile import pictures
from hostile.cases import cases
from hostile.file import Hostile


@pytest.mark.parametrize(
    "file", cases(pictures.FILES, "PNG bomb of 400 million pixels", "GIF of many frames", "PNG text bomb")
)
def test_a_hostile_file_comes_to_a_sentence_in_little_memory(
    file: Hostile, refusal: Callable[..., str]
) -> None:
    refusal(file, memory=50_000_000)
