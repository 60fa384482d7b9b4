"""`picturewise predict` as people use it: many files, tables, JSON lines, sorted folders, standard input."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import picturewise
from picturewise.cli.app import run
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation
from picturewise.types import Skipped

pytestmark = pytest.mark.slow  # small, but many

LINES = ("flatten",)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier that says `bright` the more surely, the brighter a picture is, in plain layer lines."""
    weights = {
        "1.weight": np.repeat([[-1.0], [1.0]], 4, axis=1).astype(np.float32),
        "1.bias": np.zeros(2, np.float32),
    }
    from picturewise.architectures.lines import parse
    from picturewise.networks.builder import build

    network = build(parse(LINES), (2, 2, 1), "dense 2", seed=0)
    names = list(network.state_dict())
    import torch

    network.load_state_dict(
        {name: torch.from_numpy(array) for name, array in zip(names, weights.values(), strict=True)}
    )
    path = tmp_path_factory.mktemp("classifier") / "it.safetensors"
    description = Description(
        layers=LINES,
        shape=(2, 2, 1),
        resize="crop",
        classes=("dark", "bright"),
        preparation=Preparation(mean=(127.5,), std=(127.5,)),
        provenance={"picturewise": "0.1.0", "dataset": "shades"},
    )
    Classifier(network, description).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two dark pictures, two bright ones and a grey one in folders, a file that is none, and a text."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"a/1": 0, "a/2": 250, "b/deep/1": 255, "b/1": 5, "grey": 130}.items():
        path = Path("photos", f"{name}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (5, 4), value).save(path)
    Path("photos/b/bad.jpg").write_bytes(b"bad")
    Path("photos/notes.txt").write_text("x")
    return Path("photos")


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [*csv.DictReader(file)]


EXPECTED = [
    ("photos/a/1.png", "dark"),
    ("photos/a/2.png", "bright"),
    ("photos/b/1.png", "dark"),
    ("photos/b/bad.jpg", ""),
    ("photos/b/deep/1.png", "bright"),
    ("photos/grey.png", "bright"),
]


def test_everything_below_a_folder_in_every_form_at_once(
    classifier: Path, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--csv",
        "a.csv",
        "--kaggle",
        "k.csv",
        "--sort-into",
        "out",
        "--min-confidence",
        "0.9",
        "--jsonl",
    ]
    assert run(["predict", str(classifier), "photos", "--recursive", *options]) == 1
    said = capfd.readouterr()
    table = rows_of("a.csv")
    assert [(row["path"], row["label"]) for row in table] == EXPECTED
    assert [row["unsure"] for row in table] == ["false", "false", "false", "", "false", "true"]
    assert [bool(row["error"]) for row in table] == [not label for _, label in EXPECTED]
    assert [tuple(row.values()) for row in rows_of("k.csv")] == [(Path(a).name, b) for a, b in EXPECTED]
    objects = [json.loads(line) for line in said.out.splitlines()]
    assert [(one["file"], one.get("class", "")) for one in objects] == EXPECTED
    assert [one.get("unsure") for one in objects] == [False, False, False, None, False, True]
    assert objects[3].keys() == {"file", "error"}
    assert sorted(str(path) for path in Path("out").rglob("*.png")) == [
        *("out/bright/1.png", "out/bright/2.png", "out/dark/1-2.png", "out/dark/1.png", "out/unsure/grey.png"),
    ]  # fmt: skip
    assert said.err.splitlines()[-1].startswith("left out  photos/b/bad.jpg: not a supported picture")
    assert "photos/notes.txt was not used" in said.err
    assert sorted(path.name for path in Path().iterdir()) == ["a.csv", "k.csv", "out", "photos"]


def test_blocks_give_what_one_block_gives(
    classifier: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["predict", str(classifier), "photos", "--recursive", "--probabilities", "--csv"]
    assert run([*arguments, "whole.csv"]) == 1
    monkeypatch.setattr("picturewise.data.readers.loose_pictures._FIRST", 1)
    monkeypatch.setattr("picturewise.data.contract._MOST", 2)
    assert run([*arguments, "blocks.csv"]) == 1
    assert Path("whole.csv").read_text() == Path("blocks.csv").read_text()
    assert list(rows_of("whole.csv")[0]) == ["path", "label", "probability", "error", "p_dark", "p_bright"]


def test_deep_pictures_have_one_range_over_all_blocks(
    classifier: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("deep").mkdir()
    for name, value in {"1": 1000, "2": 4095, "3": 0, "4": 3000}.items():
        Image.fromarray(np.full((2, 2), value, np.uint16)).save(f"deep/{name}.png")
    assert run(["predict", str(classifier), "deep", "--csv", "whole.csv"]) == 0
    monkeypatch.setattr("picturewise.data.readers.loose_pictures._FIRST", 1)
    monkeypatch.setattr("picturewise.data.contract._MOST", 1)
    assert run(["predict", str(classifier), "deep", "--csv", "blocks.csv"]) == 0
    assert [row["label"] for row in rows_of("blocks.csv")] == ["dark", "bright", "dark", "bright"]
    assert Path("whole.csv").read_text() == Path("blocks.csv").read_text()
    assert capfd.readouterr().err.count("0..4095 (12 bits)") == 2
    assert run(["predict", str(classifier), "deep", "--csv", "said.csv", "--value-range", "0..65535"]) == 0
    assert {row["label"] for row in rows_of("said.csv")} == {"dark"}
    assert run(["predict", str(classifier), "photos/a", "--csv", "said.csv", "--value-range", "0..9"]) == 3
    assert "contains only 8-bit pictures" in capfd.readouterr().err


def test_json_says_which_classifier_it_was(
    classifier: Path, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", str(classifier), "photos/a/2.png", "--json", "--top", "1"]) == 0
    content = json.loads(capfd.readouterr().out)
    assert content["classifier"] == {
        "sha256": picturewise.load_classifier(classifier).weights_sha256,
        "version": "0.1.0",
        "dataset": "shades",
        "classes": ["dark", "bright"],
    }
    (found,) = content["predictions"]
    assert list(found) == ["file", "class", "probability", "probabilities"]
    assert found["probabilities"] == {"bright": found["probability"]}


def test_bars_mark_what_is_unsure(classifier: Path, photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["predict", str(classifier), "photos/grey.png", "photos/a/1.png", "--min-confidence", "0.9"]) == 0
    )
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("photos/grey.png: bright (")
    assert lines[0].endswith(" %, unsure)")
    assert lines[3].endswith(" %)")


class Piped:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    return lambda content: monkeypatch.setattr(sys, "stdin", Piped(content))


def test_a_picture_may_come_from_standard_input(
    classifier: Path, photos: Path, piped: Callable[[bytes], None], capfd: pytest.CaptureFixture[str]
) -> None:
    piped(Path("photos/a/2.png").read_bytes())
    assert run(["predict", str(classifier), "-", "--jsonl"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["file"], found["class"]) == ("standard input", "bright")
    piped(b"bad")
    assert run(["predict", str(classifier), "-", "--jsonl"]) == 3
    said = capfd.readouterr()
    assert json.loads(said.out)["error"].startswith("not a supported picture")
    assert "the first is standard input: not a supported picture" in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("photos/grey.png --recursive", 2, "--recursive applies to folders, but no folder was passed"),
        ("- --recursive", 2, "--recursive applies to folders, but the only path is -"),
        ("- photos", 2, "- stands for one picture on standard input, and cannot be combined"),
        ("-", 3, "Standard input is empty. Pass a picture file to it"),
        ("- --label-column x", 2, "--label-column does not apply to standard input"),
        ("photos --recursive --label-from (x)", 2, "--label-from does not apply to"),
        ("photos --min-confidence 1.5", 2, "--min-confidence is 1.5. Expected a probability from 0 to 1"),
        ("photos --min-confidence nan", 2, "--min-confidence is nan. Expected a probability"),
        ("photos --csv photos", 1, "photos is a folder. Pass the path of a file."),
        ("photos --csv a.csv --kaggle ./a.csv", 2, "--csv and --kaggle are both a.csv"),
        ("photos --probabilities", 2, "--probabilities adds columns to the table of --csv"),
        ("photos --link", 2, "--link applies to --sort-into"),
        ("photos --json --jsonl", 2, "--json and --jsonl cannot be combined"),
        (
            "photos --sort-into photos/out --csv a.csv",
            2,
            "photos/out is in photos, whose pictures are to be sorted",
        ),
        ("photos --sort-into full --csv a.csv", 2, "full already exists and is not empty"),
        ("empty --recursive", 3, "empty and its subfolders do not contain pictures"),
        ("nowhere --recursive", 3, "'nowhere' is neither an existing path"),
        (
            "one",
            3,
            "To classify pictures without labels, pass one folder that contains them, or use --recursive",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence_and_leaves_nothing(
    classifier: Path,
    photos: Path,
    piped: Callable[[bytes], None],
    capfd: pytest.CaptureFixture[str],
    arguments: str,
    code: int,
    sentence: str,
) -> None:
    piped(b"")
    Path("full/x").mkdir(parents=True)
    Path("empty/x").mkdir(parents=True)
    for name in ("color/a", "color/b", "grayscale/a", "grayscale/b"):  # two versions of one set
        Path("one", name).mkdir(parents=True)
        Image.new("L", (4, 4)).save(f"one/{name}/1.png")
    before = sorted(Path().rglob("*"))
    assert run(["predict", str(classifier), *arguments.split()]) == code
    said = capfd.readouterr()
    assert sentence in said.err
    assert said.out == ""
    assert sorted(Path().rglob("*")) == before


def test_what_was_done_before_an_interrupt_is_kept_and_told(
    classifier: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from picturewise.tasks import predicting

    real, calls = predicting.predicted_block, []

    def interrupted(*arguments: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(predicting, "predicted_block", interrupted)
    monkeypatch.setattr("picturewise.data.readers.loose_pictures._FIRST", 2)
    Path("a.csv").write_text("old")
    arguments = ["photos", "--recursive", "--csv", "a.csv", "--sort-into", "out"]
    assert run(["predict", str(classifier), *arguments]) == 130
    assert capfd.readouterr().err == (
        "picturewise: Stopped by Ctrl-C. The first 2 pictures are sorted into out. The first 2 rows are in "
        "a.unfinished.csv.\n"
    )
    assert [row["path"] for row in rows_of("a.unfinished.csv")] == [path for path, _ in EXPECTED[:2]]
    assert Path("a.csv").read_text() == "old"


def test_a_full_disk_is_one_sentence(
    classifier: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    monkeypatch.setattr("picturewise.data.readers.loose_pictures._FIRST", 2)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150, hard))
        assert run(["predict", str(classifier), "photos", "--recursive", "--csv", "a.csv"]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert capsys.readouterr().err == (
        "picturewise: No space left while saving a.csv; files saved earlier are unchanged. Free some space and "
        "continue. The first 2 rows are in a.unfinished.csv.\n"
    )
    assert [row["path"] for row in rows_of("a.unfinished.csv")] == [path for path, _ in EXPECTED[:2]]


def test_left_out_files_are_counted_and_only_the_first_are_named(
    classifier: Path, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number in range(7):
        Path(f"photos/{number}.jpg").write_bytes(b"bad")
    assert run(["predict", str(classifier), "photos", "--csv", "a.csv"]) == 1
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "left out  10 files and folders in total; a.csv lists the files that cannot be read"
    assert len(rows_of("a.csv")) == 9  # the text, too, because it is directly in the folder


def test_python_has_the_same_options_and_can_stream(classifier: Path, photos: Path) -> None:
    found = [*picturewise.predict_each(classifier, "photos", recursive=True)]
    assert [
        (one.path, "") if isinstance(one, Skipped) else (one.name, one.label) for one in found
    ] == EXPECTED
    with pytest.raises(picturewise.DataError, match="1 of 6 files cannot be read as pictures"):
        picturewise.predict(classifier, "photos", recursive=True, csv="a.csv")
    assert not Path("a.csv").exists()
    predictions, skipped = picturewise.predict(
        classifier, ["photos"], recursive=True, skip_bad=True, csv="a.csv", top=2, kaggle="k.csv", sort_into="out",
        link=True, min_confidence=0.9,
    )  # fmt: skip
    assert [one.name for one in predictions] == [path for path, label in EXPECTED if label]
    assert [one.path for one in skipped] == ["photos/b/bad.jpg"]
    assert rows_of("a.csv")[0]["label_2"] == "bright"
    assert Path("out/unsure/grey.png").is_symlink()
    assert Path("out/unsure/grey.png").read_bytes() == Path("photos/grey.png").read_bytes()
    with pytest.raises(picturewise.UsageError, match="--top is 0"):
        picturewise.predict(classifier, "photos", top=0)


def test_labelled_folders_have_full_paths_and_can_be_sorted(classifier: Path, photos: Path) -> None:
    for name in ("photos/grey.png", "photos/notes.txt", "photos/b/bad.jpg", "photos/b/deep/1.png"):
        Path(name).unlink()
    assert run(["predict", str(classifier), "photos", "--csv", "a.csv", "--sort-into", "out"]) == 0
    place = Path("photos").absolute()
    assert [row["path"] for row in rows_of("a.csv")] == [
        f"{place}/{name}.png" for name in ("a/1", "a/2", "b/1")
    ]
    assert sorted(str(path) for path in Path("out").rglob("*.png")) == [
        "out/bright/2.png",
        "out/dark/1-2.png",
        "out/dark/1.png",
    ]
