from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

collect_ignore = ["killing.py"]  # a script for child processes


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The module `tiny_run` beside this file; scripts in child processes import it under the same name."""
    spec = importlib.util.spec_from_file_location("tiny_run", Path(__file__).with_name("tiny_run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tiny_run"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def whole(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of a tiny run that nothing disturbed."""
    path = tmp_path_factory.mktemp("whole") / "run"
    tiny.start(path).fit()
    found: dict[str, Any] = tiny.outcome(path)
    return found
