"""A search on a Ray cluster that loses a machine, where Ray is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import picturewise
from picturewise.runs.run import open_run
from picturewise.tuning import searching


def weights(folder: Path) -> dict[str, str | None]:
    return {
        path.name: open_run(path).record.final_weights_sha256
        for path in sorted((folder / "trials").iterdir())
    }


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.slow
@pytest.mark.campaign
def test_trials_on_a_cluster_that_loses_a_machine_are_those_of_this_machine(
    pictures: Path, space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    script = Path(__file__).with_name("searching_cluster.py")
    done = subprocess.run(
        [sys.executable, str(script), str(pictures), str(space), str(tmp_path / "ray")],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["removed"] == 1
    assert found["states"] == ["finished"] * 4
    monkeypatch.setattr(searching.Search, "report", lambda *_, **__: True)
    here = picturewise.tune(
        pictures, trials=4, space=space, out=tmp_path / "here", model="cnn", epochs=8, workers=2, seeds=2,
        progress=False,
    )  # fmt: skip
    assert (here.comparison is not None) == found["compared"]
    assert weights(tmp_path / "ray") == weights(tmp_path / "here")
