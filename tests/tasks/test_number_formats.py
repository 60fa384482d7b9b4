"""Evaluations say how they were computed, and are not compared silently if that differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import picturewise
from picturewise.cli.app import run as command
from picturewise.runs.run import Run
from picturewise.tasks.serve import _loaded

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 256, (120, 8, 8, 1), np.uint8)
LABELS = (PICTURES[:, :4].mean(axis=(1, 2, 3)) > PICTURES[:, 4:].mean(axis=(1, 2, 3))).astype(int)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    np.savez(
        folder / "pictures.npz", x_train=PICTURES, y_train=LABELS, x_test=PICTURES[::-1], y_test=LABELS[::-1]
    )
    return {
        precision: picturewise.train(
            folder / "pictures.npz", model="mlp 8", epochs=1, folds=0, out=folder / precision, progress=False,
            settings={"training.precision": precision},
        )
        for precision in ("float32", "bfloat16")
    }  # fmt: skip


def test_an_evaluation_says_how_it_was_computed(runs: dict[str, Run]) -> None:
    for precision, run in runs.items():
        found = picturewise.evaluate(run, progress=False)
        assert found.number_format == precision
        assert found.library is not None
        assert found.library.startswith("ONNX Runtime 1.")
        assert not any("number format" in note for note in found.notes)


def test_an_engine_that_cannot_compute_in_the_classifiers_format_says_so(runs: dict[str, Run]) -> None:
    found = picturewise.evaluate(runs["bfloat16"], engine="numpy", progress=False)
    assert found.number_format == "float32"
    assert "The classifier's number format is bfloat16, but this engine computes in float32." in found.notes


def test_runs_in_different_formats_are_compared_with_a_note(
    runs: dict[str, Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in runs.values():
        picturewise.evaluate(run, progress=False)
    found = picturewise.compare(list(runs.values()), out=tmp_path / "both", progress=False)
    (note,) = found.notes
    assert note.startswith("The runs were computed differently, which alone can change a few answers: ")
    assert "float32 in float32 by ONNX Runtime" in note
    assert "bfloat16 in bfloat16 by ONNX Runtime" in note
    assert "The runs were computed differently" in found.report.read_text()
    places = [str(run.path) for run in runs.values()]
    assert command(["compare", *places, "--out", str(tmp_path / "told")]) == 0
    assert "note    The runs were computed differently" in capsys.readouterr().out


def test_a_service_computes_in_float32(runs: dict[str, Run]) -> None:
    served = _loaded(runs["bfloat16"].path)
    assert served.description.number_format == "float32"
    assert served.weights_sha256 == runs["bfloat16"].classifier().weights_sha256
