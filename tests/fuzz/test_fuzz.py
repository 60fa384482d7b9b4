"""Damaged files, 40 a reader; in `make campaign`, 10,000. What is wrong with one is printed with its number."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("fuzz.py")
NAMES = (
    *("idx", "svhn", "cifar", "npz", "pickles", "pixel-csv", "usps", "lists", "pictures", "hdf5", "parquet"),
    *("store", "runs", "weights"),
)
CHECKSUMS = {"idx", "cifar", "npz", "usps", "lists", "pictures", "hdf5", "parquet", "weights"}
"""Those among whose files some have checksums."""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux alone tells it"
)


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def cases(whole_campaign: bool) -> int:
    """Damaged files that each reader reads."""
    return 10_000 if whole_campaign else 40


@pytest.fixture(scope="module")
def report(cases: int) -> dict[str, list[str]]:
    """Return what the program says of each reader: the cells of its row, and its findings."""
    done = fuzz("--cases", str(cases))
    rows: dict[str, list[str]] = {}
    for line in done.stdout.splitlines()[2:]:
        if line.startswith("|"):
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            rows[name] = cells
        elif rows:
            rows[list(rows)[-1]].append(line)
    assert tuple(rows) == NAMES, done.stdout + done.stderr
    assert done.returncode == any(cells[7] != "0" for cells in rows.values())
    return rows


@pytest.mark.slow
@pytest.mark.campaign
@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_read_or_refused_in_a_sentence(
    name: str, cases: int, report: dict[str, list[str]]
) -> None:
    done, refused, read, sealed, _crashed, _slowest, _largest, findings, _took, *told = report[name]
    assert findings == "0", "\n".join(told)
    assert done == f"{cases:,}"
    # Of a few cases none may be of a form with checksums.
    assert sealed == "0" if name not in CHECKSUMS else sealed != "0" or cases < 1_000
    # Were all of one kind, the changes would be too small or too large to find anything.
    assert int(read.replace(",", "")) > cases / 30
    assert int(refused.replace(",", "")) > cases / 20 or name == "store"  # damaged imports are imported again


def test_every_reader_is_among_them() -> None:
    from readers import READERS

    assert tuple(reader.name for reader in READERS) == NAMES


def test_an_unknown_reader_is_refused() -> None:
    done = fuzz("idy")
    assert done.returncode == 2
    assert "no reader is called idy" in done.stderr
