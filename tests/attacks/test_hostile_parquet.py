"""Parquet files made to harm whoever opens them: each must come to one clear error, quickly and in little memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile import parquet
from hostile.file import Hostile

from sightline.data.options import DataOptions
from sightline.data.source import read
from sightline.errors import DataError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no limits on memory")


@pytest.mark.parametrize("file", parquet.FILES, ids=lambda file: file.name)
def test_a_hostile_file_comes_to_a_sentence_quickly(file: Hostile, refusal: Callable[..., str]) -> None:
    refusal(file)


def test_mutated_files_come_to_sentences(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    pq.write_table(parquet.table(pa.array([b"x", b"y"])), path)
    whole, said = path.read_bytes(), []
    for number in range(10):
        random = np.random.default_rng(number)
        content = bytearray(whole)
        for place in random.integers(4, len(content) - 8, 5):
            content[place] = random.integers(0, 256)
        path.write_bytes(content)
        with pytest.raises(DataError) as caught:
            read(DataOptions(source=str(path)), ["train"])
        said.append(str(caught.value))
    assert all(sentence.isprintable() for sentence in said)
