"""`export`: the file, what stands beside it, and every reason not to write it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

import picturewise
from picturewise.cli.app import run as command
from picturewise.errors import DataError, RunError, SaveError, UsageError
from picturewise.exporting import parity
from picturewise.prediction.classifier import Classifier
from picturewise.runs.run import Run
from picturewise.tasks.export import IN_FLOAT32, FormatName


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("trained") / "my-run"
    return picturewise.train("digits", model="mlp 32", epochs=2, out=out, progress=False)


def test_the_file_answers_as_predict_does_without_picturewise(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = picturewise.export(trained, progress=False)
    assert found.files == (Path("my-run.onnx"), Path("my-run.json"))
    assert found.bytes == sum(path.stat().st_size for path in found.files)
    assert (found.parity.pictures, found.parity.origin) == (143, "pictures of the validation split")
    narrow = trained.classifier().description.number_format == "bfloat16"  # on processors that have it
    assert found.notes == ((IN_FLOAT32,) if narrow else ())
    session = onnxruntime.InferenceSession("my-run.onnx", providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).integers(0, 256, (3, 30, 20, 3), np.uint8)
    probabilities, label = session.run(["probabilities", "label"], {"images": images})
    expected = trained.classifier().in_float32().predict_proba(images)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert label.tolist() == expected.argmax(axis=1).tolist()
    facts = json.loads(Path("my-run.json").read_text())
    assert facts["classes"] == list(trained.classifier().classes)
    assert facts["parity"]["pictures"] == 143
    assert facts["weights_sha256"] == trained.classifier().weights_sha256
    metadata = {entry.key: entry.value for entry in onnx.load("my-run.onnx").metadata_props}
    assert {key: json.loads(metadata[key]) for key in ("classes", "parity")} == {
        key: facts[key] for key in ("classes", "parity")
    }


def test_a_page_contains_the_model_that_was_compared(trained: Run, tmp_path: Path) -> None:
    found = picturewise.export(trained, "page", out=tmp_path / "digits.html", progress=False)
    assert found.files == (tmp_path / "digits.html",)
    assert found.parity.pictures == 143
    page = found.files[0].read_bytes()
    assert len(page) == found.bytes
    assert page.startswith(b"<!doctype html>")
    assert trained.classifier().weights_sha256.encode() in page


def test_a_classifier_a_file_or_a_run_without_its_pictures_is_compared_with_generated_ones(
    trained: Run, tmp_path: Path
) -> None:
    found = picturewise.export(trained.classifier(), out=tmp_path / "a.onnx", progress=False)
    assert (found.parity.pictures, found.parity.origin) == (1000, "generated pictures")
    other = tmp_path / "other.safetensors"
    shutil.copy(trained.classifier_path, other)
    again = picturewise.export(other, out=tmp_path / "b.onnx", progress=False)
    assert again.parity == found.parity
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    # of a run, the file is as good as the folder
    assert (
        picturewise.export(trained.classifier_path, out=tmp_path / "c.onnx", progress=False).parity.pictures
        == 143
    )


@pytest.mark.parametrize("to", ["onnx", "page"])
def test_a_classifier_in_bfloat16_is_exported_in_float32_and_a_note_says_so(
    to: FormatName, trained: Run, tmp_path: Path
) -> None:
    classifier = trained.classifier()
    description = replace(classifier.description, number_format="bfloat16")
    narrow = Classifier(classifier.arrays, description)
    found = picturewise.export(narrow, to, out=tmp_path / "model", progress=False)
    assert IN_FLOAT32 in found.notes
    assert found.parity is not None
    assert found.parity.difference < 1e-5  # to the classifier in float32
    if to == "onnx":
        assert json.loads((tmp_path / "model.json").read_text())["number_format"] == "float32"


def test_pictures_that_moved_are_passed_and_lost_ones_are_said(tmp_path: Path, picture_folder: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(picture_folder, tmp_path / "pictures")
    run = picturewise.train(
        tmp_path / "pictures", model="mlp 8", epochs=1, folds=0, out=tmp_path / "run", progress=False,
        settings={"training.precision": "float32"},
    )  # fmt: skip
    (tmp_path / "pictures").rename(moved)
    found = picturewise.export(run, out=tmp_path / "a.onnx", progress=False)
    assert found.parity.origin == "generated pictures"
    (note,) = found.notes
    assert note.startswith("The run's pictures are not at hand, so generated pictures were compared: ")
    found = picturewise.export(run, out=tmp_path / "b.onnx", data=moved, progress=False)
    assert (found.parity.origin, found.notes) == ("pictures of the validation split", ())
    found = picturewise.export(run.classifier_path, out=tmp_path / "c.onnx", data=moved, progress=False)
    assert found.parity.pictures > 0
    with pytest.raises(DataError):
        picturewise.export(run, out=tmp_path / "d.onnx", data=tmp_path / "nothing", progress=False)
    assert not (tmp_path / "d.onnx").exists()


def test_in_folds_the_training_pictures_are_compared(tmp_path: Path, picture_folder: Path) -> None:
    run = picturewise.train(picture_folder, model="mlp 8", epochs=1, out=tmp_path / "run", progress=False)
    found = picturewise.export(run, out=tmp_path / "a.onnx", progress=False)
    assert found.parity.origin == "pictures of the training split"


def test_nothing_is_written_if_the_file_answers_otherwise(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity, "LIMIT", 0.0)
    monkeypatch.setattr(parity.Parity.check, "__defaults__", (-1.0,))
    with pytest.raises(RunError, match="Nothing was written"):
        picturewise.export(trained, out=tmp_path / "a.onnx", progress=False)
    assert [*tmp_path.iterdir()] == []


def test_a_target_that_exists_or_cannot_be_is_refused(trained: Run, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_text("mine")
    (tmp_path / "b.json").write_text("mine")
    for name, error, sentence in [
        ("a.onnx", UsageError, "a.onnx already exists"),
        ("b.onnx", UsageError, "b.json already exists"),
        ("c.json", UsageError, "ends in .json"),
        ("missing/c.onnx", SaveError, "There is no folder"),
    ]:
        with pytest.raises(error, match=sentence):
            picturewise.export(trained, out=tmp_path / name, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "b.json"]
    with pytest.raises(UsageError, match="to is 'tflite'"):
        picturewise.export(trained, "tflite", out=tmp_path / "d.onnx")  # type: ignore[arg-type]


def test_a_run_without_a_classifier_is_refused(trained: Run, tmp_path: Path) -> None:
    shutil.copytree(trained.path, tmp_path / "run")
    (tmp_path / "run" / "classifier.safetensors").unlink()
    with pytest.raises(RunError, match=r"does not have a classifier\.safetensors"):
        picturewise.export(tmp_path / "run", out=tmp_path / "a.onnx")


def test_the_command_says_what_it_wrote_and_checked(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["export", str(trained.path), "--to", "onnx", "--out", str(tmp_path / "a.onnx")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{tmp_path / 'a.onnx'}  ")
    assert " ".join(said[2:]).startswith(
        "Checked with 143 pictures of the validation split and 50 of other sizes: no picture has another answer, and "
        "probabilities differ by at most "
    )
    assert command(["export", str(trained.path), "--out", str(tmp_path / "b.onnx"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], found["parity"]["odd_changed"]) == ("onnx", 0)
    assert command(["export", str(trained.path), "--to", "tflite"]) == 2
