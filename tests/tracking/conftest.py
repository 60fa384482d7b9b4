from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def untracked(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of a tiny run of three epochs that nobody tracked."""
    path = tmp_path_factory.mktemp("untracked") / "run"
    tiny.start(path, epochs=3).fit()
    found: dict[str, Any] = tiny.outcome(path)
    return found
