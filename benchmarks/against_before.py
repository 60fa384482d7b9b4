"""Training speed of two versions of this project, in turns: whether a change made training slower.

    python benchmarks/against_before.py --before "OLD/.venv/bin/python -m picturewise" [--rounds 20] [--model cnn …]

A round is one `train` of each version on the same made-up pictures, in alternating order. What is compared is the
processor time of a training step, so that other programs on the machine disturb little: the difference between a long
and a short run of the same version, by the steps that the long one has more. Prints Markdown: the ratio before / after
of each model, as median and 10–90 % range over the rounds. Above 1, the later version is faster.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PICTURES = {"cnn": 2_560, "mlp": 12_800}
"""Of 28x28 grey, in ten classes, for a model; in batches of 128."""
EPOCHS = {"cnn": (1, 3), "mlp": (2, 22)}


def processor_seconds(command: list[str]) -> float:
    """Return the processor time of a command, user and system, in seconds."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"failed: {shlex.join(command)}")
    return usage.ru_utime + usage.ru_stime


def seconds_a_step(version: str, model: str, data: Path, folder: Path) -> float:
    """Return the processor time of one step of a version, in seconds."""
    times = []
    for epochs in EPOCHS[model]:
        options = ["--model", model, "--epochs", str(epochs), "--json", "--augment", "none"]
        with tempfile.TemporaryDirectory(dir=folder) as out:
            times.append(
                processor_seconds(
                    [*shlex.split(version), "train", str(data), *options, "--out", str(Path(out) / "run")]
                )
            )
    few, many = EPOCHS[model]
    return (times[1] - times[0]) / ((many - few) * PICTURES[model] / 128)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", required=True, help="The older version's command, up to `train`.")
    parser.add_argument("--after", default=f"{sys.executable} -m picturewise", help="The newer version's.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--model", action="append", choices=sorted(PICTURES), help="Otherwise all.")
    asked = parser.parse_args()
    versions = {"before": asked.before, "after": asked.after}
    print(
        "| model | before, ms a step | after, ms a step | before / after (10–90 %) | rounds |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for model in asked.model or sorted(PICTURES):
            random, count = np.random.default_rng(0), PICTURES[model]
            noise = {
                f"{kind}_{split}": values
                for split, n in (("train", count), ("validation", 128), ("test", 128))
                for kind, values in (
                    ("x", random.integers(0, 256, (n, 28, 28), np.uint8)),
                    ("y", np.arange(n) % 10),
                )
            }
            data = folder / f"{model}.npz"
            np.savez(data, **noise)
            steps: dict[str, list[float]] = {name: [] for name in versions}
            for number in range(asked.rounds):
                for name in sorted(versions, reverse=number % 2 == 0):
                    steps[name].append(seconds_a_step(versions[name], model, data, folder))
            before, after = (1000 * np.array(steps[name]) for name in ("before", "after"))
            low, middle, high = np.percentile(before / after, [10, 50, 90])
            print(
                f"| {model} | {np.median(before):.2f} | {np.median(after):.2f} "
                f"| {middle:.3f} ({low:.3f}–{high:.3f}) | {asked.rounds} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
