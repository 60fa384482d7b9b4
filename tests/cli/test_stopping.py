"""Ctrl-C, SIGTERM and a closed terminal, at any time and however often, end each command in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork processes"),
]

STUDY = """
title = "Two"
[recipe.data]
source = "shapes"
[recipe.training]
epochs = 1
[[models]]
name = "one"
recipe.model.layers = ["flatten"]
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, whole_campaign: bool) -> dict[str, Any]:
    """How each command of `stopped_commands` ended."""
    folder, random = tmp_path_factory.mktemp("stopped"), np.random.default_rng(0)
    for name, low in (("a", 0), ("b", 120)):
        (folder / "shapes" / name).mkdir(parents=True)
        for number in range(20):
            picture = random.integers(low, low + 100, (8, 8), np.uint8)
            Image.fromarray(picture).save(folder / "shapes" / name / f"{number}.png")
    (folder / "two.toml").write_text(STUDY)
    options = ["--whole"] if whole_campaign else []
    found = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("stopped_commands.py")), str(folder), *options],
        env={**os.environ, "PICTUREWISE_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(found.stdout)
    return result


def test_every_one_ends_with_the_code_of_its_signal_and_without_a_traceback(ended: dict[str, Any]) -> None:
    for name, found in ended.items():
        expected = 143 if "SIGTERM" in name else 129 if "SIGHUP" in name else 130
        assert found["code"] == expected, (name, found)
        assert "Traceback" not in found["err"], (name, found)
        assert "Aborted" not in found["err"], (name, found)
        assert "Exception ignored" not in found["err"], (name, found)


def test_one_signal_gets_one_sentence(ended: dict[str, Any]) -> None:
    for name in ("evaluate", "predict", "inspect", "compare", "rate"):
        if name in ended:
            assert ended[name]["err"].splitlines()[-1] == "picturewise: Stopped by Ctrl-C.", name
    assert ended["inspect by SIGTERM"]["err"] == "picturewise: Stopped by SIGTERM.\n"
    assert ended["imports by SIGHUP"]["err"] == "picturewise: Stopped by a closed terminal.\n"
    assert "Unfinished files were removed" in ended["while pictures are read"]["err"]
    if "study" in ended:
        assert "Run the same command again to continue the study." in ended["study"]["err"]


def test_every_run_that_had_begun_goes_on_to_its_end(ended: dict[str, Any]) -> None:
    resumed = {name: found for name, found in ended.items() if "resumed" in found}
    assert len(resumed) == (12 if "study" in ended else 5)
    for name, found in resumed.items():
        assert (found["resumed"], found["report"]) == (0, True), (name, found)


def test_the_sentence_says_how_to_go_on(ended: dict[str, Any]) -> None:
    assert "after saving a checkpoint. Continue with: picturewise resume r1\n" in ended["in a batch"]["err"]
    said = ended["twice in a checkpoint"]["err"]
    assert said == "picturewise: Stopped by Ctrl-C. Continue with: picturewise resume r4\n"
    said = ended["in the report"]["err"]
    assert (
        "Training is complete and the classifier is saved, but the report is missing. Create it with: picturewise "
        "resume r2" in said
    )


def test_a_real_process_ends_alike_while_it_starts(tmp_path: Path) -> None:
    """The signal comes when the interpreter is up and the command is still being imported or has just begun."""
    script = (
        "import os, signal, sys, threading, time\n"
        "from picturewise.__main__ import main\n"
        "from picturewise import stopping; stopping.stop_at_once()\n"  # as the first line of main does
        "press = lambda: (time.sleep({wait}), os.kill(os.getpid(), signal.SIGINT))\n"
        "threading.Thread(target=press).start()\n"
        "import picturewise.tasks.imports as tasks\n"
        "tasks.list_imports = lambda data: time.sleep(5)\n"
        "sys.argv = ['picturewise', 'data', 'imports']\n"
        "main()\n"
    )
    for wait in (0.05, 0.6):
        found = subprocess.run(
            [sys.executable, "-c", script.format(wait=wait)], capture_output=True, text=True, check=False
        )
        assert found.returncode == 130, found.stderr
        assert "Traceback" not in found.stderr
