"""Pictures of one thing stay on one side, from Python and through the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import picturewise
from picturewise.cli.app import run

PATTERN = r"(patient\d+)_"


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """20 patients with 4 slices each, half of the patients ill."""
    random, folder = np.random.default_rng(0), tmp_path / "scans"
    for patient in range(20):
        label = folder / ("healthy", "ill")[patient % 2]
        label.mkdir(parents=True, exist_ok=True)
        for number in range(4):
            picture = Image.fromarray(random.integers(0, 256, (12, 12), np.uint8))
            picture.save(label / f"patient{patient}_slice{number}.png")
    return folder


def patients(part: picturewise.ImageSet | None) -> set[str]:
    assert part is not None
    assert part.names is not None
    return {name.rpartition("/")[2].partition("_")[0] for name in part.names}


def test_no_patient_is_in_two_splits_of_what_python_reads(scans: Path) -> None:
    dataset = picturewise.read_dataset(scans, group_by=PATTERN)
    found = [patients(part) for part in (dataset.train, dataset.valid, dataset.test)]
    assert sum(map(len, found)) == len(set.union(*found)) == 20
    assert all(found)
    parted = picturewise.read_dataset(scans)
    assert patients(parted.train) & patients(parted.test)  # or else the test shows nothing


@pytest.mark.slow
def test_a_run_keeps_its_groups_in_its_recipe_and_is_evaluated_with_them(
    scans: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--layers", "flatten", "--epochs", "1", "--out", "run", "--json"]
    assert run(["train", str(scans), "--group-by", PATTERN, *arguments]) == 0
    told = json.loads(capfd.readouterr().out)
    assert any("with the groups of '(patient\\d+)_' kept together" in note for note in told["data"]["notes"])
    opened = picturewise.open_run("run")
    assert opened.recipe.data.group_by == PATTERN
    assert run(["evaluate", "run", "--json"]) == 0
    evaluated = json.loads(capfd.readouterr().out)
    assert (
        evaluated["fingerprint"]
        == picturewise.read_dataset(scans, group_by=PATTERN).split("test").fingerprint
    )
    again = picturewise.train(scans, group_by=PATTERN, layers="flatten", epochs=1, progress=False)
    assert again.record.final_weights_sha256 == opened.record.final_weights_sha256


@pytest.mark.slow
def test_inspect_counts_the_grouped_splits(scans: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(scans), "--group-by", PATTERN, "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    whole = picturewise.inspect(scans, group_by=PATTERN, out="again", progress=False)
    assert {name: split["fingerprint"] for name, split in told["splits"].items()} == {
        name: split.fingerprint for name, split in whole.splits.items()
    }
    assert all(split["pictures"] % 4 == 0 for split in told["splits"].values())


@pytest.mark.parametrize("command", ["inspect", "train"])
def test_a_pattern_that_is_none_is_wrong_usage(
    scans: Path, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    assert run([command, str(scans), "--group-by", "(patient"]) == 2
    said = capfd.readouterr().err.strip()
    assert "group_by is '(patient', " in said
    assert "a valid regular expression (missing ), unterminated subpattern" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("command", ["inspect", "train"])
def test_a_name_without_the_pattern_is_bad_data(
    scans: Path, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    (scans / "ill" / "patient1_slice0.png").rename(scans / "ill" / "unnamed.png")
    assert run([command, str(scans), "--group-by", PATTERN]) == 3
    said = capfd.readouterr().err.strip()
    assert "the name 'ill/unnamed.png' does not match --group-by '(patient\\d+)_'" in said
    assert len(said.splitlines()) == 1
