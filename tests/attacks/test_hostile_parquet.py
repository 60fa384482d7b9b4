"""Parquet files made to do harm: each must give one clear error, quickly and with little memory."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hostile import parquet
from hostile.cases import cases
from hostile.file import Hostile

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no limits on memory")


@pytest.mark.parametrize("file", cases(parquet.FILES, "huge group", "zeros"))
def test_a_hostile_file_comes_to_a_sentence_quickly(file: Hostile, refusal: Callable[..., str]) -> None:
    refusal(file)
