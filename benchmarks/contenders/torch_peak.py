"""What the machine can do at most, measured with PyTorch: matrix products and convolutions, by cores and formats.

Usage: python torch_peak.py SIDE SECONDS CORES FORMAT…

For each line of the standard input, prints one line of JSON: for each format and operation, GFLOP in a processor
second, with one thread and with one for each core. An operation is repeated for so many seconds at least, and its
fastest time counts. Processor time is not disturbed by other programs that take their share of the cores.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import torch
from torch.nn import functional

FEWEST = 5  # repetitions
PLACES, KERNEL = 16, 3  # of a picture's side, of a kernel's


def gflops(
    work: Callable[[], object],
    count: float,
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Return the highest rate at which `work` does `count` floating-point operations, in 10⁹ a second of `clock`."""
    work()
    fastest, ends, times = float("inf"), time.perf_counter() + seconds, 0
    while times < FEWEST or time.perf_counter() < ends:
        began = clock()
        work()
        fastest, times = min(fastest, clock() - began), times + 1
    return count / fastest / 1e9


def operations(side: int, number: torch.dtype) -> dict[str, tuple[Callable[[], object], float]]:
    """Return what is measured, and how many floating-point operations it takes.

    Args:
        side: of the matrices; an eighth of it is the number of channels and a thirty-second the number of pictures.
        number: the format.
    """
    left, right = (torch.rand(side, side).to(number) for _ in range(2))
    channels, pictures = side // 8, max(1, side // 32)
    layout = torch.channels_last
    batch = torch.rand(pictures, channels, PLACES, PLACES).to(number).to(memory_format=layout)
    kernels = torch.rand(channels, channels, KERNEL, KERNEL).to(number).to(memory_format=layout)
    convolved = 2 * pictures * PLACES**2 * channels**2 * KERNEL**2
    return {
        "matrix product": (lambda: torch.mm(left, right), 2 * side**3),
        "convolution 3x3, channels-last": (lambda: functional.conv2d(batch, kernels, padding=1), convolved),
    }


def rates(side: int, seconds: float, cores: int, formats: list[str]) -> dict[str, dict[str, float]]:
    """Return GFLOP in a processor second by operation and number of threads."""
    found: dict[str, dict[str, float]] = {}
    for name in formats:
        for what, (work, count) in operations(side, getattr(torch, name)).items():
            by_threads = found.setdefault(f"{name}, {what}", {})
            for threads in sorted({1, cores}):
                torch.set_num_threads(threads)
                with torch.inference_mode():
                    by_threads[str(threads)] = gflops(work, count, seconds, time.process_time)
    return found


def main(side: int, seconds: float, cores: int, formats: list[str]) -> None:
    while sys.stdin.readline():
        print(json.dumps(rates(side, seconds, cores, formats)), flush=True)


if __name__ == "__main__":
    from stopwatch import end_with_parent

    end_with_parent()
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
