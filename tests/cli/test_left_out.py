"""Files that are left out are said, and make the exit code 1, whatever the command."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from picturewise.cli.app import run

TRAIN = ["--layers", "flatten", "--epochs", "1"]


@pytest.fixture
def spoilt(picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pictures of two classes, and seven files that are none; one has the name of a formula."""
    monkeypatch.chdir(tmp_path)
    (picture_folder / "red" / "=1+1.png").write_bytes(b"bad")
    for number in range(6):
        (picture_folder / "red" / f"x{number}\x1b[31m.png").write_bytes(b"bad")
    return str(picture_folder)


def left_out(said: str) -> list[str]:
    return [line for line in said.splitlines() if line.startswith("left out  ")]


def test_train_says_the_first_ones_and_where_all_are(spoilt: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["train", spoilt, *TRAIN, "--skip-bad", "--out", "run"]) == 1
    said = capfd.readouterr()
    lines = left_out(said.err)
    assert len(lines) == 6
    assert lines[0].startswith("left out  red/=1+1.png: not a supported picture")
    assert lines[1].startswith(r"left out  red/x0\x1b[31m.png: not a supported picture")
    assert lines[-1] == "left out  7 files in total, listed in run/skipped.csv"
    assert "next    picturewise evaluate run" in said.out
    with Path("run/skipped.csv").open(newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    assert len(rows) == 7
    assert rows[0]["file"] == "red/=1+1.png"


@pytest.mark.slow
def test_every_command_on_such_pictures_ends_with_1(spoilt: str, capfd: pytest.CaptureFixture[str]) -> None:
    study = f"""
    title = "Two"
    [recipe.data]
    source = {json.dumps(spoilt)}
    skip_bad = true
    [recipe.training]
    epochs = 1
    [[models]]
    name = "one"
    recipe.model.layers = ["flatten"]
    """
    Path("study.toml").write_text(study)
    for name in ("a", "b"):
        assert run(["train", spoilt, *TRAIN, "--skip-bad", "--out", name, "--json"]) == 1
        assert json.loads(capfd.readouterr().out)["data"]["skipped"] == 7
    for arguments, shown in (
        (["resume", "a"], 6),
        (["evaluate", "a"], 7),
        (["compare", "a", "b"], 7),
        (["extend", "a", spoilt, "--epochs", "1", "--out", "c"], 6),
        (["inspect", spoilt, "--skip-bad", "--json"], 0),
        (["predict", "a", f"{spoilt}/red"], 6),
        (
            [
                "train",
                spoilt,
                "--layers",
                "flatten",
                "--skip-bad",
                "--find-learning-rate",
                "--set",
                "data.size=[9,9]",
            ],
            7,
        ),
        (["study", "study.toml"], 6),
    ):
        assert run(arguments) == 1, arguments
        assert len(left_out(capfd.readouterr().err)) == shown, arguments
    found = json.loads(Path("a/evaluation.json").read_text())["evaluation"]
    assert len(found["skipped"]) == 7


def test_nothing_is_said_where_nothing_is_left_out(
    picture_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", str(picture_folder), *TRAIN, "--skip-bad", "--out", "run"]) == 0
    assert left_out(capfd.readouterr().err) == []
