"""Going on from a trained network, as the command and from Python."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import picturewise
from picturewise.cli.app import run
from picturewise.errors import UsageError

COLOURS = {"red": (200, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 200), "white": (220, 220, 220)}


def pictures(folder: Path, *colours: str, count: int = 20) -> Path:
    for colour in colours:
        random = np.random.default_rng(list(COLOURS).index(colour))
        (folder / colour).mkdir(parents=True)
        for number in range(count):
            noisy = np.clip(np.array(COLOURS[colour]) + random.integers(-40, 40, (12, 12, 3)), 0, 255)
            Image.fromarray(noisy.astype(np.uint8)).save(folder / colour / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    data = pictures(folder / "two", "red", "green")
    layers = "conv 6 /2; batchnorm; relu; avgpool global; dense 8 relu"
    picturewise.train(data, layers=layers, epochs=20, folds=0, out=folder / "run", progress=False)
    return folder / "run"


def probabilities(folder: Path, data: Path) -> np.ndarray:
    part = picturewise.read_dataset(data, splits=("train",)).split("train")
    return picturewise.open_run(folder).classifier().probabilities(part.images)


@pytest.mark.slow
def test_old_classes_are_predicted_as_before_when_classes_are_added_and_nothing_is_trained(
    trained: Path, tmp_path: Path
) -> None:
    data = pictures(tmp_path / "four", *COLOURS)
    found = picturewise.extend(
        trained, data, add_classes=True, epochs=0, out=tmp_path / "run", progress=False
    )
    assert found.run.classifier().classes == ("green", "red", "blue", "white")
    old = pictures(tmp_path / "old", "red", "green", count=50)
    before, after = probabilities(trained, old), probabilities(tmp_path / "run", old)
    np.testing.assert_array_equal(after.argmax(axis=1), before.argmax(axis=1))
    np.testing.assert_allclose(after[:, :2], before, rtol=1e-5)
    assert found.old is not None
    assert found.old.before == found.old.after
    assert found.new is not None
    assert (found.new.before, found.new.after.value) == (None, 0.0)


@pytest.mark.slow
def test_added_classes_are_learned_beside_the_old_ones(trained: Path, tmp_path: Path) -> None:
    data = pictures(tmp_path / "four", *COLOURS)
    found = picturewise.extend(
        trained, data, add_classes=True, epochs=30, settings=["training.learning_rate=0.01"],
        out=tmp_path / "run", progress=False,
    )  # fmt: skip
    assert found.old is not None
    assert found.new is not None
    assert found.old.after.value == found.new.after.value == 1.0
    assert [row.epoch for row in found.run.history][:2] == [0, 1]


@pytest.mark.slow
def test_pictures_of_new_classes_alone_are_numbered_behind_the_old_ones(
    trained: Path, tmp_path: Path
) -> None:
    data = pictures(tmp_path / "more", "blue", "white")
    found = picturewise.extend(
        trained, data, add_classes=True, epochs=2, out=tmp_path / "run", progress=False
    )
    assert found.run.classifier().classes == ("green", "red", "blue", "white")
    assert found.run.recipe.data.classes == ("green", "red", "blue", "white")
    assert found.old is not None  # evaluated on the older run's own validation pictures
    assert found.old.pictures == len(picturewise.read_dataset(trained.parent / "two").split("valid"))
    assert picturewise.evaluate(found.run, progress=False).classes == ("green", "red", "blue", "white")


@pytest.mark.slow
def test_more_layers_begin_with_what_the_network_knew(trained: Path, tmp_path: Path) -> None:
    found = picturewise.extend(trained, layers="dense 8 relu", epochs=2, out=tmp_path / "run", progress=False)
    assert found.new is None
    assert found.old is not None
    before = max(row.valid_accuracy for row in picturewise.open_run(trained).history)
    assert max(row.valid_accuracy for row in found.run.history) >= before
    assert found.run.recipe.data == picturewise.open_run(trained).recipe.data.model_copy(
        update={"classes": ("green", "red")}
    )


@pytest.mark.slow
def test_a_new_output_layer_is_for_the_classes_of_the_pictures(trained: Path, tmp_path: Path) -> None:
    data = pictures(tmp_path / "other", "white", "blue")
    settings = ["training.freeze=backbone"]
    found = picturewise.extend(
        trained, data, new_head=True, epochs=3, settings=settings, out=tmp_path / "run", progress=False
    )
    assert found.run.classifier().classes == ("blue", "white")
    assert found.old is None
    old, new = (
        picturewise.open_run(path).classifier().network.state_dict() for path in (trained, tmp_path / "run")
    )
    assert all((old[name] == new[name]).all() for name in old if not name.startswith("6."))


@pytest.mark.slow
def test_the_older_run_is_not_changed(trained: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    picturewise.extend(trained, layers="dropout 0.1", epochs=1, out=tmp_path / "run", progress=False)
    assert {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("colours", "options", "sentence"),
    [
        (None, {}, "No changes to the run were passed"),
        (None, {"add_classes": True}, "New classes need training pictures"),
        (None, {"new_head": True}, "New classes need training pictures"),
        (("red", "green"), {"add_classes": True}, r"All classes of .* are already in .* \(green, red\)"),
        (
            ("red", "blue"),
            {},
            r"has the class blue, but .* was trained on green, red\. Add classes with --add-classes",
        ),
        (
            ("red", "blue"),
            {"new_head": True, "add_classes": True},
            "--new-head and --add-classes cannot be combined",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    trained: Path, tmp_path: Path, colours: tuple[str, ...] | None, options: dict[str, bool], sentence: str
) -> None:
    data = None if colours is None else pictures(tmp_path / "data", *colours)
    with pytest.raises(UsageError, match=sentence):
        picturewise.extend(trained, data, **options, out=tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_command_prints_what_became_of_old_and_new_classes(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = pictures(tmp_path / "three", "red", "green", "blue")
    arguments = ["extend", str(trained), str(data), "--add-classes", "--epochs", "1"]
    assert run([*arguments, "--out", str(tmp_path / "a")]) == 0
    said, told = capfd.readouterr()
    assert "lines from " in told
    flat = " ".join(said.split())
    assert "old 2 classes (green, red), " in flat
    assert "validation pictures: before 100.00 % (" in flat
    assert "new 1 classes (blue), " in flat
    assert run([*arguments, "--out", str(tmp_path / "b"), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["old"]["classes"], found["new"]["classes"]) == (["green", "red"], ["blue"])
    assert found["old"]["before"]["value"] == 1.0


@pytest.mark.slow
def test_a_network_that_was_validated_in_folds_has_nothing_to_show_on_pictures_it_has_learned(
    tmp_path: Path,
) -> None:
    data = pictures(tmp_path / "two", "red", "green")
    older = picturewise.train(data, model="mlp 4", epochs=2, out=tmp_path / "older", progress=False)
    assert older.recipe.training.folds == 5
    found = picturewise.extend(older, layers="dense 4 relu", epochs=1, out=tmp_path / "run", progress=False)
    assert found.old is None
    more = pictures(tmp_path / "more", "blue", "white")
    found = picturewise.extend(older, more, add_classes=True, epochs=1, out=tmp_path / "b", progress=False)
    assert found.old is None
