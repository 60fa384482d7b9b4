"""What the guard against a loss that is no number, the metrics and the progress line add to a training step.

    python benchmarks/overhead.py [--rounds 7]

A round is an epoch of `Trainer.fit` with the live progress line on, and the same batches through nothing but
augmentation, forward pass, loss, backward pass and update, in turns in one process. Pictures are noise.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from picturewise.cores import available_cores, processor
from picturewise.data.dataset import Dataset
from picturewise.recipes.recipe import Recipe, make_recipe
from picturewise.seeds import derive
from picturewise.tasks.load import make_dataset
from picturewise.training.learner import Learner
from picturewise.training.make_learner import make_learner
from picturewise.training.progress import ProgressDisplay
from picturewise.training.start import start


@dataclass(frozen=True)
class Case:
    """A preset, and pictures a batch."""

    preset: str
    batch_size: int

    def recipe(self) -> Recipe:
        """Return the recipe of one epoch."""
        training = {"batch_size": self.batch_size, "epochs": 1}
        return make_recipe(
            {"data": {"source": "noise"}, "model": {"name": self.preset}, "training": training}
        )


CASES = (Case("mlp 512 512", 256), Case("cnn", 128))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", type=int, default=100)
    arguments = parser.parse_args()
    print(
        f"{processor()}, {available_cores()} cores, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}\n"
    )
    print("| network | whole step, ms | bare step, ms | the whole takes longer by |")
    print("|---|---|---|---|")
    for case in CASES:
        dataset = noise(arguments.batches * case.batch_size)
        one_round(dataset, case)  # the first one warms up
        rounds = [one_round(dataset, case) for _ in range(arguments.rounds)]
        whole, bare = (
            1000 * statistics.median(times) / arguments.batches for times in zip(*rounds, strict=True)
        )
        shares = sorted(100 * (a / b - 1) for a, b in rounds)
        name = f"`{case.preset}`, batches of {case.batch_size}"
        print(
            f"| {name} | {whole:.3f} | {bare:.3f} | {statistics.median(shares):.1f} % "
            f"({shares[0]:.1f}–{shares[-1]:.1f}) |",
            flush=True,
        )


def noise(pictures: int) -> Dataset:
    """Return 28x28 grey noise with ten classes."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (pictures + 200, 28, 28, 1), np.uint8)
    labels = np.arange(pictures + 200) % 10
    return make_dataset((images[:-200], labels[:-200]), valid=(images[-200:], labels[-200:]))


def one_round(dataset: Dataset, case: Case) -> tuple[float, float]:
    """Return the seconds of an epoch, whole and bare."""
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w", encoding="utf-8") as terminal:
        shown = ProgressDisplay(Console(file=terminal, force_terminal=True, width=100))
        whole = start(case.recipe(), dataset, Path(folder, "whole"), callbacks=[shown])
        whole.fit()
        return len(dataset.split("train")) / whole.history[0].images_per_second, bare(
            make_learner(case.recipe(), dataset)[0]
        )


def bare(learner: Learner) -> float:
    """Return the seconds of an epoch of nothing but what makes the weights."""
    with learner.learning():
        order = learner.begin(1)
        began = time.perf_counter()
        for batch in range(learner.batches):
            indices = order[slice(*learner.bounds[batch])]
            pictures, targets = learner.augmented(indices, (1, batch))
            torch.manual_seed(derive(learner.recipe.seed, "noise", 1, batch))
            with learner.machine.computing():
                logits = learner.network(learner.preparation.apply(pictures))
            learner.loss(logits.float(), targets).backward()
            learner.optimizer.step(learner.learning_rate)
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
