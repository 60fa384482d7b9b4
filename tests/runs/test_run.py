from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from picturewise.data.dataset import Dataset, Skipped
from picturewise.errors import RunError
from picturewise.evaluation.metrics import evaluate
from picturewise.runs.record import data_facts
from picturewise.runs.run import Run, open_run
from picturewise.training import start as starting


def test_a_run_is_read_back_from_its_folder(run: Run, tiny: ModuleType) -> None:
    found = open_run(run.path)
    assert found.name == "run"
    assert found.recipe.seed == 7
    assert found.record.status == "finished"
    assert [row.epoch for row in found.history] == [1, 2]
    assert found.classifier().classes == tiny.CLASSES
    assert found.classifier_sha256() == found.classifier().weights_sha256
    assert found.skipped() == []


def test_the_recipe_of_a_run_leaves_nothing_to_derive_and_names_no_preset_that_was_not_used(run: Run) -> None:
    assert run.recipe.model.name is None
    assert run.recipe.training.weight_decay == 0.01
    assert {"training.momentum", "training.weight_decay"} <= set(run.record.derived)
    assert "training.epochs" not in run.record.derived


def test_places_that_are_no_runs_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        RunError, match=r"file is not a run folder: it is a file\. Pass a folder that 'picturewise train'"
    ):
        open_run(tmp_path / "file")
    with pytest.raises(RunError, match=r"nothing is not a run folder: it does not exist"):
        open_run(tmp_path / "nothing")
    with pytest.raises(RunError, match=r"is not a run folder, because it does not contain run\.json"):
        open_run(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["[]", "null", '{"status": 1}', '{"format": 1, "sightline": "0.1.0"}', '{"format": 3}'],
)
def test_a_record_of_another_format_is_named(run: Run, content: str) -> None:
    (run.path / "run.json").write_text(content)
    version = json.loads(content).get("format") if content.startswith("{") else None
    with pytest.raises(
        RunError,
        match=rf"run\.json has format {version}, but this version of Picturewise reads format 2\. ",
    ):
        open_run(run.path)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("run.json", "{", r"run\.json is damaged: it is not valid JSON"),
        ("run.json", '{"format": 2}', r"run\.json is damaged: picturewise: Field required"),
        ("recipe.toml", "[[[", r"run is damaged: The recipe .*recipe\.toml is not valid TOML"),
        ("recipe.toml", "seed = -1", r"run is damaged: seed is -1, but must be"),
        ("recipe.toml", "", r"run is damaged: The recipe does not have the key 'data'\."),
        (
            "recipe.toml",
            '[data]\nsource = "x"\n',
            r"recipe\.toml is damaged: The recipe does not have values for preparation\.augmentation, ",
        ),
    ],
)
def test_a_run_with_a_damaged_head_is_not_opened(run: Run, name: str, content: str, sentence: str) -> None:
    (run.path / name).write_text(content)
    with pytest.raises(RunError, match=sentence):
        open_run(run.path)


def test_a_run_without_its_recipe_is_not_opened(run: Run) -> None:
    (run.path / "recipe.toml").unlink()
    with pytest.raises(RunError, match=r"recipe\.toml cannot be read: No such file"):
        open_run(run.path)


def test_a_row_that_is_too_short_is_damage(run: Run) -> None:
    (run.path / "skipped.csv").write_text("file,reason\na.png\n")
    with pytest.raises(RunError, match=r"skipped\.csv is damaged: .*too short"):
        open_run(run.path).skipped()


def test_other_damaged_files_are_told_when_they_are_asked_for(run: Run) -> None:
    (run.path / "history.csv").write_text("x")
    (run.path / "classifier.safetensors").write_bytes(b"x")
    (run.path / "evaluation.json").write_text("{}")
    (run.path / "skipped.csv").write_text("a,b\n1,2\n")
    found = open_run(run.path)
    with pytest.raises(RunError, match=r"history\.csv is damaged"):
        _ = found.history
    with pytest.raises(RunError, match=r"classifier\.safetensors is damaged"):
        found.classifier()
    with pytest.raises(
        RunError, match=r"evaluation\.json is damaged .*Create it again with: picturewise evaluate "
    ):
        found.evaluation()
    with pytest.raises(RunError, match=r"skipped\.csv is damaged: its rows are not pairs of file and reason"):
        found.skipped()


def test_a_history_that_is_a_link_to_nowhere_is_no_empty_one(run: Run) -> None:
    (run.path / "history.csv").unlink()
    (run.path / "history.csv").symlink_to("history.csv")
    with pytest.raises(RunError, match=r"history\.csv cannot be read"):
        _ = open_run(run.path).history


def test_a_run_without_an_epoch_has_no_classifier_yet(run: Run) -> None:
    (run.path / "classifier.safetensors").unlink()
    with pytest.raises(
        RunError, match=r"does not have a classifier.safetensors \(the run is finished\). Train again with"
    ):
        run.classifier()
    (run.path / "history.csv").unlink()
    run.save_record(run.record.model_copy(update={"status": "interrupted"}))
    assert run.history == []
    assert run.classifier_sha256() is None
    with pytest.raises(
        RunError,
        match=r"does not have a classifier yet, because no epoch has finished\. Continue with: picturewise resume",
    ):
        run.classifier()


def test_an_evaluation_comes_back_with_its_probabilities(run: Run) -> None:
    table = np.random.default_rng(0).dirichlet([1.0] * 3, size=9).astype(np.float32)
    table /= table.sum(axis=1, keepdims=True)
    labels = np.arange(9) % 3
    assert run.evaluation() is None
    for split in ("test", "valid"):
        names = {"dataset": "tiny", "split": split, "fingerprint": "0" * 64}
        evaluation = evaluate(table, labels, classes=["a", "b", "c"], **names)
        assert run.save_evaluation(evaluation, table, run.classifier_sha256())
        assert run.evaluation(split) == evaluation  # type: ignore[arg-type]
        np.testing.assert_array_equal(run.probabilities(split), table)  # type: ignore[arg-type]
    assert (run.path / "evaluation.json").read_bytes() != (run.path / "evaluation-valid.json").read_bytes()


def saved(path: Path, table: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, table, allow_pickle=True)


def test_probabilities_that_are_missing_or_damaged_are_told(run: Run) -> None:
    path, sentence = (
        run.path / "probabilities.npy",
        r"probabilities\.npy is missing or damaged\. Create it again with",
    )
    with pytest.raises(RunError, match=sentence):
        run.probabilities()
    for table in (
        np.zeros(3, np.float32),
        np.zeros((3, 2)),
        np.array([[object()]]),
        np.zeros((3, 2), np.int32),
    ):
        saved(path, table)
        with pytest.raises(RunError, match=sentence):
            run.probabilities()
    saved(path, np.zeros((30, 2), np.float32))
    content = path.read_bytes()
    for damaged in (
        content[:-1],
        content[:100],
        content[:3],
        b"",
        content.replace(b"(30, 2)", b"(9999999999999, 2)"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(RunError, match=sentence):
            run.probabilities()


def test_skipped_files_are_kept_with_their_reasons(tmp_path: Path, tiny: ModuleType) -> None:
    skipped = (Skipped("a,b.png", 'says "no"'), Skipped("ü\\n.jpg", "empty"), Skipped("=1.png", "-"))
    data = tiny.dataset()
    starting.start(tiny.recipe(), Dataset("tiny", data.train, data.valid, skipped=skipped), tmp_path / "run")
    found = open_run(tmp_path / "run")
    assert found.skipped() == [(item.path, item.reason) for item in skipped]
    assert found.record.data.skipped == 3
    assert "\n'=1.png,'-\n" in (tmp_path / "run" / "skipped.csv").read_text(encoding="utf-8")


def test_facts_are_kept_of_train_and_validation_only(tiny: ModuleType) -> None:
    data = tiny.dataset()
    whole = Dataset("tiny", data.train, data.valid, test=replace(data.valid), notes=("A note.",))
    facts = data_facts(whole)
    assert set(facts.splits) == {"train", "valid"}
    assert facts.splits["train"].counts == {"dark": 11, "half": 11, "light": 11}
    assert facts.splits["valid"].fingerprint == data.valid.fingerprint
    assert (facts.shape, facts.classes, facts.notes) == ((6, 6, 1), tiny.CLASSES, ("A note.",))
