"""Every preset forward and backward, also where that is too slow for a test: VGG and Wide-ResNet on 224x224.

    python benchmarks/presets.py
    python benchmarks/presets.py resnet18 vgg16

Each one is built for 28x28 grey, 32x32 and 64x64 colour pictures with 10 classes, and for 224x224 with 1,000. One
batch of two random pictures goes through and back; `ok` means that every parameter got a finite gradient and that
kernels and matrices got one that is not zero. The published counts are those of
docs/reference/layers.md. Prints Markdown.
"""

from __future__ import annotations

import platform
import sys
import time

import torch
from torch import nn
from torch.nn import functional

from picturewise.architectures.layers import Shape, show
from picturewise.architectures.lines import parse
from picturewise.architectures.named import NETWORKS, named_lines
from picturewise.networks.builder import build

CASES: list[tuple[Shape, int]] = [
    ((28, 28, 1), 10),
    ((32, 32, 3), 10),
    ((64, 64, 3), 10),
    ((224, 224, 3), 1000),
]
PUBLISHED = {
    ("vgg11", 224): 132_868_840,
    ("vgg13", 224): 133_053_736,
    ("vgg16", 224): 138_365_992,
    ("vgg19", 224): 143_678_248,
    ("resnet18", 224): 11_689_512,
    ("resnet34", 224): 21_797_672,
    ("resnet50", 224): 25_557_032,
    ("resnet20", 32): 272_474,
    ("wide-resnet-28-10", 32): 36_479_194,
}


def main() -> None:
    names = sys.argv[1:] or list(NETWORKS)
    print("| preset | input | parameters | published | forward and backward | seconds |")
    print("|---|---|---:|---:|---|---:|")
    failed = False
    for name in names:
        for shape, classes in CASES:
            network = build(parse(named_lines(name, shape)), shape, f"dense {classes}", seed=0)
            count = sum(parameter.numel() for parameter in network.parameters())
            published = PUBLISHED.get((name, shape[0]))
            began = time.perf_counter()
            problem = passes(network, shape, classes)
            seconds = time.perf_counter() - began
            wrong = published is not None and published != count
            failed |= bool(problem) or wrong
            known = "" if published is None else f"{published:,}" + " ≠" * wrong
            print(
                f"| {name} | {show(shape)} | {count:,} | {known} | {problem or 'ok'} | {seconds:.1f} |",
                flush=True,
            )
    print(f"\n{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    sys.exit(failed)


def passes(network: nn.Module, shape: Shape, classes: int) -> str:
    """Return what is wrong after a step forward and back, or an empty text."""
    for module in network.modules():  # scales that begin at zero would hide the gradients before them
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
    pictures = torch.randn(2, shape[2], *shape[:2], generator=torch.Generator().manual_seed(0))
    logits = network.train()(pictures.to(memory_format=torch.channels_last))
    if tuple(logits.shape) != (2, classes):
        return f"logits {tuple(logits.shape)}"
    functional.cross_entropy(logits, torch.tensor([3, 7])).backward()
    for name, parameter in network.named_parameters():
        gradient = parameter.grad
        if gradient is None or not bool(torch.isfinite(gradient).all()):
            return f"{name}: no finite gradient"
        if parameter.ndim > 1 and not bool(gradient.any()):
            return f"{name}: gradient zero"
    return ""


if __name__ == "__main__":
    main()
