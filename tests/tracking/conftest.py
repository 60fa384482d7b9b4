from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """The module `tiny_run` of the tests of training."""
    path = Path(__file__).parents[1] / "training" / "tiny_run.py"
    spec = importlib.util.spec_from_file_location("tiny_run", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tiny_run"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def untracked(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of a tiny run of three epochs that nobody tracked."""
    path = tmp_path_factory.mktemp("untracked") / "run"
    tiny.start(path, epochs=3).fit()
    found: dict[str, Any] = tiny.outcome(path)
    return found
