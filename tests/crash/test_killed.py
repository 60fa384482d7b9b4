"""kill -9 at random moments: whatever was reported as saved is there, and everything goes on. A few moments a task;
in `make campaign`, 60."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.campaign,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork processes"),
]


@pytest.fixture
def moments(whole_campaign: bool) -> int:
    return 60 if whole_campaign else 1


def killed(task: str, folder: Path, moments: int, source: object) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    command = [
        sys.executable,
        str(Path(__file__).with_name("killed.py")),
        task,
        str(folder),
        str(moments),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    print(task, json.dumps({key: value for key, value in found.items() if key != "wrong"}))  # noqa: T201 (the campaign's log)
    return found


@pytest.mark.parametrize("task", ["train", "stop", "extend", "study", "evaluate"])
def test_nothing_that_was_reported_is_lost(task: str, tmp_path: Path, idx_folder: Path, moments: int) -> None:
    if moments == 1 and task != "train":
        pytest.skip("starting takes longer than one moment is worth; make campaign has all tasks")
    found = killed(task, tmp_path / task, moments, idx_folder)
    assert found["wrong"] == {}
    assert sum(found["killed"].values()) >= moments


def test_no_import_is_lost(tmp_path: Path, make_classes: Any, moments: int) -> None:
    found = killed("import", tmp_path / "import", moments, make_classes(tmp_path / "animals"))
    assert found["wrong"] == {}
    assert sum(found["killed"].values()) >= moments


def test_no_fetched_file_is_lost(tmp_path: Path, place: Any, zipped: Any, moments: int) -> None:
    if moments == 1:
        pytest.skip("as above")
    entries = {one.name: one.entry.model_dump(mode="json") for one in (place, zipped)}
    found = killed("fetch", tmp_path / "fetch", moments, json.dumps(entries))
    assert found["wrong"] == {}
    assert sum(found["killed"].values()) >= moments
