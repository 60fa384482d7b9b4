"""What the default options reach on MNIST, and what they cost: accuracy, time, memory, start-up, repeatability.

    python benchmarks/mnist.py FOLDER          the four official IDX files, gzipped or not

Every figure comes from whole `picturewise` commands, run one after the other in fresh processes. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "picturewise"]


@dataclass(frozen=True)
class Finished:
    """One finished process: its output, wall and processor seconds, and peak resident memory in MB."""

    output: str
    wall: float
    processor: float
    megabytes: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    import torch

    from picturewise.cores import available_cores, processor

    print(
        f"{processor()}, {available_cores()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    print(f"load before the start: {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory() as place:
        os.environ["PICTUREWISE_HOME"] = f"{place}/home"
        accuracy(folder, Path(place), arguments.seeds)
        repeatability(folder, Path(place))
    start_up(folder)


def accuracy(folder: Path, place: Path, seeds: int) -> None:
    """Train and evaluate both presets with default options."""
    print(
        "| model | trainable | seed | test accuracy (95 %) | test loss | epochs | wall s | processor s | peak MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for model in ("cnn", "mlp"):
        found = []
        for seed in range(seeds):
            run = place / f"{model}-{seed}"
            trained = picturewise("train", folder, "--model", model, "--seed", seed, "--out", run, "--json")
            record = json.loads(trained.output)
            evaluated = json.loads(picturewise("evaluate", run, "--json").output)
            right, loss = evaluated["accuracy"], evaluated["loss"]["value"]
            found.append(right["value"])
            print(
                f"| {model} | {record['trainable_parameters']:,} | {seed} | {100 * right['value']:.2f} % "
                f"({100 * right['low']:.2f}–{100 * right['high']:.2f}) | {loss:.4f} | {len(record['history'])} | "
                f"{trained.wall:.1f} | {trained.processor:.1f} | {trained.megabytes:.0f} |",
                flush=True,
            )
        print(f"| **{model}, mean** | | | **{100 * statistics.mean(found):.2f} %** | | | | | |", flush=True)


def repeatability(folder: Path, place: Path) -> None:
    """Train twice with one seed, in two processes and two working folders."""
    hashes = []
    for name in ("here", "there"):
        (place / name).mkdir()
        output = picturewise(
            "train", folder, "--epochs", 1, "--out", "run", "--json", cwd=place / name
        ).output
        hashes.append(json.loads(output)["final_weights_sha256"])
    print(f"\nSHA-256 of the final weights, seed 0, one epoch: {hashes[0]} and {hashes[1]}")
    print("equal" if hashes[0] == hashes[1] else "NOT EQUAL")


def start_up(folder: Path) -> None:
    """Time what a user waits for before anything happens."""
    helps = [picturewise("--help").processor for _ in range(11)]
    print(
        f"\n`picturewise --help`: {statistics.median(helps):.3f} processor s (median of 11, worst {max(helps):.3f})"
    )
    from picturewise import read_dataset

    first, later = [], []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as home:
            os.environ["PICTUREWISE_HOME"] = home
            for seconds in (first, later):
                began = time.perf_counter()
                read_dataset(folder)
                seconds.append(time.perf_counter() - began)
    for what, seconds in (("first, imported", first), ("later, from the store", later)):
        median, worst = statistics.median(seconds), max(seconds)
        print(f"60,000 + 10,000 pictures, {what}: {median:.2f} s (median of 5, worst {worst:.2f})")


def picturewise(*arguments: Any, command: list[str] = COMMAND, cwd: Path | None = None) -> Finished:
    """Run one command to its end; `command` is what stands for `picturewise` itself."""
    began = time.perf_counter()
    process = subprocess.Popen([*command, *map(str, arguments)], stdout=subprocess.PIPE, text=True, cwd=cwd)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"picturewise {' '.join(map(str, arguments))} ended with status {status}")
    return Finished(
        output, time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    )


if __name__ == "__main__":
    main()
