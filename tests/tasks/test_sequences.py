"""Sequences from pictures to the report: what the command, the notebook and the pages say about them."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

import picturewise
from picturewise.cli import output
from picturewise.data.dataset import Dataset
from picturewise.errors import DataError, UsageError
from picturewise.runs.run import Run

pytestmark = pytest.mark.slow


def data(blocks: ModuleType) -> Dataset:
    parts = {name: blocks.pictures(count, seed, name) for seed, (name, count) in enumerate(SPLITS.items())}
    return Dataset("blocks", train=parts["train"], valid=parts["valid"], test=parts["test"])


SPLITS = {"train": 160, "valid": 60, "test": 60}


@pytest.fixture(scope="module")
def run(blocks: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that reads some numbers correctly, evaluated."""
    path = tmp_path_factory.mktemp("sequences") / "run"
    found = picturewise.train(
        data(blocks),
        layers="flatten; dense 24 relu",
        augmentation=[],
        epochs=5,
        learning_rate=0.01,
        out=path,
        progress=False,
    )
    picturewise.evaluate(found, data=data(blocks), progress=False)
    return found


def test_the_command_prints_what_numbers_need(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    evaluation = run.evaluation()
    assert evaluation is not None
    output.show_evaluation(evaluation)
    output.show_best(run)
    printed = capsys.readouterr().out
    for words in (
        "whole-number accuracy  ", "edit distance          ", "accuracy goal", "of these correct %", "length  pictures",
        "place  pictures", "most frequent errors: ", "digit  in labels", " % of whole numbers, loss",
    ):  # fmt: skip
        assert words in printed, words
    assert "class" not in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_the_json_has_the_fields_of_the_model(run: Run) -> None:
    found = json.loads((run.path / "evaluation.json").read_text())["evaluation"]["sequences"]
    assert found["most_symbols"] == 3
    assert [row["length"] for row in found["lengths"]] == [1, 2, 3]
    assert [row["place"] for row in found["places"]] == [1, 2, 3]
    assert [row["goal"] for row in found["coverage"]] == [0.98, 0.99]
    assert set(found["edit_distance"]) == {"value", "low", "high"}


def test_objects_say_what_they_are_about(run: Run) -> None:
    evaluation, classifier = run.evaluation(), run.classifier()
    assert "60 pictures of numbers of up to 3 digits; whole-number accuracy 0." in repr(evaluation)
    assert "\nwhole-number accuracy  0." in str(evaluation)
    assert "numbers of up to 3 digits (0, 1, 2)" in repr(classifier)
    for page in (evaluation._repr_html_(), run._repr_html_()):
        assert "whole-number accuracy" in page
    assert "of whole numbers" in run._repr_html_()
    assert "numbers of up to 3 digits" in classifier._repr_html_()


def test_the_report_is_about_numbers(run: Run) -> None:
    page = (run.path / "report.html").read_text()
    for words in (
        "Report on reading numbers", "numbers in the test pictures were read correctly as a whole", "Hardest digit",
        "<small>in numbers of up to 3</small>", "Whole-number accuracy", "Edit distance", "Accuracy goal",
        "Accuracy of each length and place", "Scores of each digit", "Digits that are confused", "Digits in the labels",
        "next to the reading and how sure the model is", "Numbers that were read wrongly", "Loss and accuracy of whole",
        "For the goal of 98&nbsp;% accuracy".replace("&nbsp;", "\N{NO-BREAK SPACE}"),
    ):  # fmt: skip
        assert words in page, words
    for words in (
        "classified",
        "per class",
        "each class",
        "Hardest class",
        "most probable class",
        "SYMBOL",
        "SEQUENCE",
    ):
        assert words not in page, words
    names = {path.stem for path in run.figures.iterdir()}
    assert {"lengths", "lengths-dark", "predictions", "errors", "confusion"} <= names
    assert "classes" not in names


def test_figures_of_a_run_show_readings(run: Run, blocks: ModuleType) -> None:
    run.plot_predictions(count=2)
    run.plot_errors()
    axes = run.plot_confusion().axes[0]
    assert axes.get_xlabel() == "digit in the reading"
    with pytest.raises(DataError, match="the labels are sequences, not classes"):
        data(blocks).plot_classes()
    assert data(blocks).plot_counts().axes[0].get_title(loc="left").endswith(" pictures")


@pytest.fixture(scope="module")
def other(blocks: ModuleType, run: Run) -> Run:
    """A run with another number of places on the same pictures."""
    return picturewise.train(
        data(blocks),
        layers="flatten; numbers 5",
        augmentation=[],
        epochs=1,
        out=run.path.with_name("other"),
        progress=False,
    )


def test_networks_with_other_places_are_compared_on_whole_numbers(
    run: Run, other: Run, blocks: ModuleType, tmp_path: Path
) -> None:
    picturewise.evaluate(other, data=data(blocks), progress=False)
    found = picturewise.compare([run, other], data=data(blocks), out=tmp_path / "compared", progress=False)
    first, second = found.runs
    assert found.best == first.name
    assert second.paired is not None
    difference = first.accuracy.value - second.accuracy.value
    assert second.paired.difference.value == pytest.approx(difference)
    page = found.report.read_text()
    assert (
        "numbers in the test pictures were read correctly as a whole by run, the most accurate of 2" in page
    )
    assert "classified" not in page


def test_classes_are_not_compared_with_numbers(run: Run, blocks: ModuleType, tmp_path: Path) -> None:
    part = {name: blocks.pictures(count, 9, name) for name, count in SPLITS.items()}
    images = {name: (one.images, one.required_labels[:, 1]) for name, one in part.items()}
    classes = picturewise.make_dataset(images["train"], valid=images["valid"], test=images["test"])
    single = picturewise.train(classes, layers="flatten", epochs=1, out=tmp_path / "single", progress=False)
    picturewise.evaluate(single, progress=False)
    with pytest.raises(UsageError, match=r"run predicts sequences of symbols and .*single predicts classes"):
        picturewise.compare([run, single], out=tmp_path / "compared", progress=False)
    with pytest.raises(
        DataError, match="the labels are classes, but the classifier was trained on sequences"
    ):
        picturewise.evaluate(run.classifier(), data=classes, progress=False)
    with pytest.raises(
        DataError, match="the labels are sequences, but the classifier was trained on classes"
    ):
        picturewise.evaluate(single.classifier(), data=data(blocks), progress=False)
