"""kill -9 of workers, of the children that decode, and of the driver at random moments: the same bytes in the end.

A few kills; with --whole, as in `make campaign` and `make scale`, 50.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from many import write_parquet

pytestmark = [
    pytest.mark.slow,
    pytest.mark.campaign,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc"),
]

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "many.py"


def test_killed_jobs_write_what_the_undisturbed_one_writes(
    tmp_path: Path, classifier_file: Path, whole_campaign: bool
) -> None:
    kills = 50 if whole_campaign else 2
    write_parquet(tmp_path / "mnist.parquet", range(4000 if whole_campaign else 400), group=500)
    command = [
        sys.executable, str(SCRIPT), "kills", str(classifier_file), str(tmp_path), "--kills", str(kills),
        "--part-rows", "100", "--workers", "2",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    print(done.stdout)  # noqa: T201 (the campaign's log)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(
        r"(\d+) processes and (\d+) drivers killed in \d+ jobs .*: 0 jobs with other bytes", done.stdout
    )
    assert found is not None, done.stdout
    assert int(found[1]) + int(found[2]) == kills
