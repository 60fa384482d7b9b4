from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

collect_ignore = ["killing.py"]  # a script for child processes


@pytest.fixture(scope="session")
def whole(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of a tiny run that nothing disturbed."""
    path = tmp_path_factory.mktemp("whole") / "run"
    tiny.start(path).fit()
    found: dict[str, Any] = tiny.outcome(path)
    return found
