"""Images per second of training, Sightline next to Keras, the same layers and batches, in turns.

Usage: python benchmarks/train_step.py --peers-python PATH [--data MNIST_FOLDER] [--contenders all]
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.architectures.presets import preset

HERE = Path(__file__).parent
SHAPE = (28, 28, 1)
CLASSES = 10
LEARNING_RATE = 0.001
# script and settings of each contender; the ratios are those of the first one in a run
CONTENDERS = {
    "Sightline": ("sightline", []),
    "Sightline, float32": ("sightline", ["float32"]),
    "Keras fit": ("keras", []),
    "Keras fit, channels first": ("keras", ["channels-first"]),
    "Keras fit, bfloat16": ("keras", ["bfloat16"]),
    "Keras fit, channels first, bfloat16": ("keras", ["channels-first", "bfloat16"]),
    "Keras fit, compiled": ("keras", ["compiled"]),
    "Keras train_on_batch": ("keras", ["train_on_batch"]),
}
USUAL = ["Sightline", "Sightline, float32", "Keras fit", "Keras train_on_batch"]


@dataclass
class Contender:
    """One process that trains when told to."""

    name: str
    process: subprocess.Popen[str]
    versions: dict[str, str] = field(default_factory=dict)
    images_per_second: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)  # for 1,000 images

    def hear(self) -> dict[str, Any]:
        """Return the next line that it writes."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended before it was measured; its message stands above.")
        return json.loads(line)

    def race(self) -> None:
        """Let it train one epoch and keep the times."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        times = self.hear()
        self.images_per_second.append(times["images"] / times["seconds"])
        self.processor_seconds.append(1000 * times["processor_seconds"] / times["images"])


def main() -> None:
    options = parsed_arguments()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        images, labels = pictures(options)
        np.savez(folder / "data.npz", images=images, labels=labels)
        contenders = [start(name, options, folder, stack) for name in options.contenders]
        for _ in range(options.rounds):
            for contender in contenders:
                contender.race()
    print(table(contenders))
    print()
    print(circumstances(contenders, options, load))


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers-python", type=Path, required=True, help="interpreter that has Keras")
    parser.add_argument(
        "--data", type=Path, help="folder with MNIST's train-*-ubyte.gz; without: random pictures"
    )
    parser.add_argument("--images", type=int, default=6400, help="pictures an epoch (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=7, help="epochs measured for each (default: %(default)s)"
    )
    parser.add_argument("--batch-size", type=int, default=128, help="(default: %(default)s)")
    parser.add_argument("--cores", type=int, default=2, help="processor cores for all (default: %(default)s)")
    parser.add_argument(
        "--contenders", nargs="+", default=USUAL, help=f"'all', or some of: {'; '.join(CONTENDERS)}"
    )
    options = parser.parse_args()
    if options.contenders == ["all"]:
        options.contenders = list(CONTENDERS)
    if unknown := set(options.contenders) - set(CONTENDERS):
        parser.error(f"there is no contender {', '.join(sorted(unknown))}; there are {'; '.join(CONTENDERS)}")
    # whole batches only, so that no engine has to deal with a shorter one
    options.images -= options.images % options.batch_size
    return options


def pictures(options: argparse.Namespace) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return (N, 28, 28, 1) uint8 and (N,) int64."""
    if options.data is None:
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (options.images, *SHAPE), np.uint8)
        return images, random.integers(0, CLASSES, options.images)
    # IDX: a head of 4 bytes and 4 more for each dimension, then the values
    images = np.frombuffer(
        gzip.decompress((options.data / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8
    )
    labels = np.frombuffer(
        gzip.decompress((options.data / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8
    )
    images, labels = images[16:].reshape(-1, *SHAPE), labels[8:]
    return images[: options.images], labels[: options.images].astype(np.int64)


def start(name: str, options: argparse.Namespace, folder: Path, stack: ExitStack) -> Contender:
    """Start a contender and wait until it is warm."""
    side, settings = CONTENDERS[name]
    job = {
        "layers": preset("cnn", SHAPE),
        "classes": CLASSES,
        "batch_size": options.batch_size,
        "learning_rate": LEARNING_RATE,
        "data": str(folder / "data.npz"),
        "settings": settings,
    }
    path = folder / f"{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    python = options.peers_python if side == "keras" else sys.executable
    command = [str(python), str(HERE / f"train_step_{side}.py"), str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stack.enter_context(process)  # closes the pipes, upon which the process ends, and waits for it
    contender = Contender(name, process)
    contender.versions = contender.hear()["versions"]
    return contender


def table(contenders: Sequence[Contender]) -> str:
    first = contenders[0]
    rows = [
        f"| | speed of {first.name} relative to it | images/s | processor seconds for 1,000 images |",
        "|---|---|---|---|",
    ]
    for contender in contenders:
        ratios = [
            ours / theirs
            for ours, theirs in zip(first.images_per_second, contender.images_per_second, strict=True)
        ]
        rows.append(
            f"| {contender.name} | {spread(ratios, '.2f')} | {spread(contender.images_per_second, ',.0f')} "
            f"| {spread(contender.processor_seconds, '.2f')} |"
        )
    return "\n".join(rows)


def spread(values: Sequence[float], form: str) -> str:
    """Return the median and, in brackets, the lowest and the highest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def circumstances(contenders: Sequence[Contender], options: argparse.Namespace, load: float) -> str:
    versions = {"Python": platform.python_version()}
    for contender in contenders:
        versions |= contender.versions
    source = options.data.name if options.data else "random pictures"
    engines = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Median (lowest–highest) of {options.rounds} interleaved epochs of {options.images:,} images "
        f"({source}), batch size {options.batch_size}, after one epoch of warm-up.\n"
        f"Layers: {'; '.join(preset('cnn', SHAPE))}; dense {CLASSES}. "
        f"Adam, constant learning rate {LEARNING_RATE}.\n"
        f"Machine: {processor()}, {options.cores} cores, {platform.system()}, load {load:.1f} before the start.\n"
        f"{engines}.\n"
        f"Command: python {shlex.join(sys.argv)}"
    )


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
