from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from picturewise.runs.run import Run


@pytest.fixture(scope="module")
def finished(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a finished run."""
    path = tmp_path_factory.mktemp("finished") / "run"
    tiny.start(path).fit()
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def run(finished: dict[str, bytes], tmp_path: Path) -> Run:
    """A copy of the finished run, to be spoilt."""
    for name, content in finished.items():
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_bytes(content)
    return Run(tmp_path / "run")
