"""Every command and every example in README.md and docs/ works, in its order on the page."""

from __future__ import annotations

import contextlib
import gzip
import importlib.util
import io
import re
import shlex
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from picturewise.cli.app import run

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(console|python|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.fixture
def things_that_docs_speak_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
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
    Path("x-rays/labels.csv").write_text("\n".join(rows) + "\n")
    halves, signed = np.arange(40) % 2, random.integers(-1000, 3001, (40, 8, 8), np.int16)
    np.savez("tomography.npz", x_train=signed, y_train=halves)
    np.savez("rows.npz", x_train=random.integers(0, 256, (40, 192), np.uint8), y_train=halves)
    Path("flowers-with-a-broken-file/rose/0.png").write_bytes(b"no picture")
    Image.fromarray(random.integers(0, 256, (30, 20, 3), np.uint8)).save("scan.png")


def tracking_is_installed() -> bool:
    return all(map(importlib.util.find_spec, ("tensorboard", "mlflow", "sqlalchemy", "alembic")))


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: page.name)
@pytest.mark.usefixtures("things_that_docs_speak_of", "coarse_figures")
def test_commands_and_examples_work_as_written(page: Path) -> None:
    names: dict[str, object] = {}
    for kind, content in blocks(page):
        if kind == "toml":
            if named := re.match(r"# (\S+\.toml)\n", content):
                Path(named[1]).write_text(content)
            continue
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(content, str(page), "exec"), names)
            continue
        for line in content.splitlines():
            if line.startswith("$ picturewise "):
                if "--track" in line and not tracking_is_installed():
                    continue
                command, _, comment = line.removeprefix("$ picturewise ").partition("  # ")
                expected = int(found[1]) if (found := re.fullmatch(r"exit code (\d+)", comment)) else 0
                assert run(shlex.split(command)) == expected, line


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_key_of_a_recipe_is_documented() -> None:
    from picturewise.recipes.recipe import recipe_keys

    text = (ROOT / "docs" / "train.md").read_text(encoding="utf-8")
    assert [key for key in recipe_keys() if f"`{key}`" not in text] == []


def test_every_preset_is_documented_with_its_parameters() -> None:
    from picturewise.architectures.lines import parse
    from picturewise.architectures.named import NETWORKS, named_lines
    from picturewise.architectures.summary import summarise

    text = (ROOT / "docs" / "train.md").read_text(encoding="utf-8")
    for name in NETWORKS:
        (row,) = re.findall(rf"^\| `{name}`.*$", text, re.MULTILINE)
        count = summarise(parse(named_lines(name, (32, 32, 3))), (32, 32, 3), "dense 10").trainable
        assert row.split("|")[3].strip() == f"{count:,}", name


def test_every_published_network_is_documented_with_its_parameters_and_its_size() -> None:
    from picturewise.architectures.lines import parse
    from picturewise.architectures.published import PUBLISHED, PUBLISHED_SHAPE, published_lines
    from picturewise.architectures.summary import summarise
    from picturewise.catalogue.entries import weights
    from picturewise.names import shown_bytes

    text = (ROOT / "docs" / "pretrained.md").read_text(encoding="utf-8")
    for name in PUBLISHED:
        (row,) = re.findall(rf"^\| `{name}`.*$", text, re.MULTILINE)
        *_, output = (
            table := summarise(parse(published_lines(name, PUBLISHED_SHAPE)), PUBLISHED_SHAPE, "dense 1000")
        ).rows
        assert [part.strip() for part in row.split("|")[2:-1]] == [
            f"{weights()[name].parameters:,}",
            f"{table.trainable - output.count.total:,}",
            shown_bytes(weights()[name].bytes() or 0),
        ]
