"""Archives made to do harm: each must give one clear error, quickly, and write nothing."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.archives import FILES, WANTED
from hostile.cases import cases
from hostile.file import Hostile

from picturewise.errors import DataError
from picturewise.untrusted.archives import archive

SLOW = (
    *("tar of large pax headers", "tar of many", "tar of many folders", "zip of many", "zip of small bombs"),
    "zip of very many",
)


@pytest.mark.parametrize("file", cases(FILES, *SLOW))
def test_a_hostile_archive_is_refused_in_a_sentence_and_writes_nothing(
    file: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = file.write(tmp_path)
    started = time.process_time()
    with pytest.raises(DataError) as caught:
        list(archive.members(path, lambda name: name == WANTED))
    assert time.process_time() - started < 2  # a bomb would take far longer
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            list(archive.members(path, lambda name: name == WANTED))
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith(".")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("file", cases(FILES, *SLOW))
def test_a_hostile_archive_is_refused_as_a_source(file: Hostile, refusal: Callable[..., str]) -> None:
    refusal(file, memory=50_000_000)
