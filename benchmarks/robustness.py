r"""Accuracy on clean pictures and on darker, paler, noisy, shifted and rotated ones, and what training costs.

    python benchmarks/robustness.py MNIST --out results.csv
    python benchmarks/robustness.py MNIST --out results.csv --augment "shift 1" "shift 1; brightness 0.3..1" \
        --seeds 3 --set training.epochs=5 data.limit=10000

Trains with each of the lines of `--augment` (`default`: what is derived from the data) and each seed, in turns, with
the settings of `--set`, which are those of `picturewise train`. The accuracies are those of the best epoch's
classifier on the validation split; `--test` uses the test split instead, and is only for a choice that was made before.

The corruptions are applied to the stored uint8 pictures, and give uint8 pictures:

    x0.5, x0.3              each pixel multiplied and cut to a whole number
    contrast 0.5, 0.3       the distance of each pixel from 127.5 multiplied, and rounded
    bright +51, -51         20 % of white added or subtracted, within 0..255
    noise 25, noise 50      Gaussian noise of this standard deviation, rounded, within 0..255
    shift 2, shift 4        moved diagonally by that many 32nds of the side; edge pixels are repeated
    rotate 15, rotate 30    turned by that many degrees (Pillow, bilinear), every other picture clockwise

Each run is one line of `--out`: accuracies in [0, 1], the processor seconds of training with its validation, and the
milliseconds of a step, which depend on what else the machine does. Prints the means over the seeds as Markdown.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import picturewise
from picturewise import Callback
from picturewise.tasks.load import load, own_source

Pictures = NDArray[np.uint8]  # (N, H, W, C)
COSTS = ("processor_seconds", "ms_per_step")


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="a path, or the name of a data set")
    parser.add_argument("--out", type=Path, required=True, help="CSV file; new lines are added to it")
    parser.add_argument("--augment", nargs="+", default=["default"], metavar="LINES")
    parser.add_argument("--set", nargs="+", default=[], dest="settings", metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--test", action="store_true", help="the test split instead of validation")
    asked = parser.parse_args(words)
    split = "test" if asked.test else "valid"
    asked.settings = ["training.folds=0", *asked.settings]  # few pictures would not have a validation split
    rows = []
    with asked.out.open("a", newline="", encoding="utf-8") as file, tempfile.TemporaryDirectory() as place:
        columns = ["data", "settings", "augment", "used", "seed", "split", "pictures", *CORRUPTIONS, *COSTS]
        table = csv.DictWriter(file, columns)
        if file.tell() == 0:
            table.writeheader()
        for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
            for number, lines in enumerate(asked.augment):
                found = measured(
                    asked.data, lines, asked.settings, seed, split, Path(place, f"{seed}-{number}")
                )
                row = {
                    "data": Path(asked.data).name,
                    "settings": " ".join(asked.settings),
                    "augment": lines,
                    "seed": seed,
                    "split": split,
                    **found,
                }
                table.writerow(row)
                file.flush()
                rows.append(row)
                print(f"# {lines}, seed {seed}: clean {found['clean']:.4f}", flush=True)
    print(as_markdown(rows))
    print(
        f"\n{split}, {platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the end"
    )


class Clock(Callback):
    """Notes the processor seconds from before the first batch to the end of the last validation."""

    def on_start(self, trainer: Any) -> None:
        """Begin."""
        self.batches = trainer.batches
        self.began = time.process_time()

    def on_stop(self, trainer: Any) -> None:
        """End."""
        self.seconds = time.process_time() - self.began


def measured(
    data: str, lines: str, settings: Sequence[str], seed: int, split: str, out: Path
) -> dict[str, Any]:
    """Train once; return the lines that were used, the number of pictures, the accuracies and the costs."""
    clock = Clock()
    augment = [] if lines == "default" else [f"preparation.augmentation={as_list(lines)}"]
    run = picturewise.train(
        data, seed=seed, settings=[*settings, *augment], out=out, callbacks=[clock], progress=False
    )
    part = load(own_source(run, None), run.recipe.data, splits={split}, progress=False).split(split)
    pictures, classifier = np.asarray(part.images), run.classifier()
    accuracies = {
        name: float((classifier.probabilities(corrupt(pictures)).argmax(axis=1) == part.labels).mean())
        for name, corrupt in CORRUPTIONS.items()
    }
    seconds = [row.seconds - (row.valid_seconds or 0) for row in run.history]
    steps = clock.batches * len(run.history)
    return {
        "used": "; ".join(run.recipe.preparation.augmentation),
        "pictures": len(pictures),
        **accuracies,
        "processor_seconds": round(clock.seconds, 1),
        "ms_per_step": round(1000 * sum(seconds) / steps, 2),
    }


def as_list(lines: str) -> str:
    """Return augmentation lines as a TOML list; of `none`, an empty one."""
    return json.dumps([line.strip() for line in lines.split(";") if line.strip() not in {"", "none"}])


def as_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return the means over the seeds: one row for each augmentation, accuracies in percent."""
    names = list(dict.fromkeys(row["augment"] for row in rows))
    text = [f"| augmentation | {' | '.join([*CORRUPTIONS, 'CPU s', 'ms/step'])} |"]
    text.append("|---|" + "---:|" * (len(CORRUPTIONS) + 2))
    for name in names:
        own = [row for row in rows if row["augment"] == name]
        means = {key: statistics.mean(row[key] for row in own) for key in (*CORRUPTIONS, *COSTS)}
        cells = [f"{100 * means[key]:.2f}" for key in CORRUPTIONS] + [f"{means[key]:.1f}" for key in COSTS]
        text.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(text)


def multiplied(tenths: int) -> Callable[[Pictures], Pictures]:
    """Return a function that multiplies pixels by `tenths` / 10 and cuts to whole numbers."""
    return lambda pictures: (pictures.astype(np.uint16) * tenths // 10).astype(np.uint8)


def paled(factor: float) -> Callable[[Pictures], Pictures]:
    """Return a function that multiplies the distances of pixels from 127.5."""
    return lambda pictures: as_pixels(127.5 + (pictures - 127.5) * factor)


def brightened(amount: int) -> Callable[[Pictures], Pictures]:
    """Return a function that adds a number to each pixel."""
    return lambda pictures: as_pixels(pictures.astype(np.int16) + amount)


def noisy(deviation: float) -> Callable[[Pictures], Pictures]:
    """Return a function that adds Gaussian noise, always the same for pictures of the same shape."""
    return lambda pictures: as_pixels(
        pictures + deviation * np.random.default_rng(0).standard_normal(pictures.shape, np.float32)
    )


def shifted(share: int) -> Callable[[Pictures], Pictures]:
    """Return a function that moves pictures by `share` / 32 of the side; the four diagonals take turns."""

    def shift(pictures: Pictures) -> Pictures:
        _, height, width, _ = pictures.shape
        rows, columns = round(share * height / 32), round(share * width / 32)
        result = np.empty_like(pictures)
        for turn, (down, right) in enumerate([(1, 1), (1, -1), (-1, 1), (-1, -1)]):
            from_rows = np.clip(np.arange(height) - down * rows, 0, height - 1)
            from_columns = np.clip(np.arange(width) - right * columns, 0, width - 1)
            result[turn::4] = pictures[turn::4, from_rows][:, :, from_columns]
        return result

    return shift


def rotated(degrees: float) -> Callable[[Pictures], Pictures]:
    """Return a function that turns pictures, the first one anticlockwise, the next one clockwise, and so on."""

    def rotate(pictures: Pictures) -> Pictures:
        result = np.empty_like(pictures)
        for number, picture in enumerate(pictures):
            angle = degrees if number % 2 == 0 else -degrees
            turned = Image.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture).rotate(
                angle, Image.Resampling.BILINEAR
            )
            result[number] = np.asarray(turned).reshape(picture.shape)
        return result

    return rotate


def as_pixels(values: NDArray[Any]) -> Pictures:
    """Return numbers rounded (halves to even) and cut to 0..255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CORRUPTIONS: dict[str, Callable[[Pictures], Pictures]] = {
    "clean": lambda pictures: pictures,
    "x0.5": multiplied(5),
    "x0.3": multiplied(3),
    "contrast 0.5": paled(0.5),
    "contrast 0.3": paled(0.3),
    "bright +51": brightened(51),
    "bright -51": brightened(-51),
    "noise 25": noisy(25),
    "noise 50": noisy(50),
    "shift 2": shifted(2),
    "shift 4": shifted(4),
    "rotate 15": rotated(15),
    "rotate 30": rotated(30),
}


if __name__ == "__main__":
    main()
