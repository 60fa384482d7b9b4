"""All pictures take one way: recognised once a command, then read by the one function that cuts and sizes them."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import numpy as np
import pytest

import picturewise
from picturewise.cli.app import run
from picturewise.data import recognise as recognise_file

pytestmark = pytest.mark.slow  # small, but many


SOURCES = Path(picturewise.__file__).parent


@pytest.fixture
def recognised(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is recognised from now on, for every caller."""
    seen: list[object] = []
    real = recognise_file.recognise

    def counting(data: object, **options: bool) -> object:
        seen.append(data)
        return real(data, **options)  # type: ignore[arg-type]

    for path in SOURCES.rglob("*.py"):
        if "recognise import" in path.read_text() or path.name == "recognise.py":
            module = ".".join(("picturewise", *path.relative_to(SOURCES).with_suffix("").parts))
            monkeypatch.setattr(f"{module}.recognise", counting, raising=False)
    return seen


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a folder of pictures without a test split of its own, and the folder beside it."""
    from PIL import Image

    folder, random = tmp_path_factory.mktemp("once"), np.random.default_rng(0)
    for name, shade in (("dark", 40), ("light", 200)):
        (folder / "shades" / name).mkdir(parents=True)
        for number in range(30):
            pixels = random.integers(shade - 30, shade + 30, (8, 8), np.uint8)
            Image.fromarray(pixels).save(folder / "shades" / name / f"{number}.png")
    picturewise.train(folder / "shades", model="mlp 4", epochs=1, out=folder / "run", progress=False)
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "inspect shades --out looked",
        "train shades --model 'mlp 4' --epochs 1 --out new",
        "train shades --model 'mlp 4' --find-learning-rate --out rate",
        "resume run",
        "evaluate run",
        "evaluate run --data shades",
        "evaluate run --data others",
        "evaluate run/classifier.safetensors --data others",
        "predict run others",
        "predict run others/dark/0.png others/dark/1.png",
        "extend run --layers 'dense 4 relu' --epochs 1 --out longer",
    ],
)
def test_a_source_is_recognised_once_a_command(
    command: str, bars: Path, tmp_path: Path, recognised: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    import shlex

    shutil.copytree(bars, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    shutil.copytree("shades", "others")
    for picture in Path("others").rglob("*.png"):
        if int(picture.stem) > 20:
            picture.unlink()
    record = Path("run/run.json")
    if command.startswith("resume"):
        record.write_text(record.read_text().replace('"finished"', '"interrupted"'))
    assert run(shlex.split(command)) in {0, 1}  # 1: pictures that were trained on are told
    files = [item for item in recognised if str(item).endswith(".png")]
    assert len(recognised) == (len(files) or 1)


def calls(path: Path) -> set[str]:
    """Return the names of functions and methods that a file calls."""
    nodes = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in nodes}


@pytest.mark.parametrize("step", ["complete", "limited", "resized"])
def test_only_reading_holds_out_limits_and_sizes(step: str) -> None:
    callers = {str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.py") if step in calls(path)}
    assert callers - {"data/dataset.py"} == {"data/read.py"}  # a data set resizes its splits


def test_nothing_reads_pictures_of_a_source_but_reading() -> None:
    for path in SOURCES.rglob("*.py"):
        if path.relative_to(SOURCES).parts[0] in {"tasks", "studies", "cli", "prediction", "training"}:
            assert (
                not calls(path) & {"read_stored", "find_reader", "in_memory_source"} or path.name == "load.py"
            )
