from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Build = Callable[[str], Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Make files without content from a text: `train/{cat,dog}/#.png x3; test/` are six files and an empty folder."""

    def make(text: str) -> Path:
        root = tmp_path / "set"
        for item in text.split(";"):
            path, _, count = item.strip().partition(" x")
            for name, number in itertools.product(_expanded(path), range(int(count or 1))):
                place = root / name.replace("#", str(number))
                if name.endswith("/"):
                    place.mkdir(parents=True, exist_ok=True)
                else:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.touch()
        return root

    return make


def _expanded(path: str) -> Iterator[str]:
    found = re.search(r"\{([^{}]*)\}", path)
    if found is None:
        yield path
        return
    for word in found[1].split(","):
        yield from _expanded(path[: found.start()] + word + path[found.end() :])
