"""Training speed of two versions of this project, in turns: whether a change made training slower.

    python benchmarks/against_before.py --before "OLD/.venv/bin/python -m picturewise" [--rounds 20] [--model cnn …]

A round is one `train` of each version on the same made-up pictures, in alternating order. What is compared is the
fastest epoch of each run, in images a second, which other programs on the machine disturbed least. Prints Markdown: the
ratio after / before of each model, as median and 10–90 % range over the rounds. Above 1, the later version is faster.
"""

from __future__ import annotations

import argparse
import csv
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PICTURES = {"cnn": 1_280, "mlp": 12_800}
"""Of 28x28 grey, in ten classes, for a model; in batches of 128."""
EPOCHS = {"cnn": 5, "mlp": 12}


def images_a_second(version: str, model: str, data: Path, folder: Path) -> float:
    """Return the speed of the fastest epoch of a new run."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        options = ["--model", model, "--epochs", str(EPOCHS[model]), "--augment", "none", "--json"]
        options += ["--set", "training.batch_size=128", "--out", str(Path(out) / "run")]
        subprocess.run(
            [*shlex.split(version), "train", str(data), *options], stdout=subprocess.DEVNULL, check=True
        )
        with (Path(out) / "run" / "history.csv").open(newline="") as file:
            return max(float(row["images_per_second"]) for row in csv.DictReader(file))


def write_noise(path: Path, count: int) -> None:
    """Write made-up pictures, `count` of them to train on."""
    random = np.random.default_rng(0)
    arrays = {}
    for split, pictures in (("train", count), ("validation", 128), ("test", 128)):
        arrays[f"x_{split}"] = random.integers(0, 256, (pictures, 28, 28), np.uint8)
        arrays[f"y_{split}"] = np.arange(pictures) % 10
    np.savez(path, **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", required=True, help="The older version's command, up to `train`.")
    parser.add_argument("--after", default=f"{sys.executable} -m picturewise", help="The newer version's.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--model", action="append", choices=sorted(PICTURES), help="Otherwise all.")
    asked = parser.parse_args()
    versions = {"before": asked.before, "after": asked.after}
    print("| model | before, images/s | after | after / before (10–90 %) | rounds |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for model in asked.model or sorted(PICTURES):
            data = folder / f"{model}.npz"
            write_noise(data, PICTURES[model])
            speeds: dict[str, list[float]] = {name: [] for name in versions}
            for number in range(asked.rounds):
                for name in sorted(versions, reverse=number % 2 == 0):
                    speeds[name].append(images_a_second(versions[name], model, data, folder))
            before, after = (np.array(speeds[name]) for name in ("before", "after"))
            low, middle, high = np.percentile(after / before, [10, 50, 90])
            print(
                f"| {model} | {np.median(before):,.0f} | {np.median(after):,.0f} "
                f"| {middle:.3f} ({low:.3f}–{high:.3f}) | {asked.rounds} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
