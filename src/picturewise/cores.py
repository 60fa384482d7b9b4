"""How many processor cores this process may use, and how much work is worth sharing among them."""

from __future__ import annotations

import os
from pathlib import Path

WORTH_SHARING = 100e6
"""Multiplications below which one core computes alone: distributing less work costs more than it saves, as measured."""


def available_cores() -> int:
    """Return how many processor cores this process may use, according to its affinity and Linux's cgroup limits."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _cgroup_limit()))


def _cgroup_limit() -> int:
    """Return the whole cores that a Linux control group grants; without a limit, a very large number."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return int(quota) // int(period)
    except (OSError, ValueError):  # no such file, or "max"
        return 1 << 30
