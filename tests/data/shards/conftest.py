from __future__ import annotations

from typing import Any

import fsspec
import pytest


@pytest.fixture
def memory() -> Any:
    files = fsspec.filesystem("memory")
    yield files
    files.rm("/", recursive=True)
