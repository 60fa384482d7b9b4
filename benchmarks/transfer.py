"""What a pretrained backbone is worth with few labels: frozen, fine-tuned, and from scratch.

    python benchmarks/transfer.py RUN DATA [--labels 50] [--seeds 5] [--grey] [--size 32] [--set KEY=VALUE]

RUN is a finished run; DATA are other pictures with other classes. For each seed, the same `--labels` pictures of each
class are drawn from DATA's train split, a fifth of them to choose the epoch with; the network learns from these in
three ways, and is evaluated on the whole test split, which nothing was chosen with. Prints Markdown: the mean over
seeds of the test accuracy with its 95 % interval (Student's t over the seeds).
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
from pathlib import Path

import numpy as np

import picturewise
from picturewise.data.imageset import ImageSet
from picturewise.evaluation.intervals import mean_interval

WAYS = {
    "from scratch": {},
    "frozen": {"training.freeze": "backbone"},
    "fine-tuned": {},
    "frozen, then fine-tuned": {"training.freeze": "backbone", "training.unfreeze_epoch": 11},
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("data")
    parser.add_argument("--labels", type=int, default=50, help="pictures of each class")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--size", type=int, help="side of the pictures; otherwise that of the run")
    parser.add_argument("--grey", action="store_true")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="of the transferred ones"
    )
    asked = parser.parse_args()

    run = picturewise.open_run(asked.run)
    size = (asked.size, asked.size) if asked.size else run.record.data.shape[:2]
    whole = picturewise.read_dataset(asked.data, size=size)
    layers = run.classifier().description.layers
    best = max(row.valid_accuracy for row in run.history)
    print(
        f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores; load before: {os.getloadavg()[0]:.1f}"
    )
    print(
        f"backbone {run.name}: {len(layers)} lines, validation accuracy {100 * best:.2f} % on {run.record.data.name}; "
        f"{whole.name} at {size[0]}x{size[1]}{', grey' * asked.grey}, {asked.labels} labels a class, "
        f"{len(whole.split('test')):,} test pictures\n"
    )
    print(
        "| way | validation, mean | test, mean | 95 % interval | each seed |\n|---|---|---|---|---|",
        flush=True,
    )
    for way, settings in WAYS.items():
        scores, chosen = [], []
        more = {} if way == "from scratch" else dict(one.split("=", 1) for one in asked.set)
        for seed in range(asked.seeds):
            model = {"layers": layers} if way == "from scratch" else {"layers": f"pretrained {asked.run}"}
            with tempfile.TemporaryDirectory() as place:
                trained = picturewise.train(
                    few(whole, asked.labels, seed), **model, epochs=asked.epochs, seed=seed, out=Path(place) / "run",
                    settings={**settings, **more, "preparation.grey": asked.grey}, progress=False,
                )  # fmt: skip
                chosen.append(max(row.valid_accuracy for row in trained.history))
                evaluated = picturewise.evaluate(
                    trained.classifier(), data={"test": whole.split("test")}, progress=False
                )
            scores.append(evaluated.accuracy.value)
        mean = mean_interval(scores, lowest=0.0, highest=1.0)
        each = ", ".join(f"{100 * score:.1f}" for score in scores)
        print(
            f"| {way} | {100 * statistics.mean(chosen):.1f} % | {100 * mean.value:.2f} % "
            f"| {100 * mean.low:.2f}–{100 * mean.high:.2f} | {each} |",
            flush=True,
        )


def few(whole: picturewise.Dataset, labels: int, seed: int) -> picturewise.Dataset:
    """Return a data set with `labels` pictures of each class to learn from and to choose with, drawn by the seed."""
    train = whole.split("train")
    random = np.random.default_rng(seed)
    chosen = {"train": [], "valid": []}
    for number in range(len(train.classes)):
        places = random.permutation(np.flatnonzero(train.labels == number))[:labels]
        chosen["valid"] += [*places[: labels // 5]]
        chosen["train"] += [*places[labels // 5 :]]
    parts = {name: _copied(train.select(np.array(places))) for name, places in chosen.items()}
    return picturewise.Dataset(f"{whole.name}-{labels}-labels", train=parts["train"], valid=parts["valid"])


def _copied(part: ImageSet) -> ImageSet:
    return ImageSet(np.asarray(part.images), part.labels, part.classes, part.origin)


if __name__ == "__main__":
    main()
