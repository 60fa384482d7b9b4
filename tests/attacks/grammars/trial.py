"""Opens hostile classifier files and run folders, and says what came of it.

    python tests/attacks/grammars/trial.py classifiers|runs [--cases N] [--first N] [--case NUMBER]

A case is made from its number alone. Prints a row of Markdown and the findings; the exit status is 1 if there are any.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "src"))

from grammars import classifiers, opening, runs
from grammars.case import Around, Case
from grammars.opening import Outcome

MAKERS: dict[str, Callable[[int, Path, Around], Case]] = {"classifiers": classifiers.make, "runs": runs.make}
COLUMNS = (
    *(
        "kind",
        "cases",
        "commands",
        "refused",
        "done",
        "usual, s",
        "slowest, s",
        "largest, MB",
        "findings",
        "took, s",
    ),
)
_WORKERS = len(os.sched_getaffinity(0))


def main() -> int:
    """Run what the arguments say; 1: there are findings."""
    parser = argparse.ArgumentParser(description="Open hostile files and say what came of it.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(MAKERS)}; none: all")
    parser.add_argument("--cases", type=int, default=200, help="how many of each kind")
    parser.add_argument("--first", type=int, default=0, help="the number of the first")
    parser.add_argument("--case", type=int, help="one case alone, whose files are kept")
    asked = parser.parse_args()
    if strange := set(asked.kinds) - set(MAKERS):
        parser.error(f"there is no {', '.join(sorted(strange))}, expected some of {', '.join(MAKERS)}")
    place = Path(tempfile.mkdtemp(prefix="hostile-")).resolve()
    try:
        around = opening.in_a_child(lambda: surroundings(place / "around"))
        around = Around(*(Path(path) for path in around))
        opening.warm_up()
        numbers = [asked.case] if asked.case is not None else range(asked.first, asked.first + asked.cases)
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
        findings = sum(_all(kind, numbers, place, around) for kind in asked.kinds or MAKERS)
    finally:
        if asked.case is None:
            shutil.rmtree(place, ignore_errors=True)
        else:
            print(f"the files are in {place}")
    return 1 if findings else 0


def surroundings(place: Path) -> list[str]:
    """Make pictures, a run that was trained on them and evaluated, and a folder that is watched."""
    import numpy as np
    from PIL import Image

    import picturewise

    random = np.random.default_rng(0)
    pictures, few, kept = place / "pictures", place / "few", place / "kept"
    for number, name in enumerate(classifiers.CLASSES):
        (pictures / name).mkdir(parents=True)
        for index in range(8):
            pixels = random.integers(0, 120, (16, 16, 3), dtype=np.uint8)
            pixels[:, :, number] += 120
            Image.fromarray(pixels).save(pictures / name / f"{index}.png")
            # Of which two are evaluated: a network may be as costly as it may be.
            if number < 2 and index < 3:
                (few / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(few / name / f"{index}.png")
    for folder in (kept / "1-1", kept / "000001-00000000", kept / ".unfinished-0a1b2c3d-000001-00000000"):
        folder.mkdir(parents=True)
        (folder / "state.json").write_text("{}")
        (folder / "mine.txt").write_text("not to be lost")
    (kept / "file").write_text("nor this")
    os.environ |= {"PICTUREWISE_HOME": str(place / "home"), "HOME": str(place / "home")}
    run = picturewise.train(
        pictures, layers=list(classifiers.LAYERS), epochs=2, out=place / "run", progress=False,
        settings={"training.device": "cpu", "training.precision": "float32", "training.batch_size": 8},
    )  # fmt: skip
    picturewise.evaluate(run, progress=False)
    return [str(path) for path in (pictures / "cat" / "0.png", few, place / "run", kept)]


def _all(kind: str, numbers: Sequence[int], place: Path, around: Around) -> int:
    """Open the cases of a kind, print their row, and return how many findings there are."""
    began = time.monotonic()
    usual = _one(kind, -1, place, around)
    usual.findings += [f"none: it ended with {code}" for code in usual.codes if code != 0]
    shares = [numbers[first::_WORKERS] for first in range(min(_WORKERS, len(numbers)))]
    waiting = [
        opening.started(lambda share=share: _share(kind, share, place, around, usual)) for share in shares
    ]
    answers = [wait() for wait in waiting]
    broken = [f"  {kind}: {answer['faults'][0]}" for answer in answers if isinstance(answer, dict)]
    shared = [answer for answer in answers if isinstance(answer, list)]
    outcomes = {number: Outcome(**told) for answer in shared for number, told in answer}
    lost = sorted(set(numbers) - outcomes.keys())
    findings = [
        f"  {kind} {n}, {one}" for n, found in [(-1, usual), *outcomes.items()] for one in found.findings
    ]
    findings += [*broken, *(f"  {kind} {number}, its process ended early" for number in lost)]
    codes = [code for found in outcomes.values() for code in found.codes]
    # Of each command, how much longer than usual and how large.
    slowest = max(
        (found.seconds[place], number, found.kind)
        for number, found in outcomes.items()
        for place in range(len(found.seconds))
    )
    largest = max(size for found in outcomes.values() for size in found.bytes)
    cells = (
        *(kind, f"{len(numbers):,}", f"{len(codes):,}", f"{sum(code in {1, 2, 3} for code in codes):,}"),
        *(f"{codes.count(0):,}", f"{max(usual.seconds):.2f}", f"{slowest[0]:.2f}", f"{largest / 1e6:,.0f}"),
        *(f"{len(findings):,}", f"{time.monotonic() - began:.0f}"),
    )
    print(f"| {' | '.join(cells)} |", flush=True)
    print(f"  the slowest: {slowest[1]}, {slowest[2]}", flush=True)
    for finding in findings:
        print(finding, flush=True)
    return len(findings)


def _share(
    kind: str, numbers: Sequence[int], place: Path, around: Around, usual: Outcome
) -> list[tuple[int, dict[str, Any]]]:
    return [(number, asdict(_one(kind, number, place, around, usual))) for number in numbers]


def _one(kind: str, number: int, place: Path, around: Around, usual: Outcome | None = None) -> Outcome:
    """Open one case in a separate folder."""
    folder = place / f"{kind}-{number}"
    for name in ("work", "home", "temporary", "source"):
        (folder / name).mkdir(parents=True)
    outcome = opening.opened(
        MAKERS[kind](number, folder / "source", around), folder, around.kept.parent, usual
    )
    if not outcome.findings:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
