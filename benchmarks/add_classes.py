"""What becomes of old classes when new ones are added: digits 0 to 7, then 0 to 9, with and without rehearsal.

    python benchmarks/add_classes.py MNIST [--epochs 3] [--seeds 3]

MNIST is a source with ten classes. A network learns the first eight; `extend` adds the last two without training, with
pictures of all ten (rehearsal), and with pictures of the two alone. Prints Markdown: test accuracy on old and new
classes, all ten being possible answers, for each seed; and how many of the old classes' predictions changed.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

import numpy as np

import picturewise
from picturewise.data.imageset import ImageSet

OLD = 8


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()

    whole = picturewise.read_dataset(asked.data)
    names = whole.classes
    old, new = set(names[:OLD]), set(names[OLD:])
    everything, first, last = whole, only(whole, old), only(whole, new)
    tests = {kind: part.split("test") for kind, part in (("old", first), ("new", last))}
    print(
        f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores; load before: {os.getloadavg()[0]:.1f}"
    )
    print(
        f"{whole.name}: {len(tests['old']):,} test pictures of old classes, {len(tests['new']):,} of new ones\n"
    )
    print(
        "| seed | network | old classes | new classes | old predictions changed |\n|---|---|---|---|---|",
        flush=True,
    )
    for seed in range(asked.seeds):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            began = picturewise.train(
                learning(first), epochs=asked.epochs, seed=seed, out=folder / "old", progress=False
            )
            before = predicted(began, tests["old"])
            report(seed, "digits 0 to 7", began, tests, before)
            for way, data, epochs in (
                ("added, 0 epochs", everything, 0),
                ("added, all ten shown", everything, asked.epochs),
                ("added, only 8 and 9 shown", last, asked.epochs),
            ):
                found = picturewise.extend(
                    began, learning(data), add_classes=True, epochs=epochs, out=folder / way, progress=False
                )
                report(seed, way, found.run, tests, before)


def only(whole: picturewise.Dataset, names: set[str]) -> picturewise.Dataset:
    """Return the pictures of some classes, numbered by these alone."""
    classes = tuple(name for name in whole.classes if name in names)
    numbers = [whole.classes.index(name) for name in classes]
    parts = {}
    for name, part in whole.splits().items():
        places = np.flatnonzero(np.isin(part.labels, numbers))
        labels = np.searchsorted(numbers, part.labels[places]).astype(np.int64)
        parts[name] = ImageSet(np.asarray(part.images[places]), labels, classes, part.origin)
    return picturewise.Dataset(whole.name, **parts)


def learning(data: picturewise.Dataset) -> picturewise.Dataset:
    """Return the splits that learning sees."""
    return picturewise.Dataset(data.name, train=data.train, valid=data.valid)


def predicted(run: picturewise.Run, part: ImageSet) -> np.ndarray:
    """Return the class names that a run's classifier gives to pictures."""
    classifier = run.classifier()
    return np.array(classifier.classes)[classifier.probabilities(part.images).argmax(axis=1)]


def report(seed: int, way: str, run: picturewise.Run, tests: dict[str, ImageSet], before: np.ndarray) -> None:
    cells = []
    for part in tests.values():
        known = set(part.classes) & set(run.classifier().classes)
        right = predicted(run, part) == np.array(part.classes)[part.labels]
        cells.append(f"{100 * right.mean():.2f} %" if known else "")
    changed = int((predicted(run, tests["old"]) != before).sum())
    print(f"| {seed} | {way} | {' | '.join(cells)} | {changed:,} of {len(before):,} |", flush=True)


if __name__ == "__main__":
    main()
