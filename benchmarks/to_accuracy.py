"""What an accuracy costs: `picturewise train` with the same options and several seeds, each on the test pictures.

    python benchmarks/to_accuracy.py DATA --seeds 10 -- --preset fast

Three clocks for each seed: processor seconds of training, from before the first batch to the end of the last
validation and checkpoint; seconds from the start of the process until the best epoch's classifier lies on the disk; and
processor seconds of the whole command, with figures and report. Prints Markdown; the interval of the mean accuracy is
Student's t over the seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from mnist import picturewise

CLOCKED = """
import sys, time
from picturewise.cli.app import run
from picturewise.training import progress

class Clocked(progress.ProgressDisplay):
    def on_start(self, trainer):
        super().on_start(trainer)
        Clocked.began = time.process_time()
    def on_stop(self, trainer):
        super().on_stop(trainer)
        Clocked.seconds = time.process_time() - self.began

progress.ProgressDisplay = Clocked
code = run(sys.argv[1:])
print(Clocked.seconds)
raise SystemExit(code)
"""
"""The command, which says last of all what training cost."""


@dataclass(frozen=True)
class Trained:
    """One run: test accuracy in percent, and its three clocks."""

    accuracy: float
    training: float
    saved: float
    whole: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    arguments, options = parser.parse_args(sys.argv[1:end]), sys.argv[end + 1 :]
    from picturewise.cores import available_cores, processor
    from picturewise.evaluation.intervals import mean_interval

    print(f"{processor()}, {available_cores()} cores, Python {platform.python_version()}")
    print(f"load before the start: {os.getloadavg()[0]:.1f}\n")
    print(f"`picturewise train {arguments.data.name} {' '.join(options)} --seed …`\n")
    print(
        "| seed | test accuracy | training, processor s | until the classifier is saved, s | whole, processor s |"
    )
    print("|---|---|---|---|---|")
    runs = []
    with tempfile.TemporaryDirectory() as place:
        os.environ["PICTUREWISE_HOME"] = f"{place}/home"
        for seed in range(arguments.seeds):
            one = train(arguments.data.resolve(), options, seed, Path(place, str(seed)))
            runs.append(one)
            print(
                f"| {seed} | {one.accuracy:.2f} % | {one.training:.2f} | {one.saved:.2f} | {one.whole:.2f} |",
                flush=True,
            )
    mean = mean_interval([one.accuracy for one in runs], lowest=0.0, highest=100.0)
    medians = (
        statistics.median(getattr(one, name) for one in runs) for name in ("training", "saved", "whole")
    )
    print(
        f"| **mean, medians** | **{mean.value:.3f} %** ({mean.low:.3f}–{mean.high:.3f}) | "
        + " | ".join(f"**{seconds:.2f}**" for seconds in medians)
        + " |"
    )


def train(data: Path, options: list[str], seed: int, out: Path) -> Trained:
    """Train in a fresh process and evaluate what it saved."""
    began = time.time()
    whole = picturewise(
        "train", data, *options, "--seed", seed, "--out", out, command=[sys.executable, "-c", CLOCKED]
    )
    saved = (out / "classifier.safetensors").stat().st_mtime - began
    evaluated = json.loads(picturewise("evaluate", out, "--json").output)
    return Trained(
        accuracy=100 * evaluated["accuracy"]["value"],
        training=float(whole.output.split()[-1]),
        saved=saved,
        whole=whole.processor,
    )


if __name__ == "__main__":
    main()
