"""How fast a classifier predicts in each number format by each library, and how many answers differ.

    python benchmarks/number_formats.py RUN=DATA… --pictures 2048 --rounds 3

The pictures are training pictures of DATA, chosen by a fixed seed: no test pictures are used. Every batch of 256 is
computed on one core by all libraries in turns, and processor seconds are counted. The first batch of each is left out,
because it compiles. A name such as `resnet18` instead of RUN=DATA is that network with drawn weights on noise of
32x32 colour pictures, whose answers mean nothing. Prints Markdown.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from picturewise.prediction.classifier import Classifier

BATCH = 256
WAYS = [
    ("float32", "onnxruntime"),
    ("bfloat16", "onnxruntime"),
    ("bfloat16", "openvino"),
    ("bfloat16", "torch"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("items", nargs="+")
    parser.add_argument("--pictures", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    os.environ["PICTUREWISE_CORES"] = "1"
    import torch

    torch.set_num_threads(1)
    print("| network | views | number format | library | pictures per processor second | × | other answers |")
    print("|---|---|---|---|---|---|---|")
    for item in asked.items:
        name, _, data = item.partition("=")
        classifier, pictures = trained(name, data, asked.pictures) if data else drawn(name, asked.pictures)
        measure(name.rstrip("/").rpartition("/")[2], classifier, pictures, asked.rounds, bool(data))


def trained(run: str, data: str, count: int) -> tuple[Classifier, np.ndarray]:
    from picturewise.data.read import read
    from picturewise.data.recognise import recognise
    from picturewise.runs.run import open_run

    classifier = open_run(run).classifier()
    part = read(recognise(data), classifier.description.read_options(), ["train"]).split("train")
    chosen = np.random.default_rng(5).permutation(len(part))[:count]
    return classifier, np.asarray(part.select(np.sort(chosen)).images)


def drawn(name: str, count: int) -> tuple[Classifier, np.ndarray]:
    from picturewise.architectures.lines import parse
    from picturewise.architectures.named import named_lines
    from picturewise.networks.builder import build
    from picturewise.prediction.description import Description
    from picturewise.preparing.preparation import Preparation

    lines = tuple(named_lines(name, (32, 32, 3)))
    description = Description(
        layers=lines,
        shape=(32, 32, 3),
        resize="crop",
        classes=tuple("0123456789"),
        preparation=Preparation(mean=(120.0,) * 3, std=(60.0,) * 3),
    )
    state = build(parse(lines), (32, 32, 3), "dense 10", seed=0).state_dict()
    noise = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)
    return Classifier({key: tensor.numpy().copy() for key, tensor in state.items()}, description), noise


def measure(name: str, classifier: Classifier, pictures: np.ndarray, rounds: int, told: bool) -> None:
    batches = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
    computed: list[Callable[[np.ndarray], np.ndarray]] = []
    for number_format, library in WAYS:
        description = replace(classifier.description, number_format=number_format)
        computed.append(Classifier(classifier.arrays, description, library=library).logits)
    for compute in computed:
        compute(batches[0])
    seconds: list[list[float]] = [[] for _ in WAYS]
    for _ in range(rounds):
        answers: list[list[np.ndarray]] = [[] for _ in WAYS]
        took = [0.0] * len(WAYS)
        for batch in batches:
            for way, compute in enumerate(computed):
                began = time.process_time()
                answers[way].append(compute(batch).argmax(axis=1))
                took[way] += time.process_time() - began
        for way, one in enumerate(took):
            seconds[way].append(one)
    first = np.concatenate(answers[0])
    views = classifier.description.preparation.seen.count
    for way, (number_format, library) in enumerate(WAYS):
        speed, times = len(pictures) / np.array(seconds[way]), np.array(seconds[0]) / np.array(seconds[way])
        other = f"{(np.concatenate(answers[way]) != first).sum()} of {len(first):,}" if told and way else "–"
        print(
            f"| {name} | {views} | {number_format} | {library} | {np.median(speed):,.0f} ({speed.min():,.0f}–"
            f"{speed.max():,.0f}) | {np.median(times):.2f} | {other} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
