"""What starting costs: Python alone, `import picturewise`, `picturewise --help`, and the answer for one picture.

    python benchmarks/starting.py
    python benchmarks/starting.py --rounds 21 --run runs/mnist-cnn --picture digit.png

The commands take turns, each in a fresh process; without a run, a `cnn` on the built-in digits is trained for one epoch
first. Prints Markdown: medians (lowest–highest) of processor seconds and seconds, and the libraries that must not be
loaded on the way, where they are.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from racing.races import race, whole_process
from racing.sets import write_png
from racing.tables import spread, table

SLOW = ("torch", "pydantic", "matplotlib", "scipy")
LOADED = f"""
import sys
from picturewise.cli.app import run
run(sys.argv[1:])
print(*sorted({{*sys.modules}} & {{*{SLOW!r}}}), file=sys.stderr)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--run", type=Path, help="a run's folder")
    parser.add_argument("--picture", type=Path, help="a picture file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        run, picture = options.run or trained(Path(place)), options.picture or Path(place, "picture.png")
        if options.picture is None:
            write_png(picture, (8, 8, 1))
        predict = ["predict", str(run), str(picture)]
        commands = {
            "`python -c pass`": ["-c", "pass"],
            "`python -c 'import numpy'`": ["-c", "import numpy"],
            "`python -c 'import picturewise'`": ["-c", "import picturewise"],
            "`picturewise --help`": ["-m", "picturewise", "--help"],
            "`picturewise predict RUN one.png`": ["-m", "picturewise", *predict],
        }
        take_turns = {
            title: partial(whole_process, title, [sys.executable, *words], os.environ, 1)
            for title, words in commands.items()
        }
        race(take_turns, range(1))  # so that every file was read once before
        turns = race(take_turns, range(options.rounds))
        print(
            f"Python {platform.python_version()}, {len(os.sched_getaffinity(0))} cores, n = {options.rounds}\n"
        )
        rows = [
            [
                title,
                *(
                    spread([getattr(turn, name) for turn in taken], ".3f")
                    for name in ("processor_seconds", "seconds")
                ),
            ]
            for title, taken in turns.items()
        ]
        print(table(["command", "processor seconds", "seconds"], rows))
        for words in (["--help"], predict):
            found = loaded(words)
            print(f"\nof {', '.join(SLOW)}, `picturewise {words[0]}` loads: {found or 'none'}")


def trained(place: Path) -> Path:
    """Return the folder of a small run below `place`."""
    command = [
        sys.executable,
        "-m",
        "picturewise",
        "train",
        "digits",
        "--epochs",
        "1",
        "--out",
        str(place / "run"),
    ]
    whole_process("picturewise train", command, os.environ, 1)
    return place / "run"


def loaded(words: list[str]) -> str:
    """Return which of the slow libraries a command loads."""
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True)
    return done.stderr.strip()


if __name__ == "__main__":
    main()
