"""Every object in a notebook: a short text and HTML without scripts, from whole, damaged and hostile ones."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.evaluation.metrics import evaluate
from picturewise.prediction.predict import Prediction, predictions_of
from picturewise.reprs import LONGEST
from picturewise.runs.run import Run

ATTACK = '<script>alert("1")</script>\x1b[2J'
NAMES = (ATTACK, "<b>half", "light & dark")


@pytest.fixture(scope="module")
def run(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    trainer = tiny.start(tmp_path_factory.mktemp("objects") / "run <i>")
    trainer.fit()
    table = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]]
    facts = {"dataset": "tiny <u>", "split": "test", "fingerprint": "0" * 64}
    evaluation = evaluate(table, np.array([0, 1, 2, 2]), classes=NAMES, **facts)
    trainer.run.save_evaluation(evaluation, table, str(trainer.run.classifier_sha256()))
    return trainer.run


@pytest.fixture(scope="module")
def objects(run: Run, tiny: ModuleType) -> dict[str, Any]:
    part = replace(tiny.pictures(9, 0, ATTACK), classes=NAMES)
    classifier = run.classifier()
    return {
        "run": run,
        "evaluation": run.evaluation(),
        "dataset": Dataset(ATTACK, train=part, valid=part, notes=(ATTACK,)),
        "pictures": part,
        "unlabelled": replace(part, labels=None),
        "classifier": classifier,
        "recipe": run.recipe,
        "summary": run.summary(),
        "prediction": predictions_of(classifier, part, ATTACK)[0],
        "without picture": Prediction(ATTACK, dict.fromkeys(NAMES, 1 / 3)),
        "many classes": Prediction("a", {f"class {number}": 0.001 for number in range(1000)}),
        "many in one": ImageSet(part.images, part.labels, tuple(map(str, range(5000))), "a"),
    }


def test_texts_are_short_and_html_has_nothing_of_strangers_in_it(objects: dict[str, Any]) -> None:
    for name, of in objects.items():
        assert 0 < len(repr(of)) <= LONGEST, name
        assert "\x1b" not in repr(of) + str(of), name
        html = of._repr_html_()
        assert "<script" not in html, name
        assert not any(mark in html for mark in ("<b>", "<i>", "<u>", "\x1b")), name
        assert "http" not in html.replace("http://www.w3.org/2000/svg", ""), name
        assert len(html) < 200_000, name


def test_what_they_are_made_of_is_short_as_text_too(objects: dict[str, Any], run: Run) -> None:
    description = replace(run.classifier().description, classes=tuple(f"class {n}" for n in range(1000)))
    for of in (description, run.record, run.record.data, objects["evaluation"].per_class[0], run.history[0]):
        assert type(of).__name__ in repr(of)
        assert len(repr(of)) <= LONGEST


def test_texts_say_what_matters(objects: dict[str, Any], run: Run) -> None:
    assert repr(run).startswith(f"<Run {run.path}: finished, 2 of 2 epochs, best epoch ")
    assert repr(run).endswith("test accuracy 0.7500 (0.3006–0.9544)>")
    assert "tiny <u>, test: 4 pictures of 3 classes; accuracy 0.7500 (0.3006–0.9544)" in repr(
        objects["evaluation"]
    )
    assert str(objects["evaluation"].accuracy) == "0.7500 (0.3006–0.9544)"
    assert str(objects["evaluation"]).splitlines()[1] == "accuracy           0.7500 (0.3006–0.9544)"
    assert "train 9, valid 9; 6x6x1, 3 classes" in repr(objects["dataset"])
    assert repr(objects["unlabelled"]).startswith("<ImageSet of 9 pictures 6x6x1, no labels")
    assert "3 classes (dark, half, light), trained on tiny, epoch" in repr(objects["classifier"])
    assert "training.epochs=2" in repr(run.recipe)
    assert "start.head" not in repr(run.recipe)  # as it is where nobody says it
    assert str(run.recipe) == run.recipe.to_toml()
    assert repr(objects["many classes"]).endswith("class 2 0.0010, …>")


def test_what_was_decided_is_there_after_training(run: Run) -> None:
    assert run.notes == (*run.record.data.notes, *run.record.notes)
    assert set(run.derived) == set(run.record.derived)
    assert run.derived["training.weight_decay"] == run.recipe.training.weight_decay
    assert str(run.summary()).splitlines()[0].split() == ["layer", "output", "parameters"]
    assert (
        str(run.summary())
        .splitlines()[-1]
        .endswith(", and 8 statistics that are measured rather than trained")
    )


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("run.json", "run.json is damaged"),
        ("recipe.toml", "is damaged"),
        ("history.csv", "history.csv is damaged"),
        ("evaluation.json", "evaluation.json is damaged"),
        (None, "cannot be read"),
    ],
)
def test_of_a_damaged_run_what_is_whole_is_shown_and_the_rest_named(
    run: Run, tmp_path: Path, file: str | None, said: str
) -> None:
    import shutil

    shutil.copytree(run.path, tmp_path / "run")
    spoilt = Run(tmp_path / "run")
    if file is None:
        shutil.rmtree(spoilt.path)
    else:
        (spoilt.path / file).write_text("{")
    assert said in repr(spoilt)
    assert said in spoilt._repr_html_()
    assert len(repr(spoilt)) <= LONGEST
    if file in {"history.csv", "evaluation.json"}:
        assert "finished; tiny: train 33, valid 15" in spoilt._repr_html_()


def test_a_run_that_has_just_begun_has_no_epoch_yet(tiny: ModuleType, tmp_path: Path) -> None:
    run = tiny.start(tmp_path / "run").run
    assert repr(run) == f"<Run {tmp_path / 'run'}: running>"
    assert "No epoch has finished yet." in run._repr_html_()


def test_no_internals_are_offered(objects: dict[str, Any]) -> None:
    for name, hidden in {
        "run": {"save_record", "locked", "checked", "_lock"},
        "dataset": {"read_with", "reserved"},
        "pictures": {"make_target", "known"},
        "classifier": {"by_engine", "_held", "fitted"},
        "evaluation": {"model_construct", "model_fields_set"},
        "recipe": {"model_construct"},
    }.items():
        offered = set(dir(objects[name]))
        assert not offered & hidden, name
    assert {"summary", "notes", "derived", "plot_curves", "history"} <= set(dir(objects["run"]))


def test_a_prediction_knows_its_picture_and_a_copy_does_not_take_all_pictures_along(
    objects: dict[str, Any],
) -> None:
    prediction = objects["prediction"]
    np.testing.assert_array_equal(prediction.picture, objects["pictures"].images[0])
    assert "data:image/png" in prediction._repr_html_()
    for copied in (pickle.loads(pickle.dumps(prediction)), copy.deepcopy(prediction)):
        assert copied == prediction
        assert copied.picture is None
        assert "data:image/png" not in copied._repr_html_()
