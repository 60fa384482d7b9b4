"""What an accuracy costs on a GPU: `picturewise train` with several seeds, beside cifar10-airbench's own scripts.

    python benchmarks/gpu.py cifar10 --label '94 %' -- --preset best
    python benchmarks/gpu.py cifar10 --airbench FOLDER --script airbench94_muon.py --markdown FILE -- --preset best
    python benchmarks/gpu.py --smoke

All trainings are in one process, and the first is not counted. The clock runs from before the first batch to the end of
the last validation, the GPU's queue being empty at both ends. Prints Markdown; see benchmarks/README.md for what the
figures mean.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch
from contenders.torch_peak import gflops
from racing import airbench
from racing.tables import DIRECTIONS, spread, table

import picturewise
from picturewise.cli import app
from picturewise.cores import processor
from picturewise.evaluation.intervals import mean_interval
from picturewise.training import progress
from picturewise.training.trainer import Trainer

OPTIONS = ["--preset", "best"]
OURS = {"--seed", "--out", "--json", "--find-learning-rate"}
"""Options that the benchmark gives itself, or that leave it nothing to clock."""
PEAK_SIDE, PEAK_SECONDS, PRODUCTS = 8192, 2.0, 10
SMOKE = {"data": "digits", "runs": 1}
SMOKE_OPTIONS = ["--model", "mlp 8", "--epochs", "2", "--limit", "60", "--set", "training.device=cpu"]
SMOKE_PEAK_SIDE, SMOKE_PEAK_SECONDS = 64, 0.01
AGREEING = [
    "--epochs",
    "1",
    "--limit",
    "3200",
    "--batch-size",
    "64",
    "--augment",
    "none",
    "--set",
    "training.precision=float32",
]
"""Fifty steps in float32, without chance in the pictures; what is left of it is drawn on the processor."""
MOST_APART = 0.02
"""The largest distance of weights that were trained on two devices, as a share of their size."""


@dataclass(frozen=True)
class Trained:
    """One run of `picturewise train`, evaluated on the test pictures.

    Attributes:
        seed: of everything random.
        accuracy: on test, in 0..1.
        before: seconds from the command to the first batch.
        seconds: from there to the end of the last validation.
        speed: pictures a second in training, the median over the epochs.
        share: of the peak: counted operations a second over those that a matrix product reached.
    """

    seed: int
    accuracy: float
    before: float
    seconds: float
    speed: float
    share: float


class Clock(picturewise.Callback):
    """Notes when training began and when its last validation ended; the best epoch is saved by then."""

    began = ended = 0.0

    def on_start(self, trainer: Trainer) -> None:
        """Begin with nothing left to compute."""
        self.began = now()

    def on_epoch(self, trainer: Trainer, row: object) -> None:
        """End here, unless another epoch comes."""
        self.ended = now()


def main() -> None:
    arguments, options = parsed_arguments()
    smoke = arguments.smoke
    side, seconds = (SMOKE_PEAK_SIDE, SMOKE_PEAK_SECONDS) if smoke else (PEAK_SIDE, PEAK_SECONDS)
    load = os.getloadavg()[0]
    peak = measured_peak(torch.device("cpu" if smoke else "cuda"), side, seconds)
    runs, theirs = list[Trained](), list[airbench.Finished]()

    def text() -> str:
        return document(arguments, options, peak, load, apart, runs, theirs)

    with tempfile.TemporaryDirectory() as place:
        print("the same on the processor …", file=sys.stderr, flush=True)
        apart = distance(arguments.data, options, Path(place), ["cpu", "cpu" if smoke else "cuda"])
        # The seed of the first is none of those that count.
        for seed in (arguments.runs, *range(arguments.runs)):
            print(f"seed {seed} …", file=sys.stderr, flush=True)
            one = trained(arguments.data, options, seed, Path(place, str(seed)), peak)
            if seed != arguments.runs:
                runs.append(one)
                write(
                    arguments.markdown, text()
                )  # so that a long run that is broken off has not been in vain
        if arguments.airbench:
            print(f"{arguments.script} …", file=sys.stderr, flush=True)
            airbench.write_pictures(picturewise.read_dataset(arguments.data), Path(place, "airbench"))
            script = arguments.airbench / arguments.script
            theirs += airbench.trainings(script, Path(place, "airbench"), arguments.runs)
    write(arguments.markdown, text())
    print(text())


def parsed_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Return the benchmark's own arguments, and those behind `--`, which are for `picturewise train`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", default="cifar10", help="default: %(default)s")
    parser.add_argument("--label", default="Time to accuracy", help="the heading, such as '94 %%'")
    parser.add_argument("--runs", type=int, default=10, help="that count (default: %(default)s)")
    parser.add_argument(
        "--airbench", type=Path, help="a checkout of github.com/KellerJordan/cifar10-airbench"
    )
    parser.add_argument("--script", default="airbench94_muon.py", help="of it (default: %(default)s)")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file too")
    parser.add_argument(
        "--smoke", action="store_true", help="see on the processor that all works; no figure counts"
    )
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    arguments, options = parser.parse_args(sys.argv[1:end]), sys.argv[end + 1 :] or OPTIONS
    if arguments.smoke:
        vars(arguments).update(SMOKE)
        return arguments, SMOKE_OPTIONS
    if not torch.cuda.is_available():
        parser.exit(2, "gpu.py: PyTorch finds no GPU here, so nothing is measured; --smoke needs none.\n")
    if arguments.runs < 2:
        parser.error(f"--runs is {arguments.runs}; expected at least 2")
    if taken := sorted(OURS & {option.partition("=")[0] for option in options}):
        parser.error(f"{taken[0]} is no option to measure with; expected those of a recipe")
    if arguments.airbench:
        check_airbench(parser, arguments)
    return arguments, [*options, "--set", "training.device=cuda"]


def check_airbench(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """End in a sentence where the script could not run, before hours have been spent."""
    script = arguments.airbench / arguments.script
    if not script.is_file():
        parser.error(f"{script} is no file; --airbench and --script name a script of cifar10-airbench")
    if importlib.util.find_spec("torchvision") is None:
        parser.error(
            f"{script.name} imports torchvision, which is not installed: install the release that goes with torch "
            f"{torch.__version__}, or leave --airbench out"
        )
    shape = picturewise.read_dataset(arguments.data, splits=["train"]).split("train").shape
    if shape != airbench.SHAPE:
        parser.error(f"the pictures of {arguments.data} are {shape}; {script.name} takes {airbench.SHAPE}")


def trained(data: str, options: Sequence[str], seed: int, out: Path, peak: float) -> Trained:
    """Train with the command in this process, and evaluate what it saved; `peak` is in operations a second."""
    clock, began = Clock(), time.perf_counter()
    # Instead of showing progress from the first batch on, the command starts the clock.
    with (
        mock.patch.object(progress, "ProgressDisplay", return_value=clock),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        status = app.run(["train", data, *options, "--seed", str(seed), "--out", str(out)])
    if status != 0:  # and it has said why
        raise SystemExit(status)
    run = picturewise.open_run(out)
    speed = statistics.median(row.images_per_second for row in run.history)
    summary = run.summary()
    assert summary is not None  # the command builds networks of layer lines alone
    operations = 2 * DIRECTIONS["train"] * summary.multiplications  # a multiplication comes with an addition
    return Trained(
        seed=seed,
        accuracy=picturewise.evaluate(run, progress=False).accuracy.value,
        before=clock.began - began,
        seconds=clock.ended - clock.began,
        speed=speed,
        share=speed * operations / peak,
    )


def distance(data: str, options: Sequence[str], place: Path, devices: Sequence[str]) -> float:
    """Return how far apart weights are after the same 50 steps on two devices, as a share of their size.

    Raises:
        SystemExit: they are not the same network by any measure, so no time would mean anything.
    """
    found = []
    for number, device in enumerate(devices):
        out = place / f"agreeing-{number}"
        asked = [*options, *AGREEING, "--set", f"training.device={device}", "--seed", "0", "--out", str(out)]
        if len(set(devices)) == 1:  # the order of sums differs at least
            asked += ["--set", f"training.threads={number + 1}"]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
            status = app.run(["train", data, *asked])
        if status != 0:
            sys.stderr.write(said.getvalue())
            raise SystemExit(status)
        weights = picturewise.open_run(out).classifier().network.parameters()
        found.append(torch.cat([one.detach().cpu().double().flatten() for one in weights]))
    apart = float((found[0] - found[1]).norm() / found[0].norm())
    if not apart <= MOST_APART:
        raise SystemExit(
            f"gpu.py: after 50 steps, the weights differ by {apart:.1e} of their size; rounding explains {MOST_APART}."
        )
    return apart


def now() -> float:
    """Return the seconds of the clock, once the GPU has done all that it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def measured_peak(device: torch.device, side: int, seconds: float) -> float:
    """Return the operations a second of products of bfloat16 matrices (side, side), the most within some seconds."""
    left, right = (torch.rand(side, side, device=device).bfloat16() for _ in range(2))

    def multiply() -> None:
        for _ in range(PRODUCTS):  # in a row, so that waiting for the last one counts for little
            torch.mm(left, right)
        now()

    return 1e9 * gflops(multiply, PRODUCTS * 2 * side**3, seconds)


def document(
    arguments: argparse.Namespace,
    options: Sequence[str],
    peak: float,
    load: float,
    apart: float,
    runs: Sequence[Trained],
    theirs: Sequence[airbench.Finished],
) -> str:
    """Return all results so far."""
    head = ["", "n", "mean test accuracy (95 %)", "seconds", "images/s", "share of the bfloat16 peak"]
    rows = [
        [
            "Picturewise",
            str(len(runs)),
            percent([one.accuracy for one in runs]),
            spread([one.seconds for one in runs], ".2f"),
            spread([one.speed for one in runs], ",.0f"),
            f"{100 * statistics.median(one.share for one in runs):.0f} %",
        ]
    ]
    if theirs:
        accuracies, seconds = [one.accuracy for one in theirs], [one.seconds for one in theirs]
        rows.append([arguments.script, str(len(theirs)), percent(accuracies), spread(seconds, ".2f"), "", ""])
    each = [
        [
            str(one.seed),
            percent([one.accuracy]),
            f"{one.before:.2f}",
            f"{one.seconds:.2f}",
            f"{one.speed:,.0f}",
        ]
        for one in runs
    ]
    below = [
        "Means with Student's t over the n seeds; medians (lowest–highest).",
        f"After 50 steps in float32, the weights differ from those of the processor by {apart:.1e} of their size.",
        f"A product of bfloat16 matrices reached {peak / 1e12:,.1f} TFLOP/s.",
        f"{machine(smoke=arguments.smoke)}, load {load:.1f} before the start.",
        f"`python {shlex.join(sys.argv)}`",
    ]
    return "\n\n".join(
        [
            f"### {arguments.label}",
            f"`picturewise train {shlex.join([arguments.data, *options])} --seed …`",
            table(head, rows),
            table(["seed", "test accuracy", "seconds before the first batch", "seconds", "images/s"], each),
            "\n".join(below),
        ]
    )


def percent(shares: Sequence[float]) -> str:
    """Return the mean of shares in percent, with its interval where there is more than one."""
    if len(shares) == 1:
        return f"{100 * shares[0]:.2f} %"
    found = mean_interval(shares, lowest=0.0, highest=1.0)
    return f"{100 * found.value:.2f} % ({100 * found.low:.2f}–{100 * found.high:.2f})"


def machine(*, smoke: bool) -> str:
    """Return what computed, with versions."""
    versions = f"torch {torch.__version__}, Python {platform.python_version()}, {platform.system()}"
    if smoke:
        return f"{processor()}, {versions}"
    return f"{torch.cuda.get_device_name()}, driver {driver()}, CUDA {torch.version.cuda}, {versions}"


def driver() -> str:
    """Return the version of NVIDIA's driver as its own tool gives it."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "not known"


def write(path: Path | None, text: str) -> None:
    """Write the tables where somebody asked for it."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
