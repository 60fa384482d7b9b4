"""The benchmark beside other tools still runs, and its tables say what they should; no figure in them counts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CELL = re.compile(r"([\d,.]+) \(([\d,.]+)–([\d,.]+)\)")


def benchmark(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / "speed.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def tables(text: str) -> dict[str, list[list[str]]]:
    """Return the rows of each table by the heading above it, the line below the head left out."""
    found: dict[str, list[list[str]]] = {"": []}
    heading = ""
    for line in text.splitlines():
        if line.startswith("### "):
            heading = line.removeprefix("### ")
            found[heading] = []
        elif line.startswith("| ") and not set(line) <= set("|-: "):
            found[heading].append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def number(cell: str) -> float:
    """Return the median of a cell, after a check that it lies between the lowest and the highest."""
    match = CELL.fullmatch(cell)
    assert match is not None, cell
    median, lowest, highest = (float(part.replace(",", "")) for part in match.groups())
    assert 0 < lowest <= median <= highest
    return median


def test_two_workloads_run_and_their_tables_hold_together(tmp_path: Path) -> None:
    file = tmp_path / "tables.md"
    chosen = ["--workloads", "train-dense", "predict-dense", "--contenders", "sightline", "torch", "sklearn"]
    done = benchmark("--smoke", *chosen, "--markdown", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == file.read_text(encoding="utf-8").strip()
    found = tables(done.stdout)
    assert [*found] == ["", "train-dense", "predict-dense", "The machine"]

    titles = ["Sightline", "PyTorch, as in tutorials", "scikit-learn, MLPClassifier"]
    head, *rows = found[""]
    assert head == ["speed of Sightline relative to", "train-dense", "predict-dense"]
    assert [row[0] for row in rows] == titles[1:]
    multiplications = 785 * 512 + 513 * 512 + 513 * 10
    for column, name, directions in ((1, "train-dense", 3), (2, "predict-dense", 1)):
        _, *measured = found[name]
        assert [row[0] for row in measured] == titles
        speeds = [number(row[2]) for row in measured]
        rounding = 0.01 + 1 / min(speeds)  # they are written as whole numbers
        for speed, (_, ratio, _, seconds, rate, share) in zip(speeds, measured, strict=True):
            assert number(ratio) == pytest.approx(speeds[0] / speed, rel=rounding, abs=0.01)
            assert number(seconds) > 0
            counted = speed * 2 * directions * multiplications / 1e9
            assert number(rate) == pytest.approx(counted, rel=rounding, abs=0.06)
            assert re.fullmatch(r"\d+ %", share)
        assert [row[column] for row in rows] == [row[1].split()[0] for row in measured[1:]]
    _, *peaks = found["The machine"]
    assert {row[0].partition(",")[0] for row in peaks} >= {"float32"}
    assert all(float(cell.replace(",", "")) > 0 for row in peaks for cell in row[1:])


def test_what_cannot_be_measured_is_said_before_anything_runs() -> None:
    for arguments, sentence in (
        (["--contenders", "keras-jax"], "name its interpreter with --peers-python"),
        (["--workloads", "train-densely"], "'train-densely' is none of train-dense, train-batchnorm"),
        (["--contenders", "sklearn", "--workloads", "train-cnn"], "none of the workloads is one for sklearn"),
        (["--rounds", "0"], "--rounds is 0; expected at least 1"),
    ):
        done = benchmark(*arguments)
        assert done.returncode == 2
        assert sentence in done.stderr
        assert done.stdout == ""
