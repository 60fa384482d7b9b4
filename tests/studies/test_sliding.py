"""Studies with a classifier of single symbols that is moved over pictures of sequences."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from drawn_numbers import roughen, write_format_1

import picturewise
from picturewise.errors import UsageError
from picturewise.evaluation.sequences import evaluate_sequences
from picturewise.prediction.sliding import slide
from picturewise.studies.runner import study
from picturewise.studies.study import packaged, parse_study
from picturewise.targets.places import Places

HEAD = """
title = "Numbers"

[recipe.data]
source = "numbers"
resize = "pad"
size = [20, 44]

[recipe.preparation]
augmentation = []

[recipe.training]
epochs = 2

"""
PLACES = """
[[models]]
name = "places"
recipe.model.layers = ["flatten", "numbers 3"]
"""
DIGITS = """
[[models]]
name = "digits"
recipe.data.target = "class"
recipe.data.size = [16, 16]
recipe.model.layers = ["flatten", "dense 32 relu"]
recipe.training.epochs = 25
recipe.preparation.augmentation = ["shift 2"]
"""
SLID = """
[[models]]
name = "slid"
slides = "digits"
about = "Moved over the pictures."
"""


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 numbers of one to three digits to train on, and 30 to test."""
    random = np.random.default_rng(0)
    texts = ["".join(map(str, random.integers(0, 10, random.integers(1, 4)))) for _ in range(230)]
    root = tmp_path_factory.mktemp("sets") / "numbers"
    return roughen(write_format_1(root, {"train": texts[:200], "test": texts[200:]}))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 numbers to train on and 2 to test, for what is refused."""
    root = tmp_path_factory.mktemp("few") / "numbers"
    texts = ("10", "21", "32", "43", "54", "65", "76", "87", "98", "9", "8", "7")
    return roughen(write_format_1(root, {"train": texts, "test": ("12", "3")}))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("studies") / "mine.toml"
    path.write_text(HEAD + PLACES + DIGITS + SLID)
    return path


@pytest.fixture(scope="module")
def out(file: Path, numbers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the finished study."""
    folder = tmp_path_factory.mktemp("out") / "study"
    study(file, data=numbers, out=folder, progress=False)
    return folder


@pytest.mark.slow
def test_a_classifier_of_digits_reads_numbers(out: Path, numbers: Path) -> None:
    places, digits, slid = json.loads((out / "results.json").read_text())["models"]
    assert [model["reads"] for model in (places, digits, slid)] == [
        "whole numbers",
        "classes",
        "whole numbers",
    ]
    assert (places["slides"], slid["slides"]) == (None, "digits")
    assert places["test_pictures"] == slid["test_pictures"] == 30
    assert digits["test_pictures"] > 30
    assert slid["accuracy"]["value"] > 0.6  # chance is below 0.01
    for same in ("parameters", "epochs", "best_epoch", "steps", "train_pictures", "training_seconds"):
        assert slid[same] == digits[same]
    assert (digits["data"], slid["data"]) == ("numbers-digits", "numbers")
    # It is saved as the evaluation of a run is, and agrees with what the function returns.
    folder = out / "seed-0" / "slid"
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        "evaluation.json", "evaluation-valid.json", "probabilities.npy", "probabilities-valid.npy", "figures",
    }  # fmt: skip
    test = picturewise.read_dataset(numbers, resize="pad", size=(20, 44)).split("test")
    classifier = picturewise.open_run(out / "seed-0" / "digits").classifier()
    target = Places(tuple("0123456789"), 3)
    table = slide(classifier, test.images, target, padded=True)
    right = evaluate_sequences(
        table,
        test.required_labels,
        dataset="numbers",
        split="test",
        fingerprint=test.fingerprint,
        target=target,
    )
    saved = json.loads((folder / "evaluation.json").read_text())["evaluation"]
    assert saved["fingerprint"] == test.fingerprint
    # The temperature is that of validation; it may change a reading whose length is unclear.
    assert saved["accuracy"]["value"] == pytest.approx(right.accuracy.value, abs=0.07)
    assert saved["sequences"]["coverage"]
    assert saved["classifier_sha256"] == classifier.weights_sha256


@pytest.mark.slow
def test_readings_are_calibrated_on_numbers_whose_digits_were_not_trained_on(
    out: Path, numbers: Path
) -> None:
    digits = picturewise.open_run(out / "seed-0" / "digits")
    assert digits.recipe.training.folds == 0
    valid = picturewise.read_dataset(numbers, resize="pad", size=(16, 16), target="class").split("valid")
    pictures = {name.partition("#")[0] for name in valid.names or ()}
    saved = json.loads((out / "seed-0" / "slid" / "evaluation-valid.json").read_text())["evaluation"]
    assert saved["pictures"] == len(pictures) > 10
    assert sum(one["support"] * one["length"] for one in saved["sequences"]["lengths"]) == len(valid)


@pytest.mark.slow
def test_the_report_compares_only_what_reads_numbers(out: Path) -> None:
    page = (out / "report.html").read_text()
    for text in (
        "Moved over the pictures.",
        "This model was not trained on sequences.",
        "those of whole sequences cannot be compared with those of classes",
        "digits predicts classes, not sequences",
        "the most accurate of 2 models",
        "McNemar",
    ):
        assert text in page
    comparison = json.loads((out / "results.json").read_text())
    assert comparison["models"][2]["path"].endswith("slid")
    assert (out / "comparison-1").exists() != (out / "comparison-2").exists()


@pytest.mark.slow
def test_a_finished_model_is_kept_and_a_missing_one_is_made_again(
    out: Path, file: Path, numbers: Path, tmp_path: Path
) -> None:
    folder = out / "seed-0" / "slid"
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    study(file, data=numbers, out=out, progress=False)
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")} == before
    content = (folder / "evaluation.json").read_bytes()
    (folder / "evaluation.json").unlink()
    found = study(file, data=numbers, out=out, progress=False)
    assert (folder / "evaluation.json").read_bytes() == content
    assert found.models[2].accuracy.value == json.loads(content)["evaluation"]["accuracy"]["value"]


@pytest.mark.slow
def test_only_what_slides_comes_with_its_classifier(
    file: Path, numbers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from picturewise.cli.app import run

    given = [
        "study",
        str(file),
        "--data",
        str(numbers),
        "--out",
        str(tmp_path / "out"),
        "--only",
        "slid",
        "--quick",
    ]
    assert run(given) == 0
    said = capsys.readouterr().out
    assert "model slid, seed 0" in said
    assert "not trained: the classifier of digits is moved over the pictures" in said
    assert "accuracy of" in said
    assert "whole numbers" in said
    assert (tmp_path / "out" / "seed-0" / "digits" / "run.json").exists()
    assert not (tmp_path / "out" / "seed-0" / "places").exists()


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (SLID, "model 'slid' slides 'digits', which is not an earlier model"),
        (DIGITS + SLID + SLID.replace('"slid"', '"more"').replace('slides = "digits"', 'slides = "slid"'),
         "model 'more' slides 'slid', which is not trained itself"),
        (DIGITS + SLID + 'begins_with = "digits"\n', "has both slides and begins_with; remove one of them"),
        (DIGITS + SLID + "recipe.training.epochs = 3\n", r"so recipe\.training has no effect; only recipe\.data"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_when_it_is_read(models: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_study(HEAD + models, "a test")


@pytest.mark.parametrize(
    ("models", "said"),
    [
        (
            DIGITS.replace('"class"', '"sequence"') + SLID,
            "'digits' reads sequences. Set its recipe.data.target",
        ),
        (
            DIGITS + SLID + 'recipe.data.target = "class"\n',
            "are classes, but a model that slides reads sequences",
        ),
        (
            DIGITS + SLID + 'recipe.data.resize = "stretch"\n',
            "with their own proportions. Set recipe.data.resize",
        ),
        (DIGITS + "recipe.training.folds = 5\n" + SLID, "is trained on all pictures, in folds"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(
    models: str, said: str, few: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + models)
    with pytest.raises(UsageError, match=rf"Model 'slid' of the study: .*{said}"):
        study(path, data=few, out=tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_other_classes_are_refused_before_anything_is_trained(
    few: Path, picture_folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        HEAD
        + DIGITS.replace("recipe.data.target", 'recipe.data.source = "colours"\nrecipe.data.target')
        + SLID
    )
    with pytest.raises(
        UsageError, match=r"'digits' has the classes blue, red, which are not symbols of the sequences"
    ):
        study(path, data={"numbers": few, "colours": picture_folder}, out=tmp_path / "out", progress=False)


def test_the_packaged_study_reads_numbers_in_four_ways() -> None:
    models = packaged()["svhn-whole-numbers"].models
    assert [(model.name, model.slides) for model in models] == [
        ("places", None), ("ctc", None), ("digits", None), ("slid-digits", "digits"), ("picturewise", None),
    ]  # fmt: skip
