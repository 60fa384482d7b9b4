"""What goes wrong in a user's hands ends in one sentence, the right exit code, and nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn_numbers import NUMBERS, write_format_1, write_list
from PIL import Image

from picturewise.cli.app import run

pytestmark = pytest.mark.slow  # each starts processes of its own

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]):
    """Run a command that must be refused; return its sentence."""

    def refuse(code: int, *arguments: object) -> str:
        assert run([str(argument) for argument in arguments]) == code
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        lines = said.err.strip().splitlines()
        assert len(lines) == 1, said.err
        assert lines[0].startswith("picturewise: ")
        return lines[0]

    return refuse


@pytest.fixture
def trained(idx_folder: Path) -> Path:
    """A finished run of one epoch."""
    assert (
        run(["train", str(idx_folder), "--layers", "flatten", "--epochs", "1", "--out", "trained", "--json"])
        == 0
    )
    return Path("trained").resolve()


def test_a_missing_path(refused) -> None:
    assert "'nowhere/pictures' is neither an existing path nor a catalogue name" in refused(
        3, "inspect", "nowhere/pictures"
    )


def test_a_misspelt_catalogue_name_is_offered_the_nearest(refused) -> None:
    assert "Did you mean 'digits'?" in refused(3, "train", "digist")


def test_an_empty_folder(refused, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    sentence = refused(3, "train", tmp_path / "empty")
    assert "an empty folder" in sentence
    assert "Pass a folder with one folder of pictures per class" in sentence


def test_a_folder_with_one_class(refused, picture_folder: Path) -> None:
    shutil.rmtree(picture_folder / "blue")
    sentence = refused(3, "train", picture_folder)
    assert "red" in sentence
    assert "two" in sentence


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("not-a-picture.png", b"these are words"),
        ("truncated.png", None),
        ("animated.gif", "animated"),
    ],
)
def test_a_file_that_is_no_good_picture(
    refused, picture_folder: Path, capfd: pytest.CaptureFixture[str], name: str, content: bytes | str | None
) -> None:
    bad = picture_folder / "red" / name
    if content is None:
        whole = (picture_folder / "red" / "0.png").read_bytes()
        bad.write_bytes(whole[: len(whole) // 2])
    elif isinstance(content, str):
        frames = [Image.fromarray(np.full((16, 16), shade, np.uint8)) for shade in (0, 255)]
        frames[0].save(bad, save_all=True, append_images=frames[1:])
    else:
        bad.write_bytes(content)
    sentence = refused(3, "train", picture_folder, "--layers", "flatten")
    assert name in sentence
    assert "1 " in sentence
    assert "--skip-bad" in sentence
    arguments = [
        "train",
        picture_folder,
        "--layers",
        "flatten",
        "--epochs",
        1,
        "--skip-bad",
        "--out",
        "run",
        "--json",
    ]
    assert run([str(argument) for argument in arguments]) == 1
    assert json.loads(capfd.readouterr().out)["data"]["skipped"] == 1
    assert name in Path("run/skipped.csv").read_text()


def test_hidden_files_and_notebook_checkpoints_are_passed_over(picture_folder: Path) -> None:
    (picture_folder / "red" / ".DS_Store").write_bytes(b"x")
    (picture_folder / ".ipynb_checkpoints").mkdir()
    (picture_folder / "red" / ".ipynb_checkpoints").mkdir()
    (picture_folder / "red" / ".ipynb_checkpoints" / "a.png").write_bytes(b"x")
    assert run(["inspect", str(picture_folder)]) == 0


def test_a_truncated_idx_file(refused, idx_folder: Path) -> None:
    content = (idx_folder / IMAGES).read_bytes()
    (idx_folder / IMAGES).write_bytes(content[:-100])
    sentence = refused(3, "train", idx_folder)
    assert IMAGES in sentence
    assert "declares 8,640" in sentence


def test_labels_where_pictures_should_be(refused, idx_folder: Path) -> None:
    shutil.copy(idx_folder / LABELS, idx_folder / IMAGES)
    assert IMAGES in refused(3, "train", idx_folder)


def test_numbers_of_pictures_and_labels_that_differ(refused, idx_folder: Path) -> None:
    shutil.copy(idx_folder / "t10k-labels-idx1-ubyte", idx_folder / LABELS)
    sentence = refused(3, "train", idx_folder)
    assert "60" in sentence
    assert "20" in sentence


def test_a_layer_line_that_cannot_be_read(refused) -> None:
    sentence = refused(2, "train", "digits", "--layers", "flatten; dens 10")
    assert "line 2" in sentence
    assert "Did you mean 'dense'?" in sentence
    assert not Path("runs").exists() or not list(Path("runs").iterdir())


def test_a_layer_line_that_does_not_fit(refused) -> None:
    sentence = refused(2, "train", "digits", "--layers", "maxpool 2; maxpool 2; conv 8 5x5 valid")
    assert "line 3" in sentence
    assert "does not fit its input 2x2x1" in sentence


def test_an_unknown_preset(refused) -> None:
    assert "Did you mean 'mlp'?" in refused(2, "train", "digits", "--model", "mpl")


def test_an_unknown_option(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "digits", "--epoch", "3"]) == 2
    assert "--epochs" in capfd.readouterr().err


def test_an_unknown_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["trian", "digits"]) == 2
    assert "train" in capfd.readouterr().err


def test_an_unknown_recipe_key(refused, tmp_path: Path) -> None:
    assert "'training.epochs'?" in refused(2, "train", "digits", "--set", "training.epoch=3")
    (tmp_path / "recipe.toml").write_text("seed = 1\n[training]\nlearningrate = 0.1\n")
    assert "'training.learning_rate'?" in refused(2, "train", "digits", "--recipe", "recipe.toml")


def test_a_recipe_value_that_does_not_fit(refused) -> None:
    sentence = refused(2, "train", "digits", "--set", "training.learning_rate=fast")
    assert "training.learning_rate" in sentence
    assert "'fast'" in sentence


def test_a_recipe_that_is_no_toml(refused, tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("learning rate: 0.1")
    assert "recipe.toml is not valid TOML" in refused(2, "train", "digits", "--recipe", "recipe.toml")


def test_nothing_to_train_on(refused) -> None:
    assert "data.source" in refused(2, "train")


def test_a_run_folder_that_is_none(refused, tmp_path: Path) -> None:
    for command in ("resume", "evaluate"):
        assert "not a run folder" in refused(3, command, tmp_path)
        assert "it does not exist" in refused(3, command, tmp_path / "nowhere")


def test_a_run_of_another_version(refused, trained: Path) -> None:
    record = json.loads((trained / "run.json").read_text())
    (trained / "run.json").write_text(json.dumps(record | {"format": 99}))
    for command in ("resume", "evaluate"):
        sentence = refused(3, command, trained)
        assert "format 99" in sentence
        assert "reads format" in sentence


@pytest.mark.parametrize("name", ["run.json", "recipe.toml", "classifier.safetensors"])
def test_a_run_with_a_damaged_file(refused, trained: Path, name: str) -> None:
    content = (trained / name).read_bytes()
    (trained / name).write_bytes(content[: len(content) // 2])
    sentence = refused(3, "evaluate", trained)
    assert name in sentence
    assert "damaged" in sentence


def test_a_classifier_with_one_changed_bit(refused, trained: Path, tmp_path: Path) -> None:
    path = trained / "classifier.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    Image.new("L", (12, 12)).save("one.png")
    assert "SHA-256" in refused(3, "predict", trained, "one.png")


def test_a_run_without_a_classifier_yet(refused, trained: Path) -> None:
    (trained / "classifier.safetensors").unlink()
    assert "Train again with: picturewise train --recipe" in refused(3, "evaluate", trained)
    for name in ("history.csv", "run.json"):
        content = (trained / name).read_text()
        (trained / name).write_text(
            content.replace('"finished"', '"interrupted"').partition("1,")[0]
            if name == "history.csv"
            else content.replace('"finished"', '"interrupted"')
        )
    assert "picturewise resume" in refused(3, "evaluate", trained)


def test_a_picture_that_does_not_exist(refused, trained: Path) -> None:
    assert "'nowhere.png' is neither an existing path nor a catalogue name" in refused(
        3, "predict", trained, "nowhere.png"
    )


def test_a_bad_picture_among_good_ones(refused, trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Image.new("RGBA", (50, 20)).save("good.png")
    Path("bad.png").write_bytes(b"bad")
    assert "None of the 1 files" in refused(3, "predict", trained, "bad.png", "--csv", "out.csv")
    assert Path("out.csv").read_text().splitlines()[1].startswith('bad.png,,,"not a supported picture')
    capfd.readouterr()
    for options in ([], ["--skip-bad"]):
        assert run(["predict", str(trained), "bad.png", "good.png", "--json", *options]) == 1
        said = capfd.readouterr()
        bad, good = json.loads(said.out)["predictions"]
        assert (bad["file"], good["file"]) == ("bad.png", "good.png")
        assert bad.keys() == {"file", "error"}
        assert "left out  bad.png: not a supported picture" in said.err


def test_an_output_folder_that_is_taken(refused, trained: Path, idx_folder: Path) -> None:
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    sentence = refused(2, "train", idx_folder, "--out", trained)
    assert "already exists and is not empty. Choose another --out" in sentence
    assert {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()} == before


def test_data_that_changed_since_the_run_began(refused, trained: Path, idx_folder: Path) -> None:
    record = json.loads((trained / "run.json").read_text())
    (trained / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    content = bytearray((idx_folder / IMAGES).read_bytes())
    content[-1] ^= 1
    (idx_folder / IMAGES).write_bytes(content)
    sentence = refused(3, "resume", trained)
    assert "SHA-256" in sentence
    assert "train" in sentence


def test_runs_evaluated_on_different_pictures_are_not_compared(
    refused, trained: Path, idx_folder: Path
) -> None:
    assert run(["train", "digits", "--layers", "flatten", "--epochs", "1", "--out", "other", "--json"]) == 0
    assert "different test pictures" in refused(2, "compare", trained, "other").replace("\n", " ")


def test_one_run_is_no_comparison(refused, trained: Path) -> None:
    assert "at least two" in refused(2, "compare", trained)
    assert "twice" in refused(2, "compare", trained, trained)


def test_classes_that_the_classifier_does_not_know(refused, trained: Path, picture_folder: Path) -> None:
    assert "was not trained on: blue, red" in refused(3, "evaluate", trained, "--data", picture_folder)


def test_a_learning_rate_that_is_too_high(refused, idx_folder: Path) -> None:
    layers = "flatten; dense 8 relu; dense 8 relu"
    options = ["--set", "training.optimizer=sgd", "--set", "training.learning_rate=1e30", "--epochs", 3]
    sentence = refused(1, "train", idx_folder, "--layers", layers, *options, "--out", "run", "--json")
    assert "in fold 1, epoch 1, batch " in sentence
    assert "learning rate" in sentence
    assert json.loads(Path("run/run.json").read_text())["status"] == "diverged"


def test_a_size_that_is_none(refused) -> None:
    assert "'32by32'" in refused(2, "inspect", "digits", "--size", "32by32")


def test_flips_of_digits_are_left_out_with_a_note(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "train",
        "digits",
        "--layers",
        "flatten",
        "--epochs",
        "1",
        "--augment",
        "flip; shift 1",
        "--out",
        "run",
    ]
    assert run(arguments) == 0
    said = capfd.readouterr().err
    assert "'flip' was left out" in said
    assert "augment   shift 1\n" in said


def test_output_among_the_pictures(refused, picture_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(picture_folder.rglob("*"))
    assert "inside the folder of the pictures" in refused(
        2, "inspect", picture_folder, "--out", picture_folder / "red"
    )
    assert "inside the folder of the pictures" in refused(
        2, "train", picture_folder, "--out", picture_folder / "run"
    )
    monkeypatch.chdir(picture_folder)
    assert "inside the folder of the pictures" in refused(2, "train", ".")
    assert sorted(picture_folder.rglob("*")) == before


def test_a_comparison_does_not_overwrite_a_run(refused, idx_folder: Path, trained: Path) -> None:
    assert (
        run(["train", str(idx_folder), "--model", "mlp 2", "--epochs", "1", "--out", "other", "--json"]) == 0
    )
    assert "would be overwritten" in refused(2, "compare", trained, "other", "--out", trained)


def test_pictures_that_moved(
    refused, idx_folder: Path, trained: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    idx_folder.rename("elsewhere")
    sentence = refused(3, "evaluate", trained)
    assert "which no longer exists. Pass the new location" in sentence
    assert "--data" in sentence
    assert run(["evaluate", str(trained), "--data", "elsewhere", "--json"]) == 0
    assert json.loads((trained / "evaluation.json").read_text())["evaluation"]["pictures"] == 20
    capfd.readouterr()
    Path("elsewhere", IMAGES).write_bytes(Path("elsewhere", IMAGES).read_bytes()[:-1] + b"x")
    record = json.loads((trained / "run.json").read_text())
    (trained / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    assert "SHA-256 differs" in refused(3, "resume", trained, "--data", "elsewhere")


def test_a_recipe_cut_at_a_line(refused, trained: Path) -> None:
    text = (trained / "recipe.toml").read_text()
    (trained / "recipe.toml").write_text(text.partition("[preparation]")[0])
    assert "recipe.toml is damaged" in refused(3, "resume", trained)


def test_a_history_that_is_gone(refused, trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (trained / "history.csv").unlink()
    assert run(["resume", str(trained)]) == 3
    assert "history.csv is missing" in capfd.readouterr().err


def test_a_size_beyond_what_is_meant(refused) -> None:
    assert "size" in refused(2, "inspect", "digits", "--size", "99999")


def test_a_preset_that_looks_like_a_path(refused) -> None:
    assert "Unknown network" in refused(2, "train", "digits", "--model", "mlp/256")
    assert not Path("runs").exists()


def test_a_blank_name(refused) -> None:
    assert "neither an existing path" in refused(3, "inspect", "")


def test_an_output_that_cannot_be_written() -> None:
    code = "from picturewise.cli.app import run; raise SystemExit(run(['inspect', 'digits', '--json']))"
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "Traceback" not in found.stderr
    assert found.returncode == 1


def test_a_terminal_without_unicode() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "picturewise", "inspect", "digits"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr


def test_a_digit_struct_that_does_not_fit_the_pictures(refused, tmp_path: Path) -> None:
    root = write_format_1(tmp_path / "svhn", {"train": NUMBERS})
    (root / "train" / "3.png").unlink()
    sentence = refused(3, "inspect", root)
    assert "1 of 8 are missing, the first is train/3.png" in sentence


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("9" * 65, "has 65 symbols, but at most 64 are allowed"),
        ("", "1 of 24 lines does not have a label"),
        ("1 2", "contains a space"),
        ("illegible", "mixes numbers and classes"),
    ],
)
def test_a_number_that_cannot_be_read(refused, tmp_path: Path, number: str, said: str) -> None:
    root = write_list(tmp_path / "numbers", {"train": NUMBERS * 3})
    path = root / "train.csv"
    path.write_text(path.read_text().replace("train/000.png,7", f"train/000.png,{number}"))
    assert said in refused(3, "inspect", root, "--target", "sequence")


def test_numbers_that_could_be_classes(refused, tmp_path: Path) -> None:
    root = write_list(tmp_path / "numbers", {"train": [str(number) for number in range(201)]})
    sentence = refused(3, "inspect", root)
    assert "--target sequence" in sentence
    assert "--target class" in sentence


def test_a_symbol_that_only_the_test_pictures_have(refused, tmp_path: Path) -> None:
    root = write_list(tmp_path / "numbers", {"train": NUMBERS * 3, "test": NUMBERS})
    path = root / "test.csv"
    path.write_text(path.read_text().replace("1900", "19x0"))
    sentence = refused(3, "inspect", root, "--target", "sequence")
    assert "(test): the label '19x0' of test/004.png contains 'x'" in sentence
