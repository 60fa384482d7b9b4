"""Training on a Ray cluster, where Ray Train is installed; and what is said where it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import picturewise
from picturewise.errors import UsageError

has_train = all(find_spec(name) is not None for name in ("ray", "pandas", "tensorboardX"))


@pytest.mark.skipif(not has_train, reason="Ray Train is not installed")
@pytest.mark.slow
@pytest.mark.campaign
def test_a_killed_worker_on_a_cluster_changes_nothing(tmp_path: Path) -> None:
    alone = picturewise.train(
        "digits", model="cnn", epochs=4, folds=0, shards=8, limit=400, out=tmp_path / "alone", progress=False
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("training_cluster.py")), str(tmp_path / "ray")],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {"weights": alone.record.final_weights_sha256, "killed": 1}
    assert "A worker on the cluster has ended. All start again from the newest checkpoint" in done.stderr
    assert "epoch 4/4" in done.stderr


@pytest.mark.skipif(has_train, reason="Ray Train is installed")
def test_without_ray_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Training on Ray needs Ray Train.*\[ray\]"):
        picturewise.train("digits", workers=2, on="ray", out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
