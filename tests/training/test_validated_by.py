"""The library that validates in bfloat16: recorded, and the same in a resumed run, or the run is not resumed."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from picturewise.errors import Interrupted, UsageError
from picturewise.prediction import computation as choosing
from picturewise.prediction.computation import LibraryName, computation
from picturewise.runs.run import open_run
from picturewise.training import start as starting
from picturewise.training import validation
from picturewise.training.learner import Learner


def interrupted(tiny: ModuleType, path: Path) -> None:
    with pytest.raises(Interrupted):
        tiny.start(path, precision="bfloat16", callbacks=[tiny.Stop(1, 2)]).fit()


def changed(path: Path, validated_by: str | None) -> None:
    """Change the recorded library, as if the run had been started with another one, or by an older version."""
    record = json.loads((path / "run.json").read_text())
    del record["machine"]["bfloat16_validation"]
    if validated_by is not None:
        record["machine"]["bfloat16_validation"] = validated_by
    (path / "run.json").write_text(json.dumps(record))


def test_a_resumed_run_ends_as_one_that_was_not_interrupted(tiny: ModuleType, tmp_path: Path) -> None:
    tiny.start(tmp_path / "whole", precision="bfloat16").fit()
    interrupted(tiny, tmp_path / "parts")
    tiny.resume(tmp_path / "parts").fit()
    assert tiny.outcome(tmp_path / "parts") == tiny.outcome(tmp_path / "whole")
    machine = open_run(tmp_path / "parts").record.machine
    assert machine["bfloat16_validation"] == computation("bfloat16", "onnxruntime").library


@pytest.mark.parametrize("library", ["onnxruntime", "torch"])
def test_the_recorded_library_validates_whatever_would_be_chosen_now(
    library: LibraryName, tiny: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tiny, tmp_path / "run")
    changed(tmp_path / "run", computation("bfloat16", library).library)
    monkeypatch.setattr(validation, "bfloat16_library", lambda layers, work: pytest.fail("chosen again"))
    trainer = tiny.resume(tmp_path / "run")
    assert trainer.learner.validated_by == library
    trainer.fit()
    trainer.learner.choose_format()
    assert trainer.learner.classifier().computation(15).library == computation("bfloat16", library).library


def test_runs_of_older_versions_go_on_in_float32(tiny: ModuleType, tmp_path: Path) -> None:
    interrupted(tiny, tmp_path / "run")
    changed(tmp_path / "run", None)
    tiny.resume(tmp_path / "run").fit()
    assert open_run(tmp_path / "run").classifier().description.number_format == "float32"


def test_without_the_recorded_library_the_run_is_not_resumed(
    tiny: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(tiny, tmp_path / "run")
    changed(tmp_path / "run", "OpenVINO 2026.4.1")
    monkeypatch.setattr(choosing, "find_spec", lambda name: None)
    with pytest.raises(
        UsageError,
        match=r"run is validated by OpenVINO 2026\.4\.1 in bfloat16, but it is not installed\. Resume where it began",
    ):
        tiny.resume(tmp_path / "run")
    monkeypatch.setattr(choosing, "find_spec", lambda name: name)
    monkeypatch.setattr(choosing, "has_bfloat16", lambda: False)
    with pytest.raises(UsageError, match="in bfloat16, but this processor does not have that format"):
        tiny.resume(tmp_path / "run")
    changed(tmp_path / "run", "Another 1.0")
    with pytest.raises(
        UsageError, match=r"run is validated by Another 1\.0 in bfloat16, but it is not installed"
    ):
        tiny.resume(tmp_path / "run")


def test_the_folds_are_validated_by_the_library_of_the_run(tiny: ModuleType) -> None:
    made = tiny.learner(precision="bfloat16")
    made.validated_by = "torch"
    fold: Learner = starting.fold_learner(made, made.train, made.valid)
    assert fold.validated_by == "torch"


def test_without_openvino_a_classifier_is_in_float32(
    tiny: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "find_spec", lambda name: None)
    tiny.start(tmp_path / "run", precision="bfloat16").fit()
    assert "bfloat16_validation" not in open_run(tmp_path / "run").record.machine
    assert open_run(tmp_path / "run").classifier().description.number_format == "float32"
