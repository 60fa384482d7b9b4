"""Hostile files as the parameters of a test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from hostile.file import Hostile


def cases(files: Iterable[Hostile | str], *slow: str) -> list[Any]:
    """Return files, or names of attacks, as parameters; those called `slow` are left out of `make check`."""
    named = {file if isinstance(file, str) else file.name: file for file in files}
    assert set(slow) <= set(named)
    return [
        pytest.param(file, id=name, marks=[pytest.mark.slow] if name in slow else [])
        for name, file in named.items()
    ]
