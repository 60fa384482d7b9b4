"""Hostile run folders: a real run with something changed. Most hashes are put right again."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import tomli_w

from grammars import classifiers, layer_lines
from grammars.case import Around, Case
from grammars.safetensors_files import with_tricks
from grammars.values import NUMBERS, TEXTS, changed, nested

FILES = (
    *(
        "run.json",
        "recipe.toml",
        "history.csv",
        "splits.csv",
        "skipped.csv",
        "evaluation.json",
        "probabilities.npy",
    ),
    *("classifier.safetensors", "checkpoints", "figures", "report.html", "mlflow.json", "tensorboard"),
)
_TABLES = ("history.csv", "splits.csv", "skipped.csv")


def make(number: int, folder: Path, around: Around) -> Case:
    """Copy the run, change it as that number says, and return it with the commands that open it.

    Number -1 says to change nothing.
    """
    random = Random(f"run {number}")
    run = folder / random.choice(("run", "run", "run", "r\x1b[31mn", "caf\udce9", "a run\nof mine", "=1+1"))
    shutil.copytree(around.run, run)
    kind = "none"
    if random.random() < 0.5:  # so that it goes on from its checkpoint
        (run / "run.json").write_text((run / "run.json").read_text().replace('"finished"', '"interrupted"'))
    if number >= 0:
        kind = random.choice(_KINDS)(run, random, around)
        if random.random() < 0.85:
            sign(run)
    commands: list[tuple[str, ...]] = [
        ("predict", str(run), str(around.picture)),
        ("evaluate", str(run), "--json"),
        ("compare", str(run), str(around.run)),
        ("resume", str(run)),
        ("extend", str(run), "--layers", "dense 4 relu", "--epochs", "0", "--out", "extended"),
    ]
    return Case(kind, run, commands)


def _json(run: Path, random: Random, around: Around) -> str:
    del around
    path = random.choice(
        [run / "run.json", run / "run.json", run / "evaluation.json", *run.glob("checkpoints/*/state.json")]
    )
    table = json.loads(path.read_text())
    for _ in range(random.choice((1, 1, 2, 4))):
        table = changed(table, random)
    path.write_text(json.dumps(table))
    return f"a value in {path.name}"


def _recipe(run: Path, random: Random, around: Around) -> str:
    del around
    path = run / "recipe.toml"
    table = tomllib.loads(path.read_text())
    source = table["data"]["source"]
    for _ in range(random.choice((1, 1, 2))):
        # How long something learns is the user's to decide, so these stay.
        table = changed(table, random, keep=frozenset({"epochs", "steps"}))
    if isinstance(table.get("data"), dict) and random.random() < 0.7:
        table["data"]["source"] = source
    try:
        path.write_bytes(tomli_w.dumps(_plain(table)).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError, OverflowError, RecursionError):
        path.write_bytes(json.dumps(table).encode())
    return "a value in recipe.toml"


def _layers(run: Path, random: Random, around: Around) -> str:
    del around
    path = run / "recipe.toml"
    table = tomllib.loads(path.read_text())
    table["model"]["layers"] = [
        line.encode("utf-8", "replace").decode() for line in layer_lines.lines(random)
    ]
    path.write_text(tomli_w.dumps(table))
    return "layer lines in recipe.toml"


def _options(run: Path, random: Random, around: Around) -> str:
    path = run / "recipe.toml"
    table = tomllib.loads(path.read_text())
    match random.randrange(6):
        case 0:
            table["data"]["group_by"] = random.choice(
                ("(a+)+$", "(", "(?:(?:.*)*)*x", "a" * 10_000, "(.)\\1{9999999}", "\x1b[31m")
            )
        case 1:
            table["preparation"]["views"] = random.choice(
                (["mirror", "mirror"], ["shift 65"], ["\x1b[31m"], ["turn"], ["shift ٣"])
            )
        case 2:
            table["preparation"]["augmentation"] = [
                random.choice(("shift 9999", "rotate 1e308", "\x1b[31m", "erase 0", "flip " * 999))
            ]
        case 3:
            table["start"]["source"] = random.choice(
                (
                    "/dev/zero",
                    str(run),
                    str(around.kept),
                    "resnet18 from /dev/zero",
                    "timm resnet18 from /etc/passwd",
                    "\x1b[31m",
                )
            )
        case 4:
            table["data"]["size"] = random.choice(([1024, 1024], [1, 1], [1025, 1], [0, 3], [9]))
        case _:
            table["data"]["source"] = random.choice(
                ("/dev/zero", "/dev/stdin", str(run), "mnist", "..", "\x1b[31m", "a\n" * 999)
            )
    path.write_text(tomli_w.dumps(table))
    return "an option in recipe.toml"


def _table(run: Path, random: Random, around: Around) -> str:
    del around
    path = run / random.choice(_TABLES)
    if not path.exists():
        path.write_text("file,reason\na.png,empty\n")
    rows = list(csv.reader(path.read_text().splitlines()))
    match random.randrange(6):
        case 0:
            row = random.choice(rows)
            row[random.randrange(len(row))] = random.choice(
                (*TEXTS, "nan", "inf", "1e400", "-1", "x" * 2_000_000)
            )
        case 1:
            rows[random.randrange(len(rows))].pop()
        case 2:
            rows[-1].append("more")
        case 3:
            rows *= random.choice((2, 100_000 // len(rows)))
        case 4:
            del rows[random.choice((0, len(rows) - 1))]
        case _:
            rows[-1] = [str(random.choice(NUMBERS)) for _ in rows[0]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_bytes(
        text.getvalue().encode("utf-8", "surrogateescape" if random.random() < 0.5 else "replace")
    )
    return f"a cell of {path.name}"


def _bytes(run: Path, random: Random, around: Around) -> str:
    del around
    path = run / random.choice(FILES[:8])
    content = path.read_bytes() if path.exists() else b""
    content = random.choice(
        (
            b"",
            b"\0" * 100,
            b"\xff\xfe" + content,
            b"\xef\xbb\xbf" + content,
            content[: len(content) // 2],
            content.replace(b"a", b"\x1b"),
            b"[" * 50_000 + b"]" * 50_000,
            b'{"a":' * 50_000,
            b"x = " + b"[" * 50_000,
            b"a." * 20_000 + b"b = 1",
            b" " * 30_000_000,
            b'{"format": ' + b"9" * 1_000_000 + b"}",
            json.dumps({"format": 2, "picturewise": nested(400)}).encode(),
            b"\x93NUMPY\1\0"
            + b"v\0{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 3), }".ljust(120),
            b"\x93NUMPY\1\0" + b"v\0{'descr': '|O', 'fortran_order': False, 'shape': (3, 3), }".ljust(120),
        )
    )
    path.write_bytes(content)
    return f"bytes of {path.name}"


def _probabilities(run: Path, random: Random, around: Around) -> str:
    del around
    table = np.load(run / "probabilities.npy")
    table.reshape(-1)[:: random.choice((1, 3))] = random.choice((np.nan, np.inf, -1.0, 3.4e38, 0.0))
    np.save(
        run / "probabilities.npy",
        random.choice((table, table[:1], table[:, :1], np.zeros((0, 3), np.float32))),
    )
    return "probabilities"


def _classifier(run: Path, random: Random, around: Around) -> str:
    del around
    kind, content = classifiers.hostile(random)
    (run / "classifier.safetensors").write_bytes(content)
    return f"a classifier: {kind}"


def _checkpoint(run: Path, random: Random, around: Around) -> str:
    del around
    path = random.choice(sorted(run.glob("checkpoints/*/*.safetensors")))
    content = path.read_bytes()
    if random.random() < 0.5:
        path.write_bytes(with_tricks(content, random))
        return f"the header of a checkpoint's {path.name}"
    place = 8 + int.from_bytes(content[:8], "little")
    numbers = np.frombuffer(content, np.float32, count=(len(content) - place) // 4, offset=place).copy()
    numbers[:: random.choice((1, 5))] = random.choice((np.nan, np.inf, -1.0, 1e38, 1e-45))
    path.write_bytes(content[:place] + numbers.tobytes() + content[place + numbers.nbytes :])
    return f"numbers in a checkpoint's {path.name}"


def _place(run: Path, random: Random, around: Around) -> str:
    """Put something else into the place of a file or a folder."""
    path = run / random.choice(
        (*FILES, *(str(found.relative_to(run)) for found in run.glob("checkpoints/**/*")))
    )
    name = path.relative_to(run)
    _remove(path)
    match random.randrange(7):
        case 0:
            path.symlink_to(around.kept)
            return f"{name} is a link to a folder outside"
        case 1:
            path.symlink_to(around.kept / "file")
            return f"{name} is a link to a file outside"
        case 2:
            path.symlink_to("/dev/zero")
            return f"{name} is a link to a device"
        case 3:
            os.mkfifo(path)
            return f"{name} is a pipe"
        case 4:
            path.mkdir()
            (path / "1-1").mkdir()
            return f"{name} is a folder"
        case 5:
            path.write_bytes(b"{" if name.suffix == ".json" else b"")
            # What is read from the first to the last byte takes its time.
            os.truncate(
                path, 200_000_000 if name.name == "splits.csv" else random.choice((200_000_000, 4 << 30))
            )
            return f"{name} is huge"
        case _:
            path.symlink_to(path)
            return f"{name} is a link to itself"


def _more(run: Path, random: Random, around: Around) -> str:
    """Add what a run does not have."""
    checkpoints = run / "checkpoints"
    match random.randrange(5):
        case 0:
            (checkpoints / "999999-00000000").symlink_to(around.kept)
        case 1:
            for n in range(2000):
                (checkpoints / f"{n + 10:06d}-00000000").mkdir()
        case 2:
            (run / ".unfinished-0a1b2c3d-x").symlink_to(around.kept)
        case 3:
            (checkpoints / ".unfinished-0a1b2c3d-000001-00000000").symlink_to(around.kept)
        case _:
            (run / ".lock").unlink(missing_ok=True)
            (run / ".lock").symlink_to(around.kept / "new")
    return "more than a run has"


_KINDS: tuple[Callable[[Path, Random, Around], str], ...] = (
    *(_json, _json, _json, _recipe, _recipe, _layers, _options, _options, _table, _table, _bytes, _bytes),
    *(_probabilities, _classifier, _classifier, _checkpoint, _place, _place, _place, _more),
)


def sign(run: Path) -> None:
    """Put right the hashes that files of a run hold of each other, as far as there are any."""
    _put(run / "run.json", "recipe_sha256", run / "recipe.toml")
    _put(run / "run.json", "splits_sha256", run / "splits.csv")
    _put(run / "evaluation.json", "probabilities_sha256", run / "probabilities.npy")
    for state in run.glob("checkpoints/*/state.json"):
        table = _table_of(state)
        if table is None or not isinstance(hashes := table.get("sha256"), dict):
            continue
        for name in hashes:
            if name == "position":
                hashes[name] = hashlib.sha256(json.dumps(table.get("position")).encode()).hexdigest()
            elif _is_small(state.parent / name):
                hashes[name] = hashlib.sha256((state.parent / name).read_bytes()).hexdigest()
        state.write_text(json.dumps(table))


def _put(path: Path, key: str, of: Path) -> None:
    table = _table_of(path)
    if table is not None and _is_small(of):
        table[key] = hashlib.sha256(of.read_bytes()).hexdigest()
        path.write_text(json.dumps(table))


def _table_of(path: Path) -> dict[str, Any] | None:
    try:
        table = json.loads(path.read_text()) if _is_small(path) else None
    except (ValueError, RecursionError):
        return None
    return table if isinstance(table, dict) else None


def _is_small(path: Path) -> bool:
    return not path.is_symlink() and path.is_file() and path.stat().st_size < 50_000_000


def _plain(table: Any) -> Any:
    """Return a table without what TOML has no word for."""
    if isinstance(table, dict):
        return {key: _plain(value) for key, value in table.items() if value is not None}
    return [_plain(value) for value in table if value is not None] if isinstance(table, list) else table


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
