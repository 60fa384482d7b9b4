"""What up to 256 workers would reach, computed from what was measured on one core: `workers.py model`.

Measured, in processor seconds of one core: a part of a batch forwards and backwards, the optimizer, reading and
augmenting a batch, and the sum of the gradients of two processes, taken as 2 · (latency + bytes / bandwidth).
Computed: the seconds of a step with N workers,

    augment(batch) + parts / N · part + optimizer + 2 · log2(N) · (latency + bytes / bandwidth)

In exact mode, a batch of 128 has 8 parts, the shards; in fast mode, N. For N > 8, both have N parts of 16 pictures, so
the batch is larger: another recipe. The efficiency is the pictures a second of N workers, divided by N times those of
one worker in the same mode. Validation, checkpoints and waiting for the slowest worker are left out.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed as dist

from picturewise.recipes.recipe import make_recipe
from picturewise.tasks.load import make_dataset
from picturewise.training.make_learner import make_learner
from picturewise.training.torch_group import TorchGroup

WORKERS = (1, 2, 4, 8, 16, 64, 256)
BATCH, SHARDS, SMALLEST = 128, 8, 16
NETWORKS = {"cnn": (28, 28, 1), "resnet18": (32, 32, 3)}
LENGTHS = (1_000, 300_000, 11_200_000)  # floats; the network's are about the second and the third
WIRES = {"this machine": None, "10 Gbit/s": 10e9 / 8, "100 Gbit/s": 100e9 / 8}


class Link(NamedTuple):
    """Seconds, and bytes a second, of a message."""

    latency: float
    bandwidth: float


class Measured(NamedTuple):
    """Processor seconds of a part by its pictures, of the optimizer, of augmenting a picture; bytes of gradients."""

    part: dict[int, float]
    optimizer: float
    picture: float
    size: int


def step_seconds(found: Measured, link: Link, workers: int, *, exact: bool) -> tuple[float, int]:
    """Return the computed seconds of a step, and the pictures of its batch."""
    batch = BATCH if workers <= SHARDS else SMALLEST * workers
    parts = max(SHARDS, workers) if exact else workers
    added = 2 * np.log2(workers) * (link.latency + found.size / link.bandwidth)
    own = parts // workers * found.part[batch // parts]
    return found.picture * batch + own + found.optimizer + added, batch


def main(rounds: int) -> None:
    """Measure, and print Markdown."""
    links = {"exact": measure_link("sum"), "fast": measure_link("quick_sum")}
    heads = [f"{mode}, {wire}" for mode in links for wire in WIRES]
    for name, shape in NETWORKS.items():
        found = measure_network(name, shape, rounds)
        parts = ", ".join(f"{count}: {1e3 * seconds:.1f}" for count, seconds in sorted(found.part.items()))
        print(
            f"\n{name}, measured: {found.size / 1e6:.1f} MB; ms of a part by its pictures: {parts}; optimizer "
            f"{1e3 * found.optimizer:.1f} ms; reading and augmenting 128 pictures {1e3 * BATCH * found.picture:.1f} ms"
        )
        print(f"\n{name}, computed, not measured: steps/s (efficiency)\n\n| N | {' | '.join(heads)} |")
        print("|---|" + "---|" * len(heads))
        for workers in WORKERS:
            cells = [
                cell(
                    found, link if most is None else Link(link.latency, most), workers, exact=mode == "exact"
                )
                for mode, link in links.items()
                for most in WIRES.values()
            ]
            print(f"| {workers} | {' | '.join(cells)} |", flush=True)


def cell(found: Measured, link: Link, workers: int, *, exact: bool) -> str:
    alone, usual = step_seconds(found, link, 1, exact=exact)
    seconds, batch = step_seconds(found, link, workers, exact=exact)
    return f"{1 / seconds:.2f} ({batch / seconds * alone / usual / workers:.0%})"


def measure_network(name: str, shape: tuple[int, ...], rounds: int) -> Measured:
    """Return the medians over rounds, in which the sizes of parts take turns."""
    random = np.random.default_rng(0)
    train = random.integers(0, 256, (1_000, *shape), np.uint8), random.integers(0, 10, 1_000)
    data = make_dataset(train, valid=train, classes=list("abcdefghij"))
    learners = {}
    for count in (BATCH, 64, 32, SMALLEST):  # pictures in a shard; the whole batch has none
        shards = {} if count == BATCH else {"shards": BATCH // count}
        options = {"batch_size": BATCH, "threads": 1, "folds": 0, "device": "cpu", **shards}
        recipe = make_recipe({"data": {}, "model": {"name": name}, "training": options, "seed": 0})
        learners[count], _ = make_learner(recipe, data)
    spent: dict[str | int, list[float]] = {key: [] for key in (*learners, "optimizer", "augment")}
    for number in range(rounds + 1):
        for count, learner in learners.items():
            with learner.learning():
                order, place = learner.begin(1)[:BATCH], (1, number)
                batch = learner.augmented(order, place)
                spent["augment"].append(processor(learner.augmented, order, place))
                spent[count].append(processor(learner.engine.step, *batch, 1e-4, place))
                spent["optimizer"].append(processor(learner.optimizer.step, 1e-4))
    median = {key: statistics.median(values[len(values) // (rounds + 1) :]) for key, values in spent.items()}
    part = {count: (median[count] - median["optimizer"]) * count / BATCH for count in learners}
    size = 4 * sum(p.numel() for p in learners[BATCH].network.parameters())
    return Measured(part, median["optimizer"], median["augment"] / BATCH, size)


def measure_link(method: str) -> Link:
    """Return the link by which two processes seem to add their vectors, and print what was measured."""
    with tempfile.TemporaryDirectory(prefix="workers-") as name:
        torch.multiprocessing.spawn(add, (name, method), nprocs=2)
        seconds = np.loadtxt(f"{name}/seconds")
    link = Link(seconds[0] / 2, 2 * 4 * LENGTHS[-1] / (seconds[-1] - seconds[0]))
    sums = ", ".join(f"{4e-6 * n:.3g} MB: {1e3 * s:.2f}" for n, s in zip(LENGTHS, seconds, strict=True))
    fitted = f"{1e6 * link.latency:.0f} µs and {link.bandwidth / 1e9:.2f} GB/s"
    print(f"{method} of two processes, measured: processor ms of each by size: {sums}; so {fitted} a message")
    return link


def add(rank: int, folder: str, method: str) -> None:
    """Add vectors, as one of two processes, and let the first one write the mean seconds of both."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    group, own = TorchGroup(torch.device("cpu")), []
    for length in LENGTHS:
        times = [processor(getattr(group, method), torch.ones(length)) for _ in range(12)]
        own.append(statistics.median(times[2:]))
    found = group.gathered(own)
    if rank == 0:
        np.savetxt(f"{folder}/seconds", np.mean(found, axis=0))
    dist.destroy_process_group()


def processor(work: Callable[..., Any], *arguments: Any) -> float:
    """Return the processor seconds that a call takes, in all threads of this process."""
    began = time.process_time()
    work(*arguments)
    return time.process_time() - began
