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
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "src"))

from grammars import classifiers, opening, runs
from grammars.case import Around, Case

MAKERS: dict[str, Callable[[int, Path, Around], Case]] = {"classifiers": classifiers.make, "runs": runs.make}
COLUMNS = ("kind", "cases", "commands", "refused", "done", "slowest, s", "largest, MB", "findings", "took, s")


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
            if number < 2 and index == 0:  # a network may be as costly as it may be, so these are two
                (few / name).mkdir(parents=True)
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


def _all(kind: str, numbers: range | list[int], place: Path, around: Around) -> int:
    """Open the cases of a kind, print their row, and return how many findings there are."""
    began, commands, refused, done, findings = time.monotonic(), 0, 0, 0, list[str]()
    slowest, largest, slow = 0.0, 0, ""
    for number in numbers:
        folder = place / f"{kind}-{number}"
        for name in ("work", "home", "temporary", "source"):
            (folder / name).mkdir(parents=True)
        outcome = opening.opened(MAKERS[kind](number, folder / "source", around), folder, around.kept.parent)
        commands += sum(outcome.codes.values())
        done += outcome.codes.get("0", 0)
        refused += sum(outcome.codes.get(code, 0) for code in "123")
        findings += [f"  {kind} {number}, {finding}" for finding in outcome.findings]
        for finding in outcome.findings:
            print(f"  {kind} {number}, {finding}", file=sys.stderr, flush=True)
        if outcome.seconds > slowest:
            slowest, slow = outcome.seconds, f"{number}, {outcome.slowest}"
        largest = max(largest, outcome.bytes)
        if len(numbers) > 1:
            shutil.rmtree(folder, ignore_errors=True)
    cells = (
        *(kind, f"{len(numbers):,}", f"{commands:,}", f"{refused:,}", f"{done:,}"),
        *(f"{slowest:.2f}", f"{largest / 1e6:,.0f}", f"{len(findings):,}", f"{time.monotonic() - began:.0f}"),
    )
    print(f"| {' | '.join(cells)} |", flush=True)
    print(f"  the slowest: {slow}", flush=True)
    for finding in findings:
        print(finding, flush=True)
    return len(findings)


if __name__ == "__main__":
    sys.exit(main())
