"""Few photographs: the default with pretrained layers, a network from scratch, and a script written by hand.

    python benchmarks/photographs.py FLOWERS --work FOLDER --published FOLDER --out results.csv

FLOWERS is a folder with a folder of pictures for each class. A fifth of the pictures is the test split; near copies
(the same 8x8 differences of neighbouring pixels, up to `SAME` of 64) stay in the same split, or with `--group` all
whose names have the same match. From the rest, `--each` pictures of each class are drawn with each seed. Every
contender is trained on them and evaluated on the test pictures:

    picturewise    picturewise train, all defaults
    scratch        picturewise train --model cnn
    by-hand        contenders/photographs_by_hand.py: the published PyTorch code of the same network, its features, and
                   scikit-learn's logistic regression; --published is the folder that has that code and its weights
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

SAME = 4
HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", nargs="*", default=["10", "20", "50", "all"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--group", help="a pattern whose first group, in a file's name, stays in one split")
    parser.add_argument("--contenders", nargs="*", default=["picturewise", "by-hand", "scratch"])
    asked = parser.parse_args()
    pool, test = parted(asked.pictures, asked.group)
    print(f"{sum(map(len, pool.values())):,} to draw from, {sum(map(len, test.values())):,} for the test")
    with asked.out.open("a", newline="") as file:
        rows = csv.writer(file)
        if file.tell() == 0:
            rows.writerow(["each", "seed", "contender", "accuracy", "processor_seconds", "seconds"])
        for each in asked.each:
            for seed in range(asked.seeds if each != "all" else min(asked.seeds, 1)):
                data = laid_out(asked.work / "data", pool, test, each, seed)
                for contender in asked.contenders:
                    found = measured(contender, data, asked, seed)
                    rows.writerow([each, seed, contender, *(f"{number:.4f}" for number in found)])
                    file.flush()
                    print(each, seed, contender, *(f"{number:.4f}" for number in found), flush=True)


def parted(folder: Path, pattern: str | None = None) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Return the pictures of each class to draw from, and those of the test; near copies are on one side."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    group = near_copies(paths) if pattern is None else named(paths, pattern)
    random = np.random.default_rng(0)
    chosen = set(random.permutation(np.unique(group))[: len(np.unique(group)) // 5].tolist())
    print(f"{len(paths):,} pictures in {len(np.unique(group)):,} groups")
    pool, test = dict[str, list[Path]](), dict[str, list[Path]]()
    for path, own in zip(paths, group.tolist(), strict=True):
        (test if own in chosen else pool).setdefault(path.parent.name, []).append(path)
    return pool, test


def named(paths: list[Path], pattern: str) -> np.ndarray:
    """Return the number of the group of each picture, by its name."""
    names = [found[1] if (found := re.search(pattern, path.name)) else path.name for path in paths]
    return np.unique(names, return_inverse=True)[1]


def near_copies(paths: list[Path]) -> np.ndarray:
    """Return a number for each picture, the same for near copies."""
    hashes = np.array([difference_hash(path) for path in paths])  # (N, 64)
    group = np.arange(len(paths))
    for number in range(len(paths)):
        near = np.flatnonzero((hashes[number + 1 :] != hashes[number]).sum(axis=1) <= SAME) + number + 1
        for other in near:
            group[group == group[other]] = group[number]
    return group


def difference_hash(path: Path) -> np.ndarray:
    """Return whether each of 8x8 pixels is brighter than its right neighbour, (64,) bool."""
    small = np.asarray(Image.open(path).convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    return (small[:, 1:] > small[:, :-1]).ravel()


def laid_out(
    folder: Path, pool: dict[str, list[Path]], test: dict[str, list[Path]], each: str, seed: int
) -> Path:
    """Return a folder with `train` and `test`, and a folder for each class in both."""
    shutil.rmtree(folder, ignore_errors=True)
    random = np.random.default_rng(seed)
    for split, parts in (("train", pool), ("test", test)):
        for name, paths in parts.items():
            place = folder / split / name
            place.mkdir(parents=True)
            count = len(paths) if split == "test" or each == "all" else int(each)
            for number in random.permutation(len(paths))[:count]:
                shutil.copy(paths[number], place)
    return folder


def measured(contender: str, data: Path, asked: argparse.Namespace, seed: int) -> tuple[float, float, float]:
    """Return the accuracy on the test pictures, and the processor and wall-clock seconds of training and evaluation."""
    run, home = asked.work / "run", asked.work / "home"
    for place in (run, home):
        shutil.rmtree(place, ignore_errors=True)
    environment = os.environ | {"PICTUREWISE_HOME": str(home)}
    python, command = sys.executable, [sys.executable, "-m", "picturewise"]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    if contender == "by-hand":
        script = HERE / "contenders" / "photographs_by_hand.py"
        said = called([python, str(script), str(data), str(asked.published)], environment)
        accuracy = float(json.loads(said.splitlines()[-1])["accuracy"])
    else:
        model = ["--model", "cnn"] if contender == "scratch" else []
        model += [] if asked.group is None else ["--group-by", asked.group]
        called([*command, "train", str(data), "--seed", str(seed), "--out", str(run), *model], environment)
        found = json.loads(called([*command, "evaluate", str(run), "--json"], environment))
        accuracy = float(found["accuracy"]["value"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return accuracy, used, time.perf_counter() - began


def called(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
