"""Each command as a user types it: what it prints, writes and returns."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from drawn_numbers import NUMBERS, write_list
from PIL import Image

import picturewise
from picturewise.cli.app import run


@pytest.fixture(autouse=True)
def _working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(*arguments: object) -> int:
    return run(["train", *map(str, arguments), "--out", "run", "--epochs", "2"])


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from picturewise.cli.app import run; run(['--help']); "
        "print([m for m in ('torch', 'numpy', 'pydantic', 'matplotlib', 'PIL', 'requests') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_training_begins_without_what_draws() -> None:
    code = (
        "import sys, picturewise.tasks.find_rate, picturewise.training.start; "
        "print('matplotlib' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_the_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capfd.readouterr().out.startswith("picturewise 0.")


def test_every_command_has_help(capfd: pytest.CaptureFixture[str]) -> None:
    for command in (
        "inspect",
        "summary",
        "train",
        "resume",
        "extend",
        "evaluate",
        "predict",
        "compare",
        "demo",
        "data",
    ):
        assert run([command, "--help"]) == 0
        assert "Usage: picturewise " + command in capfd.readouterr().out


def test_the_help_of_train_names_every_preset_and_every_layer(capfd: pytest.CaptureFixture[str]) -> None:
    from picturewise.architectures.lines import _KINDS
    from picturewise.architectures.named import NETWORKS

    assert run(["train", "--help"]) == 0
    said = set(re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)*", capfd.readouterr().out))
    assert {*NETWORKS, *_KINDS} - said == set()


@pytest.mark.slow
@pytest.mark.usefixtures("drawn_figures")
def test_inspect_prints_counts_and_draws(
    picture_folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("picturewise.reporting.figures.look.DPI", 150)  # as users see them
    assert run(["inspect", str(picture_folder)]) == 0
    said = capfd.readouterr().out
    assert "2 classes, pictures of 16x16, colour (3 channels)" in said
    for name in ("counts", "samples", "samples-grey", "classes"):
        with Image.open(f"inspect-colours/{name}.png") as figure:
            assert min(figure.size) > 100


@pytest.mark.slow
def test_inspect_never_writes_into_the_users_folder(picture_folder: Path) -> None:
    before = sorted(picture_folder.rglob("*"))
    assert run(["inspect", str(picture_folder)]) == 0
    assert train(picture_folder, "--layers", "flatten") == 0
    assert sorted(picture_folder.rglob("*")) == before


def test_inspect_as_json(idx_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(idx_folder), "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["height"], found["width"], found["channels"]) == (12, 12, 1)
    assert found["splits"]["test"]["counts"] == {"0": 10, "1": 10}


def test_inspect_prints_lengths_and_symbols_of_numbers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_list(tmp_path / "numbers", {"train": NUMBERS * 3, "test": ("10", "7", "12345")})
    assert run(["inspect", "numbers", "--target", "sequence", "--resize", "pad"]) == 0
    said = capfd.readouterr().out
    assert " ".join(said.split()).startswith(
        "numbers: numbers of up to 4 symbols (0123456789), pictures of 32x88, colour (3 channels)"
    )
    table = [line.split() for line in said.splitlines()]
    assert ["length", "train", "valid", "test"] in table
    assert ["over", "4", "0", "0", "1"] in table
    assert ["all", "18", "6", "3"] in table
    assert ["symbol", "train", "valid", "test"] in table
    assert [row[-1] for row in table if row[0] == "1" and len(row) == 4] == [
        "1",
        "2",
    ]  # of length 1, and the digit 1
    assert "(resize: pad)" in said
    assert "1 number has more than 4 symbols" in " ".join(said.split())


@pytest.mark.usefixtures("drawn_figures")
def test_inspect_draws_augmented_pictures(idx_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", str(idx_folder), "--augment", "contrast; shift 1; flip"]) == 0
    said = capfd.readouterr().out
    assert "'flip' was left out" in said
    assert f"figure  {Path('inspect-bars/augmented.png')}\n" in said
    with Image.open("inspect-bars/augmented.png") as figure:
        assert figure.width > 100
    assert run(["inspect", str(idx_folder), "--augment", "hue"]) == 2
    assert "'hue 15' is for colour pictures" in capfd.readouterr().err


def test_skipped_files_are_findings(picture_folder: Path) -> None:
    (picture_folder / "red" / "bad.png").write_bytes(b"bad")
    assert run(["inspect", str(picture_folder), "--skip-bad"]) == 1


def test_train_prints_the_network_and_says_where_the_run_lies(
    idx_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(idx_folder, "--layers", "flatten; dense 4 relu") == 0
    said = capfd.readouterr()
    assert "dense 4 relu" in said.err  # with the progress: the standard output has the results alone
    assert "590 parameters\n" in said.err
    assert [line.split()[:2] for line in said.err.splitlines()[-2:]] == [["epoch", "1/2"], ["epoch", "2/2"]]
    assert said.out.startswith("last epoch ")
    assert "next    picturewise evaluate run" in said.out
    for name in ("recipe.toml", "run.json", "history.csv", "classifier.safetensors", "report.html"):
        assert Path("run", name).exists()


@pytest.mark.slow
def test_the_summary_of_the_published_network(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("0", "1"):
        Path("pictures", name).mkdir(parents=True)
        for number in range(10):
            Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(f"pictures/{name}/{number}.png")
    for name in range(2, 10):
        Path("pictures", str(name)).mkdir()
        for number in range(3):
            Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(f"pictures/{name}/{number}.png")
    assert train("pictures", "--layers", "flatten; dense 512 relu; dense 512 relu") == 0
    assert "669,706 parameters\n" in capfd.readouterr().err


@pytest.mark.slow
def test_default_runs_are_numbered(idx_folder: Path) -> None:
    for _ in range(2):
        assert run(["train", str(idx_folder), "--model", "mlp 4", "--epochs", "1", "--json"]) == 0
    assert sorted(path.name for path in Path("runs").iterdir()) == ["bars-mlp-4-1", "bars-mlp-4-2"]


@pytest.mark.slow
def test_a_run_can_be_repeated_from_its_recipe(idx_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert train(idx_folder, "--model", "mlp 8", "--seed", 3, "--augment", "shift 1", "--json") == 0
    first = json.loads(capfd.readouterr().out)
    assert run(["train", "--recipe", "run/recipe.toml", "--out", "again", "--json"]) == 0
    again = json.loads(capfd.readouterr().out)
    assert first["final_weights_sha256"] == again["final_weights_sha256"]
    assert (
        Path("run/classifier.safetensors").read_bytes() == Path("again/classifier.safetensors").read_bytes()
    )


@pytest.mark.slow
def test_training_does_not_open_the_test_pictures(
    idx_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(idx_folder, "--model", "mlp 8", "--json") == 0
    whole = json.loads(capfd.readouterr().out)
    for path in idx_folder.glob("t10k*"):
        path.write_bytes(path.read_bytes()[:16] + bytes(5))
    assert (
        run(["train", str(idx_folder), "--model", "mlp 8", "--epochs", "2", "--out", "blind", "--json"]) == 0
    )
    assert json.loads(capfd.readouterr().out)["final_weights_sha256"] == whole["final_weights_sha256"]


@pytest.mark.slow
def test_evaluate_and_its_check(idx_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["train", str(idx_folder), "--epochs", "12", "--out", "run", "--json"]) == 0
    assert run(["evaluate", "run", "--at-least", "0.5"]) == 0
    assert "accuracy           100.00 % (83.89–100.00)" in capfd.readouterr().out
    assert run(["evaluate", "run", "--at-least", "0.9"]) == 1
    assert "lower end of the accuracy interval is 0.8389" in capfd.readouterr().err
    for name in ("evaluation.json", "probabilities.npy", "figures/confusion.png", "figures/predictions.png"):
        assert Path("run", name).exists()


def test_evaluate_on_other_pictures_leaves_the_run_alone(
    idx_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(idx_folder, "--json") == 0
    capfd.readouterr()
    before = sorted(Path("run").rglob("*"))
    pictures = idx_folder / "train-images-idx3-ubyte"
    pictures.write_bytes(pictures.read_bytes()[:-1] + b"x")
    assert run(["evaluate", "run", "--data", str(idx_folder), "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["pictures"] == 20
    assert sorted(Path("run").rglob("*")) == before


def test_predict_prints_bars_for_a_picture_of_any_size_and_mode(
    idx_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(idx_folder, "--json") == 0
    Image.new("CMYK", (40, 30), (0, 200, 0, 0)).save("colour.jpg")
    assert run(["predict", "run", "colour.jpg"]) == 0
    lines = capfd.readouterr().out.splitlines()[-3:]
    assert lines[0].startswith("colour.jpg: ")
    assert [line.split()[0] for line in lines[1:]] == ["0", "1"]
    assert all(line.endswith("%") for line in lines[1:])


def test_predict_writes_a_submission_for_a_csv_file_of_pixels(
    idx_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(idx_folder, "--json") == 0
    rows = [",".join(f"pixel{number}" for number in range(144)), *[",".join(["9"] * 144)] * 3]
    Path("test.csv").write_text("\n".join(rows))
    capfd.readouterr()
    assert run(["predict", "run", "test.csv", "--kaggle", "out/submission.csv"]) == 0
    assert capfd.readouterr().out == "3 predictions written to out/submission.csv\n"
    lines = Path("out/submission.csv").read_text().splitlines()
    assert lines[0] == "ImageId,Label"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3"]
    assert {line.split(",")[1] for line in lines[1:]} <= {"0", "1"}


def test_predict_as_json_gives_probabilities_that_sum_to_one(
    idx_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(idx_folder, "--json") == 0
    Image.new("L", (12, 12)).save("one.png")
    capfd.readouterr()
    assert run(["predict", "run/classifier.safetensors", "one.png", "--json"]) == 0
    content = json.loads(capfd.readouterr().out)
    known = picturewise.load_classifier("run/classifier.safetensors")
    assert content["classifier"] == {
        "sha256": known.weights_sha256,
        "version": picturewise.__version__,
        "dataset": "bars",
        "classes": ["0", "1"],
    }
    (found,) = content["predictions"]
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert found["class"] == max(found["probabilities"], key=found["probabilities"].get)


@pytest.mark.slow
def test_compare_puts_runs_side_by_side(idx_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, model in (("one", "mlp 4"), ("two", "cnn")):
        assert (
            run(["train", str(idx_folder), "--model", model, "--epochs", "3", "--out", name, "--json"]) == 0
        )
    capfd.readouterr()
    assert run(["compare", "one", "two", "--out", "both"]) == 0
    said = capfd.readouterr().out
    assert "20 test pictures, the same for all" in said
    report = Path("both/report.html").read_text(encoding="utf-8")
    assert report.count("data:image/png;base64,") >= 4
    assert run(["compare", "one", "two", "--out", "both", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert [entry["name"] for entry in found["runs"]] == ["one", "two"]
    assert [entry["paired"] is None for entry in found["runs"]].count(True) == 1


def test_resume_of_a_finished_run_changes_nothing(
    idx_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train(idx_folder, "--json") == 0
    capfd.readouterr()
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    assert run(["resume", "run"]) == 0
    assert "already finished" in capfd.readouterr().out
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m picturewise --help | true"
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in found.stderr


@pytest.mark.slow
def test_a_live_line_is_drawn_on_a_terminal(idx_folder: Path) -> None:
    import pty

    mine, theirs = pty.openpty()
    arguments = ["train", str(idx_folder), "--model", "mlp 4", "--epochs", "3", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "picturewise", *arguments],
        stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )  # fmt: skip
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(mine, 65_536)
        except OSError:  # Linux' way of saying that the other end is closed
            break
        if not part:
            break
        said += part
    os.close(mine)
    assert process.wait() == 0
    text = said.decode()
    assert "epoch 3/3" in text
    assert "images/s" in text
    assert "batch" in text


@pytest.mark.slow
@pytest.mark.campaign
def test_the_demo_goes_the_whole_way_and_prints_the_path_of_its_report_last(
    capfd: pytest.CaptureFixture[str], whole_campaign: bool
) -> None:
    if not whole_campaign:
        pytest.skip("make demo does the same; make campaign has it")
    assert run(["demo", "--out", "shown"]) == 0
    lines = capfd.readouterr().out.splitlines()
    told = [line.split()[2] for line in lines if line.startswith("$ picturewise ")]
    assert told == ["inspect", "train", "evaluate", "train", "evaluate", "compare"]
    assert "$ picturewise compare shown/mlp shown/cnn" in lines
    report = Path("shown/report.html").resolve()
    assert lines[-1] == str(report)
    page = report.read_text(encoding="utf-8")
    assert "Random test pictures" in page
    assert "Learning curves" in page
    for name in ("mlp", "cnn"):
        assert (
            json.loads(Path(f"shown/{name}/evaluation.json").read_text())["evaluation"]["accuracy"]["value"]
            > 0.9
        )


@pytest.mark.slow
def test_a_study_is_listed_run_and_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", "list"]) == 0
    assert "mnist-dense" in capsys.readouterr().out
    assert run(["study", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[2]["name"] == "mnist-dense"
    Path("mine.toml").write_text(
        'title = "Mine"\nrecipe.data.source = "digits"\nrecipe.training.epochs = 1\n'
        '[[models]]\nname = "line"\nrecipe.model.layers = ["flatten"]\npublished = { accuracy = 0.5 }\n'
    )
    assert run(["study", "mine.toml"]) == 0
    out = capsys.readouterr().out
    assert "model line, seed 0: studies/mine/seed-0/line" in out
    assert "50.00 %" in out
    assert "report  studies/mine/report.html" in out
    assert run(["study", "mine.toml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"][0]["name"] == "line"
    assert run(["study", "mine.toml", "--data", "a=b", "--data", "c"]) == 2
    assert "'c' does not have the form SOURCE=PATH" in capsys.readouterr().err
