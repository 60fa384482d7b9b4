"""`--engine numpy`: from training to prediction by NumPy, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits

from picturewise.cli.app import run


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_it_trains_evaluates_and_predicts_as_pytorch_does(capfd: pytest.CaptureFixture[str]) -> None:
    layers = "flatten; dense 64; batchnorm; relu"
    arguments = ["train", "digits", "--layers", layers, "--engine", "numpy", "--epochs", "4", "--out", "run"]
    assert run(arguments) == 0
    said = capfd.readouterr().err
    assert "; sgd, learning rate 0.1 (one-cycle)" in said
    assert "NumPy's own threads, cpu, float32" in said
    rows = Path("run/history.csv").read_text(encoding="utf-8").splitlines()
    place = rows[0].split(",").index("valid_accuracy")
    assert max(float(row.split(",")[place]) for row in rows[1:]) >= 0.9

    Image.fromarray((load_digits().images[0] * 15.9).astype("uint8")).save("zero.png")
    found = {}
    for engine in ("torch", "numpy"):
        assert run(["predict", "run", "zero.png", "--engine", engine, "--json"]) == 0
        (prediction,) = json.loads(capfd.readouterr().out)["predictions"]
        assert run(["evaluate", "run", "--engine", engine, "--json"]) == 0
        found[engine] = prediction, json.loads(capfd.readouterr().out)["accuracy"]["value"]
    (first, accuracy), (second, same) = found.values()
    assert first["class"] == second["class"] == "0"
    assert second["probabilities"] == pytest.approx(first["probabilities"], abs=1e-5)
    assert accuracy == same >= 0.9


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--layers", "conv 8; groupnorm 2; flatten"], "'groupnorm 2', is not supported by the NumPy engine"),
        (["--layers", "conv 8; whirl 2"], "'whirl' is not a layer"),
        (["--set", "training.optimizer=adamw"], "is 'adamw', but the NumPy engine supports only 'sgd'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("out", [[], ["--out", "here"]])
def test_what_it_lacks_is_one_sentence_and_leaves_nothing(
    capfd: pytest.CaptureFixture[str], options: list[str], sentence: str, out: list[str]
) -> None:
    assert run(["train", "digits", "--engine", "numpy", *options, *out]) == 2
    said = capfd.readouterr()
    (line,) = said.err.strip().splitlines()
    assert sentence in line
    assert not said.out
    assert not list(Path().glob("runs/*"))
    assert not Path("here").exists()


def test_an_engine_that_there_is_not_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "digits", "--engine", "abacus"]) == 2
    assert "abacus" in capfd.readouterr().err
