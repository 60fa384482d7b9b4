"""Read thousands of damaged files and say what came of it: python tests/fuzz/fuzz.py [READER …] [--cases N].

A case is a valid file with something changed, made anew from the reader's name and the case's number alone. To see
one: python tests/fuzz/fuzz.py READER --case NUMBER, which leaves its files in a folder and shows the whole error.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from picturewise.untrusted.confined import process

os.environ.update(process._SET)  # forked children find the libraries imported already

import h5py  # noqa: F401 (so that forked children need not import it)
import pyarrow.parquet  # noqa: F401
from readers import READERS
from workers import Tally, make_case, run_all, run_case, write_case

from picturewise.data.pictures.plugins import load_avif, load_formats

COLUMNS = (
    "reader",
    "cases",
    "refused",
    "read",
    "sealed",
    "child crashed",
    "slowest, s",
    "largest, MB",
    "findings",
    "took, s",
)


def main() -> int:
    """Run what the arguments say; 1: there are findings."""
    parser = argparse.ArgumentParser(description="Read damaged files and say what came of it.")
    names = [reader.name for reader in READERS]
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"of {', '.join(names)}; none: all")
    parser.add_argument("--cases", type=int, default=10_000, help="how many of each reader")
    parser.add_argument("--first", type=int, default=0, help="the number of the first")
    parser.add_argument("--case", type=int, help="one case alone: show what it comes to, and keep its files")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    strange = set(asked.readers) - set(names)
    if strange:
        parser.error(f"no reader is called {', '.join(sorted(strange))}, expected some of {', '.join(names)}")
    load_formats()
    load_avif()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # by way of what ends the workers
    chosen = [reader for reader in READERS if reader.name in (asked.readers or names)]
    if asked.case is not None:
        return max(show(reader.name, asked.case) for reader in chosen)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    findings = 0
    for reader in chosen:
        began = time.monotonic()
        tally = run_all(reader, range(asked.first, asked.first + asked.cases), asked.workers)
        print(row(tally, time.monotonic() - began), flush=True)
        for line in told(tally):
            print(line, flush=True)
        findings += len(tally.findings)
    if findings:
        print(f"\n{findings:,} findings; to see one: python {sys.argv[0]} READER --case NUMBER", flush=True)
    return 1 if findings else 0


def row(tally: Tally, seconds: float) -> str:
    """Return a line of the table."""
    cells = (
        tally.reader,
        f"{tally.cases:,}",
        f"{tally.refused:,}",
        f"{tally.read:,}",
        f"{tally.sealed:,}",
        f"{tally.crashed:,}",
        f"{tally.slowest[0]:.2f}",
        f"{tally.largest[0] / 1e6:,.0f}",
        f"{len(tally.findings):,}",
        f"{seconds:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def told(tally: Tally) -> list[str]:
    """Return the findings in lines, those of one kind and place together."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number, outcome in sorted(tally.findings.items()):
        places = [line for line in outcome.said.splitlines() if "/picturewise/" in line]
        groups.setdefault((outcome.kind, places[-1] if places else ""), []).append(number)
    lines = []
    for (kind, _), numbers in groups.items():
        first = tally.findings[numbers[0]]
        shown = ", ".join(map(str, numbers[:5])) + (", …" if len(numbers) > 5 else "")
        lines.append(
            f"  {len(numbers):,} of the kind {kind} ({tally.reader} {shown}), {first.seconds:.2f} s:"
        )
        lines += [f"    {line[:200]}" for line in first.said.strip().splitlines()[-12:]]
    return lines


def show(name: str, number: int) -> int:
    """Run one case in this process, with its files kept."""
    (reader,) = (reader for reader in READERS if reader.name == name)
    seeds = reader.seeds()
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-{number}-"))
    case = make_case(reader, seeds, number)
    write_case(case.files, folder / "files")
    print(f"{name} {number}: made of '{case.seed.name}', its files are in {folder / 'files'}", flush=True)
    outcome = run_case(reader, seeds, number, folder, 0)
    print(f"{outcome.kind}, {outcome.seconds:.2f} s of processor time\n{outcome.said}")
    return int(outcome.is_finding)


if __name__ == "__main__":
    sys.exit(main())
