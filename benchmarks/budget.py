"""What a network learns in a fixed time: accuracy against epochs, as many of them as fit.

    python benchmarks/budget.py DATA MODEL [--minutes 60] [--seed 0] [--out FOLDER] [--set KEY=VALUE]

The time is that of the processor over the cores, so that a run may be held (`kill -STOP`) while others need them.
Some steps are timed first, so that the schedule of the learning rate ends when the time does. Everything else is as
`picturewise train` has it by default. The test split is read once, at the end. Prints Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import torch

import picturewise
from picturewise.cores import available_cores, processor
from picturewise.training.trainer import Trainer

WARM_UP, TIMED = 10, 50
ROOM = 0.9
"""Of the time; the rest is for validation, checkpoints, and steps that take longer than those timed."""


def clock() -> float:
    """Return seconds of the processor, over the cores."""
    return time.process_time() / available_cores()


class Probed(Exception):  # noqa: N818 (no error)
    """Ends the run that only times steps."""


class Probe(picturewise.Callback):
    """Times steps, then leaves."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.batches = 0

    def on_batch(self, trainer: Trainer) -> None:
        """Look at the clock."""
        self.times.append(clock())
        self.batches = trainer.batches
        if len(self.times) > WARM_UP + TIMED:
            raise Probed

    def epoch_seconds(self) -> float:
        """Return what an epoch of steps like the timed ones takes."""
        ticks = self.times[WARM_UP:]
        return self.batches * statistics.median(b - a for a, b in itertools.pairwise(ticks))


class Deadline(picturewise.Callback):
    """Ends the run after the epoch in which its time is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began = 0.0
        self.passed: list[float] = []

    def on_start(self, trainer: Trainer) -> None:
        """Start the clock."""
        self.began = clock()

    def on_epoch(self, trainer: Trainer, row: object) -> None:
        """Look at the clock."""
        self.passed.append(clock() - self.began)
        if self.passed[-1] > self.seconds:
            trainer.stop(f"Its {self.seconds / 60:g} minutes are over.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("model")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="keep the run there")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    asked = parser.parse_args()
    print(f"{processor()}, {available_cores()} cores, torch {torch.__version__}")
    print(f"load before the start: {os.getloadavg()[0]:.1f}\n")
    options = {"model": asked.model, "seed": asked.seed, "progress": False}

    with tempfile.TemporaryDirectory() as place:
        probe = Probe()
        with contextlib.suppress(Probed):
            picturewise.train(
                asked.data,
                **options,
                epochs=100,
                out=Path(place) / "probe",
                settings=asked.set,
                callbacks=[probe],
            )
        seconds = 60 * asked.minutes
        epochs = max(1, int(ROOM * seconds / probe.epoch_seconds()))
        print(f"{probe.epoch_seconds():.1f} s for the steps of an epoch: {epochs} epochs\n", flush=True)
        deadline = Deadline(seconds)
        began = clock()
        run = picturewise.train(
            asked.data, **options, epochs=epochs, out=asked.out or Path(place) / "run", settings=asked.set,
            callbacks=[deadline],
        )  # fmt: skip
        whole = clock() - began
        print("| epoch | minutes | training loss | validation accuracy |\n|---:|---:|---:|---:|")
        for row, passed in zip(run.history, deadline.passed, strict=True):
            print(
                f"| {row.epoch} | {passed / 60:.1f} | {row.train_loss:.3f} | {100 * row.valid_accuracy:.2f} % |"
            )
        accuracy = picturewise.evaluate(run, progress=False).accuracy
        print(f"\nwhole call: {whole / 60:.1f} min; {run.record.status} {run.record.reason}")
    print(f"test accuracy {100 * accuracy.value:.2f} % ({100 * accuracy.low:.2f}–{100 * accuracy.high:.2f})")
    print(f"load at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
