"""What every family of hostile files is held to."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.file import Hostile
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.errors import DataError

# A guard against hanging; `benchmarks/hostile_files.py` measures what they really take, a tenth of it and less.
MOST_SECONDS = 2.0


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Read a hostile file as a user does; return what was said, after checking that nothing else happened.

    With `memory`, it is read a second time, and may not take more bytes of Python objects and arrays.
    """
    folder = tmp_path / "source"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def check(file: Hostile, *, memory: int | None = None) -> str:
        options = DataOptions(source=str(file.write(folder)))
        before, used = contents(tmp_path), processor_seconds()
        with pytest.raises(DataError, match=file.said) as caught:
            read_place(options)
        assert processor_seconds() - used < MOST_SECONDS
        if memory is not None:
            tracemalloc.start()
            try:
                with pytest.raises(DataError):
                    read_place(options)
                assert tracemalloc.get_traced_memory()[1] < memory
            finally:
                tracemalloc.stop()
        assert contents(tmp_path) == before
        message = str(caught.value)
        assert message.isprintable()
        assert message.endswith((".", ")"))
        assert len(message) < 800
        return message

    return check


def processor_seconds() -> float:
    """Return what this process and the children that have ended have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of everything in a folder; links are not followed."""
    paths = [folder, *folder.rglob("*")]
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave all attacks to `make test`: together they take as long as a fifth of the other quick tests."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)
