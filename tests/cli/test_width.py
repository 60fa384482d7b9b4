"""What the commands lay out fits into 80 columns, also with many classes and long names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len

from picturewise.cli.app import run

ELSEWHERE = ("http", "model ", "run     ", "report  ", "figure  ", "next    ", "location  ", "page   ")
"""What begins a line with a path, an address or a command."""


STUDY = """
title = "Mine"
recipe.data.source = "digits"
recipe.data.limit = 100
recipe.training.epochs = 1

[[models]]
name = "a-network-with-one-layer"
recipe.model.layers = ["flatten"]
published = { accuracy = 0.5 }

[[models]]
name = "another-network"
recipe.model.name = "mlp 8"
"""


@pytest.fixture(autouse=True)
def _narrow_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def plants(tmp_path: Path) -> str:
    """A folder of 100 classes, with names of 40 letters, 6 pictures each."""
    random = np.random.default_rng(0)
    for number in range(100):
        folder = tmp_path / "plants" / f"{number:02}-{'abcdefghij'[number % 10] * 37}"
        folder.mkdir(parents=True)
        for picture in range(6):
            pixels = random.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{picture}.png")
    return "plants"


def wide(said: str) -> list[str]:
    return [
        line
        for line in said.splitlines()
        if cell_len(line) > 80 and not line.strip().startswith(ELSEWHERE) and "/" not in line.split()[0]
    ]


@pytest.mark.slow
@pytest.mark.parametrize("source", ["digits", "plants"])
def test_every_line_of_the_commands_on_pictures(
    source: str, plants: str, capfd: pytest.CaptureFixture[str]
) -> None:
    training = ["--limit", "200", "--epochs", "11", "--patience", "2", "--json"]
    longer = "a-run-that-has-a-rather-long-name"
    commands = [
        ["inspect", source],
        ["summary", source],
        ["summary", source, "--model", "efficientnet-lite0", "--size", "64x64"],
        ["train", source, "--model", "mlp 8", *training[:-1], "--out", "one"],
        ["train", source, "--plain", "--optimizer", "muon", "--augment", "shift 1; rotate 10; cutout 2; mixup 0.2",
         "--limit", "200", "--epochs", "2", "--out", longer],
        ["train", source, "--limit", "200", "--find-learning-rate", "--layers", "flatten", "--out", "rate"],
        ["extend", "one", "--layers", "dense 8 relu", "--epochs", "0", "--out", "extended"],
        ["evaluate", "one"],
        ["evaluate", "one", "--data", source],
        ["compare", "one", longer, "--out", "compared"],
        ["predict", "one", f"{plants}/00-{'a' * 37}/0.png", "--top", "100"],
        ["resume", "one"],
    ]  # fmt: skip
    for command in commands:
        code = run(command)
        said = capfd.readouterr()
        assert code == 0 or "left out" not in said.err, (command, said.err)
        assert said.out, command
        assert wide(said.out + said.err) == [], command


def test_every_line_of_the_lists(capfd: pytest.CaptureFixture[str]) -> None:
    for command in (["data", "list"], ["data", "show", "mnist"], ["data", "show", "efficientnet-lite0"],
                    ["data", "show", "resnet18"], ["study", "list"], ["summary", "digits", "--model", "resnet50",
                    "--size", "64x64"]):  # fmt: skip
        assert run(command) == 0
        said = capfd.readouterr()
        assert said.out
        assert wide(said.out + said.err) == [], command


def test_a_wide_line_would_be_seen() -> None:
    assert wide("x" * 81 + "\n" + "x" * 80) == ["x" * 81]


@pytest.mark.slow
def test_a_study(capfd: pytest.CaptureFixture[str]) -> None:
    Path("mine.toml").write_text(STUDY)
    assert run(["study", "mine.toml", "--seeds", "2", "--quick"]) == 0
    said = capfd.readouterr()
    assert wide(said.out + said.err) == []
