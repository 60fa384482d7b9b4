"""The layer table without training: the one that training would begin with, or that of a run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import picturewise
from picturewise.cli.app import run as command
from picturewise.errors import DataError, LayerError, UsageError


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_is_the_table_that_training_begins_with_and_that_the_run_has(
    idx_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    layers = ["--layers", "conv 4 3x3 relu; maxpool 2; flatten; dense 2; softmax"]
    assert command(["summary", str(idx_folder), *layers]) == 0
    shown = capfd.readouterr().out
    table, _, notes = shown.partition("330 parameters\n")
    assert [line.split()[0] for line in table.splitlines()[2:]] == [
        "input",
        "conv",
        "maxpool",
        "flatten",
        "dense",
    ]
    assert "the softmax is left out" in " ".join(notes.split())
    assert not Path("runs").exists()
    assert command(["train", str(idx_folder), *layers, "--epochs", "1", "--out", "run"]) == 0
    assert capfd.readouterr().err.startswith(f"{table}330 parameters\n")
    for place in ("run", "run/classifier.safetensors"):
        assert command(["summary", place]) == 0
        assert capfd.readouterr().out == f"{table}330 parameters\n"


def test_parameters_are_counted_as_on_paper() -> None:
    found = picturewise.summary("digits", model="mlp 32")
    assert found.input == (8, 8, 1)
    assert [row.count.trainable for row in found.rows] == [0, 64 * 32 + 32, 32 * 10 + 10]
    assert found.trainable == 2410
    assert found.notes == ()


def test_size_grey_and_other_options_are_those_of_train(picture_folder: Path) -> None:
    found = picturewise.summary(picture_folder, layers="flatten", size=(10, 12), grey=True)
    assert found.input == (10, 12, 1)
    assert picturewise.summary(picture_folder, preset="fast").rows[0].line == "conv 16 5x5 /2 nobias"
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (40, 9, 9, 3), np.uint8), ["a", "b", "c", "d"] * 10
    assert picturewise.summary(pictures, layers=["flatten"]).trainable == 9 * 9 * 3 * 4 + 4


def test_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert command(["summary", "digits", "--model", "resnet18", "--size", "32x32", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["input"] == [32, 32, 1]
    assert found["layers"][1] == {
        "line": "batchnorm", "output": [32, 32, 64], "parameters": 128, "statistics": 128,
        "multiplications": 128 * 32 * 32,
    }  # fmt: skip
    assert found["parameters"] == sum(row["parameters"] for row in found["layers"])
    assert found["notes"][0].startswith("resnet18 was published for 224x224 pixels")


def test_a_run_is_shown_as_it_is(idx_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = picturewise.train(idx_folder, layers="flatten", epochs=1, out="run", progress=False)
    assert picturewise.summary(run) == picturewise.summary(run.classifier()) == run.summary()
    with pytest.raises(
        UsageError, match=r"^run is already trained, so its network is known\. Omit the other opt"
    ):
        picturewise.summary("run", model="mlp")
    assert command(["summary", "run", "--grey"]) == 2
    assert "already trained" in capfd.readouterr().err


def test_what_cannot_be_shown_is_told() -> None:
    with pytest.raises(UsageError, match="No pictures were passed"):
        picturewise.summary()
    with pytest.raises(DataError, match="neither an existing path nor a catalogue name"):
        picturewise.summary("nowhere/pictures")
    with pytest.raises(LayerError, match=r"Layer line 1, 'dense 9', does not fit its input 8x8x1"):
        picturewise.summary("digits", layers="dense 9")
    with pytest.raises(UsageError, match=r"Unknown option 'lr' for summary\. Did you mean 'learning_rate'"):
        picturewise.summary("digits", lr=0.1)  # type: ignore[call-arg]
    with pytest.raises(DataError, match="does not have labels"):
        picturewise.summary(np.zeros((40, 9, 9), np.uint8))
