"""Locales, streams and places as they are on other people's machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import picturewise
from picturewise.cli.app import run

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
CLASSES = ("Rosé 猫", "Ünï [x] (y)")
TRAIN = ["--layers", "flatten", "--epochs", "1", "--out"]
POSIX_ONLY = pytest.mark.skipif(
    sys.platform != "linux", reason="other systems do not take any bytes as a name"
)


def make_pictures(folder: bytes) -> None:
    """Make a folder per class, with names of the file system that are given as bytes."""
    random = np.random.default_rng(0)
    for name, low in zip(CLASSES, (0, 120), strict=True):
        place = folder + b"/" + name.encode()
        os.makedirs(place)  # noqa: PTH103 (a name in bytes)
        for number in range(12):
            picture = random.integers(low, low + 100, (8, 8), np.uint8)
            with open(place + f"/a b {number} ñ.png".encode(), "wb") as file:  # noqa: PTH123 (the same)
                Image.fromarray(picture).save(file, "png")


def command(
    *arguments: str | bytes, shell: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run `picturewise` in a process of its own, its output as bytes; `shell` stands behind it in a shell's line."""
    base = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    program = [sys.executable, "-m", "picturewise", *arguments]
    if shell:
        program = ["bash", "-c", f'"$@" {shell}', "bash", *program]
    return subprocess.run(program, capture_output=True, env=base | environment, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of non-ASCII names, and the run `ascii`, trained in an ASCII locale."""
    folder = tmp_path_factory.mktemp("locales")
    make_pictures(os.fsencode(folder / "pictures"))
    found = command(
        "train", str(folder / "pictures"), *TRAIN, str(folder / "ascii"),
        PICTUREWISE_HOME=str(folder / "home"), **ASCII,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return folder


@pytest.mark.slow
def test_a_run_of_an_ascii_locale_is_the_same_in_utf8(trained: Path, tmp_path: Path) -> None:
    other = picturewise.train(
        trained / "pictures", layers="flatten", epochs=1, out=tmp_path / "utf8", progress=False
    )
    assert other.record.data.classes == CLASSES
    assert (trained / "ascii" / "splits.csv").read_bytes() == (tmp_path / "utf8" / "splits.csv").read_bytes()
    assert (trained / "ascii" / "recipe.toml").read_bytes() == (
        tmp_path / "utf8" / "recipe.toml"
    ).read_bytes()
    for name in ("run.json", "history.csv", "report.html", "splits.csv"):
        (trained / "ascii" / name).read_bytes().decode("utf-8")
    assert picturewise.evaluate(trained / "ascii", progress=False).classes == CLASSES
    found = command("evaluate", str(tmp_path / "utf8"), "--json", PICTUREWISE_HOME=str(tmp_path), **ASCII)
    assert found.returncode == 0, found.stderr
    assert tuple(json.loads(found.stdout.decode("ascii"))["classes"]) == CLASSES


@pytest.mark.slow
def test_json_is_exact_in_an_ascii_locale(trained: Path, capfd: pytest.CaptureFixture[str]) -> None:
    picture = f"{trained}/pictures/{CLASSES[0]}/a b 3 ñ.png"
    found = command("predict", str(trained / "ascii"), picture, "--json", **ASCII)
    assert run(["predict", str(trained / "ascii"), picture, "--json"]) == 0
    printed = [json.loads(text) for text in (found.stdout.decode("ascii"), capfd.readouterr().out)]
    commands = [one.pop("provenance")["command"] for one in printed]
    assert commands[0] == commands[1]
    assert printed[0] == printed[1]
    assert json.loads(found.stdout)["predictions"][0]["file"] == picture
    shown = command("predict", str(trained / "ascii"), picture, **ASCII)
    assert shown.returncode == 0
    assert b"Ros? ?" in shown.stdout
    assert b"udc" not in shown.stdout


@pytest.mark.slow
def test_a_list_names_its_pictures_in_utf8_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "set" / "images").mkdir(parents=True)
    names = [f"{shade} ñ猫.png" for shade in range(12)]
    for shade, name in enumerate(names):
        Image.new("L", (8, 8), shade).save(tmp_path / "set" / "images" / name)
    rows = [f"{name},{'Rosé' if shade % 2 else 'Öl'}" for shade, name in enumerate(names)]
    (tmp_path / "set" / "labels.csv").write_text("\n".join(["file,label", *rows]), encoding="utf-8")
    script = (
        "import sys, picturewise; found = picturewise.read_dataset(sys.argv[1]).train;"
        "print(ascii((found.classes, len(found), found.names[0])))"
    )
    found = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "set")],
        env=os.environ | ASCII | {"PICTUREWISE_HOME": str(tmp_path / "home")},
        capture_output=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(ascii((("Rosé", "Öl"),))[:-2].encode()), found.stdout


@POSIX_ONLY
@pytest.mark.slow
def test_a_folder_whose_name_is_no_utf8_can_be_trained_on_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_pictures(b"caf\xe9\x1b[31m")
    name = os.fsdecode(b"caf\xe9\x1b[31m")
    assert run(["train", name, *TRAIN, "run"]) == 0
    assert run(["evaluate", "run"]) == 0
    assert run(["inspect", name, "--json"]) == 0
    said = capfd.readouterr()
    assert "\x1b" not in said.err
    assert json.loads(said.out[said.out.index("\n{") :])["source"].endswith("/caf\\udce9\x1b[31m")
    for path in Path("run").rglob("*"):
        if path.suffix in {".csv", ".json", ".toml", ".html"}:
            path.read_bytes().decode("utf-8")
    found = command("evaluate", "run", PICTUREWISE_HOME=str(tmp_path / "home"), **ASCII)
    assert found.returncode == 0, found.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        ("2>&-", 0, b""),
        ("2>/dev/full", 0, b""),
        (">&-", 1, b"picturewise: The output could not be written: standard output is closed.\n"),
        (">/dev/full", 1, b"picturewise: The output could not be written: No space left on device.\n"),
        (">&- 2>&-", 1, b""),
        ("<&-", 0, b""),
    ],
)
def test_training_and_prediction_with_streams_that_are_not_there(
    trained: Path, tmp_path: Path, shell: str, code: int, said: bytes
) -> None:
    found = command(
        "predict", str(trained / "ascii"), str(trained / "pictures"), "--split", "train", shell=shell
    )
    assert (found.returncode, found.stderr) == (code, said)
    if shell in {"2>&-", ">&- 2>&-"}:
        found = command("train", str(trained / "pictures"), *TRAIN, str(tmp_path / "run"), shell=shell)
        assert (found.returncode, found.stderr) == (code, said)
        assert picturewise.open_run(tmp_path / "run").record.status == "finished"


@pytest.mark.slow
def test_a_reader_that_goes_away_gets_no_complaint(trained: Path, tmp_path: Path) -> None:
    found = command(
        "train", str(trained / "pictures"), *TRAIN, str(tmp_path / "run"),
        shell='| head -1 | grep -c .; exit "${PIPESTATUS[0]}"',
    )  # fmt: skip
    assert found.returncode in {0, 1}, found.stderr
    assert found.stdout == b"1\n"
    assert b"Traceback" not in found.stderr
    assert b"Broken pipe" not in found.stderr
    assert picturewise.open_run(tmp_path / "run").record.status == "finished"


@pytest.mark.parametrize("stream", [None, "closed", "no fileno"])
def test_python_code_without_a_standard_error_output(
    idx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str | None
) -> None:
    import io

    class Captured(io.StringIO):
        def fileno(self) -> int:
            raise io.UnsupportedOperation("fileno")

    text = Captured()
    if stream == "closed":
        text.close()
    monkeypatch.chdir(tmp_path)
    for name in ("stderr", "stdout"):
        monkeypatch.setattr(sys, name, None if stream is None else text)
    trained = picturewise.train(idx_folder, layers="flatten", epochs=1, out="run")
    assert picturewise.evaluate(trained).pictures == 20
    assert picturewise.inspect(idx_folder, out="figures").name == "bars"
    if stream == "no fileno":
        assert "epoch 1/1" in text.getvalue()
