"""Candidates for a preset, on several data sets: validation accuracy, training time, and processor seconds.

    python benchmarks/candidates.py fast --data mnist=PATH svhn=PATH cifar10=PATH --seeds 0 1 --out results.csv

Each candidate in `CANDIDATES` is trained on every data set with `picturewise.train`, in one process. The test split is
not read. A run that --out already has is not repeated. Prints the table: means over the seeds, and over the sets.
"""

from __future__ import annotations

import argparse
import csv
import resource
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import picturewise
from picturewise.architectures.airbench import airbench

SMALL = {"model": "small-cnn", "augmentation": [], "steps": 300, "label_smoothing": 0.05}
ADAM = SMALL | {"optimizer": "adam", "learning_rate": 0.015, "momentum": 0.7, "beta2": 0.9}
MUON = SMALL | {"optimizer": "muon", "momentum": 0.6}
AIR = {"model": "airbench94", "initialisation": "dirac", "label_smoothing": 0.2, "momentum": 0.6}
BEST = AIR | {"optimizer": "muon", "learning_rate": 0.1, "augmentation": ["flip alternate", "shift 2"]}
VIEWS = {"views": ["mirror", "shift 1"]}
SCREENED = {
    size: {"batch_size": size, "steps": steps, "views": []}
    for size, steps in {128: 660, 256: 368, 512: 193}.items()
}


def narrowed(first: int, others: int) -> dict[str, Any]:
    """Return `best` with other numbers of filters in the first group of airbench94, and in the two others."""
    lines = list(airbench((32, 32, 3), (first, others)))
    return {key: value for key, value in BEST.items() if key != "model"} | {"layers": lines}


HALF = narrowed(32, 128) | {"epochs": 3, "views": []}
IN_256 = VIEWS | {"batch_size": 256, "learning_rate": 0.15}
CANDIDATES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "fast": {
        "adam 0.015": ADAM,
        "adam 0.008": ADAM | {"learning_rate": 0.008},
        "adam 0.015, usual augmentation": {
            key: value for key, value in ADAM.items() if key != "augmentation"
        },
        "adam 0.015, smoothing 0.1": ADAM | {"label_smoothing": 0.1},
        "muon 0.02": MUON | {"learning_rate": 0.02},
        "muon 0.05": MUON | {"learning_rate": 0.05},
        "muon 0.1": MUON | {"learning_rate": 0.1},
        "muon 0.1, momentum 0.8": MUON | {"learning_rate": 0.1, "momentum": 0.8},
        "muon 0.2": MUON | {"learning_rate": 0.2},
        "muon 0.2, momentum 0.8": MUON | {"learning_rate": 0.2, "momentum": 0.8},
        "muon 0.2, smoothing 0.1": MUON | {"learning_rate": 0.2, "label_smoothing": 0.1},
        "muon 0.2, dirac": MUON | {"learning_rate": 0.2, "initialisation": "dirac"},
        "muon 0.3": MUON | {"learning_rate": 0.3},
        "muon 0.3, momentum 0.8": MUON | {"learning_rate": 0.3, "momentum": 0.8},
    },
    "best": {
        "airbench94, 2,800 steps": BEST | VIEWS | {"steps": 2800},
        "small-airbench, 2,800 steps": BEST | VIEWS | {"steps": 2800, "model": "small-airbench"},
    },
    # As many steps as take equally long on two cores of an EPYC with avx512_bf16: 439, 489 and 515 pictures a second.
    "minutes": {
        "128, rate 0.1": BEST | SCREENED[128],
        "256, rate 0.1": BEST | SCREENED[256],
        "256, rate 0.15": BEST | SCREENED[256] | {"learning_rate": 0.15},
        "512, rate 0.15": BEST | SCREENED[512] | {"learning_rate": 0.15},
    },
    "recipe": {
        "best, half of the filters, 3 epochs": HALF,
        "rate 0.07": HALF | {"learning_rate": 0.07},
        "rate 0.15": HALF | {"learning_rate": 0.15},
        "batches of 256, rate 0.15": HALF | {"learning_rate": 0.15, "batch_size": 256},
        "momentum 0.8": HALF | {"momentum": 0.8},
        "momentum 0.9, rate 0.05": HALF | {"momentum": 0.9, "learning_rate": 0.05},
        "cosine": HALF | {"schedule": "cosine"},
        "average of weights, 0.99": HALF | {"ema": 0.99},
        "smoothing 0.1": HALF | {"label_smoothing": 0.1},
        "shift 1": HALF | {"augmentation": ["flip alternate", "shift 1"]},
        "flip only": HALF | {"augmentation": ["flip alternate"]},
        "no augmentation": HALF | {"augmentation": []},
    },
    # About 1,150 processor seconds each, on one core of an EPYC with avx512_bf16.
    "ten minutes": {
        "32 and 256 filters, 8 epochs": narrowed(32, 256) | IN_256 | {"epochs": 8},
        "48 and 192 filters, 10 epochs": narrowed(48, 192) | IN_256 | {"epochs": 10},
        "40 and 160 filters, 13 epochs": narrowed(40, 160) | IN_256 | {"epochs": 13},
        "32 and 128 filters, 18 epochs": narrowed(32, 128) | IN_256 | {"epochs": 18},
    },
}


class Clock(picturewise.Callback):
    """Counts the processor seconds from the first batch to the end of the newest epoch."""

    def on_start(self, trainer: Any) -> None:
        """Begin."""
        self._began, self.seconds = used(), 0.0

    def on_epoch(self, trainer: Any, row: Any) -> None:
        """Count."""
        self.seconds = used() - self._began


def used() -> float:
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset", choices=CANDIDATES)
    parser.add_argument("--data", nargs="+", required=True, metavar="NAME=PATH")
    parser.add_argument("--only", nargs="*", help="candidates to train")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    places = dict(pair.split("=", 1) for pair in asked.data)
    candidates = CANDIDATES[asked.preset]
    done = known(asked.out)
    for name in asked.only or candidates:
        for data, place in places.items():
            for seed in asked.seeds:
                if (name, data, seed) not in done:
                    done[name, data, seed] = trained(place, candidates[name], seed)
                    written(asked.out, name, data, seed, done[name, data, seed])
                    print(name, data, seed, done[name, data, seed], flush=True)
    print_table(done, list(candidates), list(places))


def trained(place: str, options: Mapping[str, Any], seed: int) -> tuple[float, float]:
    """Return the best validation accuracy, and the processor seconds of training and validation."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        run = picturewise.train(place, seed=seed, out=out, progress=False, callbacks=[clock], **options)
        return max(row.valid_accuracy for row in run.history), clock.seconds


def known(path: Path) -> dict[tuple[str, str, int], tuple[float, float]]:
    """Return the runs that a file has."""
    if not path.exists():
        return {}
    with path.open() as file:
        return {
            (row["candidate"], row["data"], int(row["seed"])): (float(row["accuracy"]), float(row["seconds"]))
            for row in csv.DictReader(file)
        }


def written(path: Path, name: str, data: str, seed: int, found: tuple[float, float]) -> None:
    """Append a run to the file."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        rows = csv.writer(file)
        if new:
            rows.writerow(["candidate", "data", "seed", "accuracy", "seconds"])
        rows.writerow([name, data, seed, f"{found[0]:.5f}", f"{found[1]:.1f}"])


def print_table(
    done: Mapping[tuple[str, str, int], tuple[float, float]], names: list[str], sets: list[str]
) -> None:
    """Print the means in Markdown."""
    print("| candidate |", " | ".join(sets), "| mean | CPU s |")
    print("|---|" + "---|" * (len(sets) + 2))
    for name in names:
        means = [
            np.mean([found for (one, data, _), found in done.items() if (one, data) == (name, where)], axis=0)
            for where in sets
            if any((one, data) == (name, where) for one, data, _ in done)
        ]
        if len(means) == len(sets):
            cells = " | ".join(f"{mean[0]:.2%}" for mean in means)
            costs = ", ".join(f"{mean[1]:.1f}" for mean in means)
            print(f"| {name} | {cells} | {np.mean([mean[0] for mean in means]):.2%} | {costs} |")


if __name__ == "__main__":
    main()
