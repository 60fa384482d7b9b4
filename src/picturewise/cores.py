"""The processor: its name, its number formats, how many cores this process may use, and what is worth sharing."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path

WORTH_SHARING = 100e6
"""Multiplications below which one core computes alone: distributing less work costs more than it saves, as measured."""


CORES = "PICTUREWISE_CORES"
"""The environment variable with the number of cores that a process uses at most, such as its share beside others."""


def available_cores() -> int:
    """Return how many processor cores this process may use: by its affinity, Linux's cgroup limits, and `CORES`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = os.environ.get(CORES, "")
    return max(1, min(cores, _cgroup_limit(), int(share) if share.isdecimal() else cores))


@functools.cache  # it is asked for each picture that a service predicts
def _cgroup_limit() -> int:
    """Return the whole cores that a Linux control group grants; without a limit, a very large number."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return int(quota) // int(period)
    except (OSError, ValueError):  # no such file, or "max"
        return 1 << 30


def processor() -> str:
    """Return the processor's name from the system."""
    return cpu_info("model name") or platform.processor() or platform.machine()


def has_bfloat16() -> bool:
    """Return whether the processor multiplies numbers in bfloat16: by avx512_bf16 or AMX, in Linux."""
    flags = cpu_info("flags").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def has_amx() -> bool:
    """Return whether the processor has matrix instructions for bfloat16 (AMX), in Linux."""
    return "amx_bf16" in cpu_info("flags").split()


def cpu_info(field: str) -> str:
    """Return one field of the first processor in Linux's /proc/cpuinfo, or an empty string."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next(
        (line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == field), ""
    )
