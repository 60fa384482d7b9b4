"""Parts on a Ray cluster of two nodes, of which one is removed in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from many import digests, rows, write_parquet

from picturewise.errors import UsageError
from picturewise.scaling.on_ray import computed_part
from picturewise.tasks.predict_many import predict_many

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")


@needs_ray
@pytest.mark.slow
@pytest.mark.campaign
def test_a_node_that_is_removed_changes_nothing(tmp_path: Path, classifier_file: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(1200), bad=(7,))
    predict_many(classifier_file, source, out=tmp_path / "local", part_rows=40, workers=1)
    command = [
        sys.executable, str(Path(__file__).with_name("cluster.py")),
        str(classifier_file), str(source), str(tmp_path / "out"), "40",
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print("ray", found)  # noqa: T201 (the campaign's log)
    assert (found["nodes"], found["rows"], found["parts"]) == (2, 1200, 30)
    assert 3 <= found["parts_when_removed"] < 30
    assert digests(tmp_path / "out") == digests(tmp_path / "local")
    assert [row["row"] for row in rows(tmp_path / "out")] == list(range(1200))


@pytest.mark.slow
def test_a_task_returns_the_part_that_others_write(tmp_path: Path, classifier_file: Path) -> None:
    from picturewise.scaling import on_ray
    from picturewise.scaling.job import Job
    from picturewise.scaling.plan import read_plan

    source, out = write_parquet(tmp_path / "a.parquet", range(50)), tmp_path / "out"
    predict_many(classifier_file, source, out=out, part_rows=20, workers=1)
    content = (
        Job(read_plan(out), str(source), out).content(),
        (out / "classifier.safetensors").read_bytes(),
        None,
    )
    error, facts, part = computed_part(content, 2, None)
    assert (error, facts[0]) == ("", 10)
    assert part == (out / "part-00002.parquet").read_bytes()
    source.write_bytes(source.read_bytes()[:-1])
    error, kind, part = computed_part(content, 1, None)
    assert ("has changed since the plan" in error, kind, part) == (True, "DataError", b"")
    for _, work in on_ray._kept.values():
        work.close()
    on_ray._kept.clear()


@pytest.mark.slow
@pytest.mark.parametrize("address", ["10.0.0.1:6379", "spark://head"])
def test_an_address_of_another_kind_is_refused(address: str, tmp_path: Path, classifier_file: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(5))
    with pytest.raises(UsageError, match="Expected ray"):
        predict_many(classifier_file, source, out=tmp_path / "out", on=address)
