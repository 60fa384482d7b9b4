"""The NumPy engine beside scikit-learn's MLPClassifier: one network, one batch size, the same pictures of MNIST.

    python benchmarks/reference_speed.py FOLDER          the four official IDX files, gzipped or not

Both train `flatten; dense 512 relu; dense 512 relu` with SGD and momentum on float32 pictures, without augmentation, in
turns of one epoch each; the clock is on for training alone. Prints Markdown, the ratio first.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet

HIDDEN, RATE, MOMENTUM = 512, 0.01, 0.9
LAYERS = ["flatten", f"dense {HIDDEN} relu", f"dense {HIDDEN} relu"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=20_480, help="pictures an epoch (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=256, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="epochs of each (default: %(default)s)")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as place:
        os.environ["PICTUREWISE_HOME"] = f"{place}/home"
        from picturewise import read_dataset

        whole = read_dataset(options.folder.resolve(), splits=["train"]).split("train")
        count = options.images - options.images % options.batch_size  # no engine gets a shorter batch
        train = whole.select(np.arange(count))
        contenders = {
            "Picturewise, engine numpy": picturewise_epochs(train, options.batch_size, options.rounds),
            "scikit-learn, MLPClassifier": sklearn_epochs(train, options.batch_size),
        }
        speeds: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(options.rounds + 1):  # the first is for warming up
            for name, epochs in contenders.items():
                speeds[name].append(count / next(epochs))
    first = next(iter(speeds.values()))
    print("| | speed of the NumPy engine relative to this tool | images/s |")
    print("|---|---|---|")
    for name, found in speeds.items():
        ratios = [ours / others for ours, others in zip(first[1:], found[1:], strict=True)]
        print(f"| {name} | {spread(ratios, '.2f')} | {spread(found[1:], ',.0f')} |")
    from picturewise.cores import available_cores, processor

    print(
        f"\nMedian (lowest–highest) of {options.rounds} interleaved epochs of {count:,} pictures of MNIST, batch size "
        f"{options.batch_size}.\n{processor()}, {available_cores()} cores, load {load:.1f} before the start, "
        f"OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'not set')}; Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("numpy", "scikit-learn"))
    )


def spread(values: Sequence[float], form: str) -> str:
    """Return the median and, in brackets, the lowest and the highest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def picturewise_epochs(train: ImageSet, batch_size: int, rounds: int) -> Iterator[float]:
    """Yield the seconds of each epoch of a learner, without validation."""
    from picturewise.recipes.recipe import make_recipe
    from picturewise.training.make_learner import make_learner

    training = {
        "engine": "numpy", "epochs": rounds + 1, "batch_size": batch_size, "learning_rate": RATE,
        "momentum": MOMENTUM, "schedule": "constant",
    }  # fmt: skip
    content = {
        "data": {"source": "benchmark"},
        "model": {"name": None, "layers": LAYERS},
        "preparation": {"augmentation": []},
        "training": training,
    }
    dataset = Dataset("benchmark", train=train, valid=train.select(np.arange(batch_size)))
    learner, _ = make_learner(make_recipe(content), dataset)
    for epoch in range(1, rounds + 2):
        with learner.learning():
            began = time.perf_counter()
            order = learner.begin(epoch)
            for batch in range(learner.batches):
                learner.step(order, epoch, batch, RATE)
            seconds = time.perf_counter() - began
        yield seconds


def sklearn_epochs(train: ImageSet, batch_size: int) -> Iterator[float]:
    """Yield the seconds of each epoch of an MLPClassifier on the same pictures, prepared beforehand."""
    from sklearn.neural_network import MLPClassifier

    pixels = np.asarray(train.images).reshape(len(train), -1).astype(np.float32)
    pixels = (pixels - pixels.mean()) / pixels.std()
    network = MLPClassifier(
        (HIDDEN, HIDDEN), activation="relu", solver="sgd", alpha=0.0, batch_size=batch_size, learning_rate_init=RATE,
        momentum=MOMENTUM, nesterovs_momentum=False, max_iter=1, random_state=0,
    )  # fmt: skip
    classes = np.arange(10)
    while True:
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.partial_fit(pixels, train.labels, classes=classes)
        yield time.perf_counter() - began


if __name__ == "__main__":
    main()
