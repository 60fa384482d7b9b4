"""Classifier files and run folders made by rules: a sample, and all of them in `make campaign`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("grammars") / "trial.py"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux alone tells it"
)


def trial(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.campaign
@pytest.mark.parametrize(("kind", "sample", "whole"), [("classifiers", 3, 500), ("runs", 4, 200)])
def test_every_command_refuses_or_survives_a_hostile_file_and_touches_nothing_else(
    kind: str, sample: int, whole: int, *, whole_campaign: bool
) -> None:
    cases = whole if whole_campaign else sample
    done = trial(kind, "--cases", str(cases))
    row = [line for line in done.stdout.splitlines() if line.startswith(f"| {kind}")]
    assert len(row) == 1, done.stdout + done.stderr
    _, _, tried, commands, refused, fine, _usual, _slowest, _largest, findings, _took, _ = (
        c.strip() for c in row[0].split("|")
    )
    assert findings == "0", done.stdout
    assert done.returncode == 0
    assert tried == f"{cases:,}"
    # Were all refused, or none, the rules would be too coarse or too fine to find anything.
    assert int(refused.replace(",", "")) > int(commands.replace(",", "")) / 10
    assert int(fine.replace(",", "")) > int(commands.replace(",", "")) / 50


def test_an_unknown_kind_is_refused() -> None:
    done = trial("nothing")
    assert done.returncode == 2
    assert "there is no nothing" in done.stderr
