"""Every command and every example on every page works, in the order in which it stands."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import importlib.util
import io
import re
import shlex
import shutil
import struct
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from drawn_numbers import NUMBERS, write_format_1, write_list
from PIL import Image

from picturewise.cli.app import _top, run
from picturewise.data.dataset import Dataset

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted(DOCS.rglob("*.md")) if "dev" not in page.parts and page != TUTORIAL),
]
BLOCK = re.compile(r"^( *)```(console|python|toml|)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\s*(?:\$ |\.venv/bin/)picturewise (.*?)(?:  +# .*)?$", re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the kind and the content of every fenced block, also of those in lists."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(kind, textwrap.dedent(content)) for _, kind, content in found]


def run_page(page: Path) -> None:
    """Run the blocks of a page in the working folder."""
    names: dict[str, object] = {}
    for kind, content in blocks(page):
        if kind == "toml" and (named := re.match(r"# (\S+\.toml)\n", content)):
            Path(named[1]).write_text(content)
        elif kind == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(content, str(page), "exec"), names)
        elif kind == "console":
            for line in content.splitlines():
                _run_line(line)


def _run_line(line: str) -> None:
    assert line.startswith("$ picturewise "), f"only such lines are run: {line}"
    if "--track" in line and not tracking_is_installed():
        return
    command, _, comment = line.removeprefix("$ picturewise ").partition("  # ")
    expected = int(found[1]) if (found := re.fullmatch(r"exit code (\d+)", comment)) else 0
    assert run(shlex.split(command)) == expected, line


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of imports for all pages, so that the digits are imported once."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(autouse=True)
def picturewise_home(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shared folder in place of one for each test."""
    monkeypatch.setenv("PICTUREWISE_HOME", str(store))
    return store


@pytest.fixture(scope="module")
def draw_data_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Copy figures of the same pictures from the first time: drawing them is half of a short run's time."""
    from picturewise.reporting.album import Album

    drawn, draw = tmp_path_factory.mktemp("drawn"), Album.draw_data

    def copy_or_draw(album: Album, dataset: Dataset, **options: Any) -> None:
        prints = [f"{name}-{part.fingerprint}" for name, part in dataset.splits().items()]
        kept = drawn / hashlib.sha256(repr((prints, options)).encode()).hexdigest()
        if not kept.exists():
            draw(Album(kept), dataset, **options)
        shutil.copytree(kept, album.folder, dirs_exist_ok=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Album, "draw_data", copy_or_draw)
        yield


@pytest.fixture(scope="module")
def tutorial(store: Path, draw_data_once: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the tutorial was followed; other pages use its runs, and train none of their own."""
    from picturewise.reporting.figures import look

    folder = tmp_path_factory.mktemp("tutorial")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PICTUREWISE_HOME", str(store))
        patch.setattr(look, "DPI", 20)
        patch.chdir(folder)
        run_page(TUTORIAL)
    return folder


@pytest.fixture
def things_that_docs_speak_of(tutorial: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cnn", "mlp"):
        shutil.copytree(tutorial / "runs" / name, tmp_path / "runs" / name)
    random = np.random.default_rng(0)
    for name, count in (("train", 60), ("t10k", 20)):
        images, labels = (
            random.integers(0, 256, (count, 28, 28), np.uint8),
            np.arange(count, dtype=np.uint8) % 10,
        )
        header = struct.pack(">4B3I", 0, 0, 8, 3, *images.shape)
        Path("mnist").mkdir(exist_ok=True)
        Path(f"mnist/{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
        header = struct.pack(">4BI", 0, 0, 8, 1, count)
        Path(f"mnist/{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header + labels.tobytes()))
    Path("kaggle").mkdir()
    header = ",".join(f"pixel{number}" for number in range(784))
    lines = [",".join(map(str, random.integers(0, 256, 784))) for _ in range(120)]
    labelled = [f"{number % 10},{line}" for number, line in enumerate(lines[:100])]
    Path("kaggle/train.csv").write_text("\n".join([f"label,{header}", *labelled]) + "\n")
    Path("kaggle/test.csv").write_text("\n".join([header, *lines[100:]]) + "\n")
    for folder, classes, size in (
        ("flowers", ("rose", "tulip"), (40, 48, 3)),
        ("flowers-with-a-broken-file", ("rose", "tulip"), (40, 48, 3)),
        ("more-digits", map(str, range(10)), (8, 8)),
        ("letters", "ab", (8, 8)),
    ):
        for name in classes:
            Path(folder, name).mkdir(parents=True)
            for number in range(20):
                picture = random.integers(0, 256, size, np.uint8)
                Image.fromarray(picture).save(Path(folder, name, f"{number}.png"))
    for number in range(40):
        name = f"scans/{('healthy', 'ill')[number % 2]}/patient{number // 4}_slice{number % 4}.png"
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (16, 16), np.uint8)).save(name)
    rows = ["picture;diagnosis;sex;part"]
    for number in range(40):
        name = f"x-rays/images/{number:03}.png"
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (16, 16), np.uint8)).save(name)
        part = ("train", "train", "train", "test")[number // 2 % 4]
        rows.append(f"{number:03};{('healthy', 'ill')[number % 2]};{'fm'[number // 3 % 2]};{part}")
    write_format_1(Path("svhn-format-1"), {"train": NUMBERS * 3, "test": NUMBERS})
    write_list(Path("amounts"), {"train": NUMBERS * 3, "test": NUMBERS})
    Path("x-rays/labels.csv").write_text("\n".join(rows) + "\n")
    halves, signed = np.arange(40) % 2, random.integers(-1000, 3001, (40, 8, 8), np.int16)
    np.savez("tomography.npz", x_train=signed, y_train=halves)
    np.savez("rows.npz", x_train=random.integers(0, 256, (40, 192), np.uint8), y_train=halves)
    Path("flowers-with-a-broken-file/rose/0.png").write_bytes(b"no picture")
    Image.fromarray(random.integers(0, 256, (30, 20, 3), np.uint8)).save("scan.png")


def tracking_is_installed() -> bool:
    return all(map(importlib.util.find_spec, ("tensorboard", "mlflow", "sqlalchemy", "alembic")))


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(kind for kind, _ in blocks(page))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
@pytest.mark.usefixtures("things_that_docs_speak_of")
def test_commands_and_examples_work_as_written(page: Path) -> None:
    run_page(page)


@pytest.mark.slow
def test_the_tutorial_works_as_written_and_makes_the_pictures_that_it_shows(
    tutorial: Path, tmp_path: Path
) -> None:
    spec = importlib.util.spec_from_file_location("draw_tutorial", DOCS / "draw_tutorial.py")
    assert spec is not None
    assert spec.loader is not None
    drawing: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    drawing.collect(tutorial, tmp_path / "again")
    made = {path.name for path in (tmp_path / "again").iterdir()}
    assert made == {path.name for path in (DOCS / "tutorial").iterdir()}
    assert made == set(re.findall(r"\]\(tutorial/([^)]+)\)", TUTORIAL.read_text(encoding="utf-8")))


def test_commands_that_are_only_shown_have_options_that_exist() -> None:
    shown = [
        line
        for page in [*PAGES, TUTORIAL]
        for kind, content in blocks(page)
        if not kind
        for line in COMMAND.findall(content)
    ]
    assert len(shown) > 15
    for line in shown:
        if "[OPTIONS]" not in line:
            _parse(line)


def _parse(line: str) -> None:
    command, words = _top, shlex.split(line)
    with contextlib.ExitStack() as stack:
        while hasattr(command, "commands") or command is _top:
            context = stack.enter_context(command.make_context(words[0], [], resilient_parsing=True))
            found = command.get_command(context, words[0])
            assert found is not None, line
            command, words = found, words[1:]
        command.make_context("", words)  # click raises for what does not exist
