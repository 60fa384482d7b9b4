"""Turns as Markdown: ratios first, then rates; medians with the lowest and the highest."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from racing.races import Turn
from racing.workloads import NETWORKS, Workload

DIRECTIONS = {"train": 3, "predict": 1}
"""Times that a picture's multiplications are done: forward, and on the way back for the weights and for the inputs."""
IN_CPU_TIME = "the same in CPU time"
Results = Mapping[str, Sequence[Turn]]


def overview(results: Mapping[str, Results]) -> str:
    """Return one table of all workloads: the median ratio of the first contender to each of the others in CPU time."""
    titles = list(dict.fromkeys(title for turns in results.values() for title in turns))
    first = titles[0]
    rows = []
    for title in titles[1:]:
        cells = [
            f"{statistics.median(cpu_ratios(turns[first], turns[title])):.2f}"
            if {first, title} <= turns.keys()
            else ""
            for turns in results.values()
        ]
        rows.append([title, *cells])
    return table([f"CPU time relative to that of {first}", *results], rows)


def batches(workload: Workload, turns: Results, peak: float) -> str:
    """Return the table of a workload that is measured in pictures a second.

    Args:
        workload: of training, prediction or import.
        turns: of each contender; ratios are those of the first.
        peak: GFLOP that the machine was measured to do in a processor second.
    """
    first = next(iter(turns))
    computing = workload.task in DIRECTIONS
    head = ["", f"speed of {first} relative to this tool", IN_CPU_TIME, "images/s"]
    head += ["CPU seconds for 1,000 images", *(["share of the peak"] if computing else [])]
    rows = []
    for title, taken in turns.items():
        row = [
            title,
            spread(ratios(turns[first], taken), ".2f"),
            spread(cpu_ratios(turns[first], taken), ".2f"),
            spread([turn.speed for turn in taken], ",.0f"),
            spread([1000 * turn.processor_seconds / turn.images for turn in taken], ".3f"),
        ]
        if computing:
            done = operations(workload) / 1e9
            rate = statistics.median(done * turn.images / turn.processor_seconds for turn in taken)
            row += [f"{100 * rate / peak:.0f} %"]
        rows.append(row)
    return table(head, rows)


def processes(turns: Results) -> str:
    """Return the table of a workload that is measured in whole processes, by the wall and by the processor."""
    first = next(iter(turns))
    head = ["", f"speed of {first} relative to this tool", IN_CPU_TIME, "seconds", "CPU seconds"]
    rows = []
    for title, taken in turns.items():
        rows.append(
            [
                title,
                spread(ratios(turns[first], taken), ".2f"),
                spread(cpu_ratios(turns[first], taken), ".2f"),
                spread([turn.seconds for turn in taken], ".2f"),
                spread([turn.processor_seconds for turn in taken], ".2f"),
            ]
        )
    return table(head, rows)


def peaks(found: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """Return the table of what the machine was measured to do: GFLOP in a processor second by operation and threads."""
    threads = list(next(iter(found.values())))
    head = ["GFLOP in a CPU second", *(f"{count} thread{'s' * (count != '1')}" for count in threads)]
    return table(
        head, [[what, *(spread(rates[count], ",.1f") for count in threads)] for what, rates in found.items()]
    )


def operations(workload: Workload) -> int:
    """Return about how many floating-point operations a picture takes: a multiplication comes with an addition."""
    return 2 * DIRECTIONS[workload.task] * NETWORKS[workload.network].summary.multiplications


def ratios(first: Sequence[Turn], other: Sequence[Turn]) -> list[float]:
    """Return the speed of one contender over that of another, round by round."""
    return [ours.speed / theirs.speed for ours, theirs in zip(first, other, strict=True)]


def cpu_ratios(first: Sequence[Turn], other: Sequence[Turn]) -> list[float]:
    """Return the same in processor time: what another contender takes over what the first takes for a picture."""
    return [
        (theirs.processor_seconds / theirs.images) / (ours.processor_seconds / ours.images)
        for ours, theirs in zip(first, other, strict=True)
    ]


def spread(values: Sequence[float], form: str) -> str:
    """Return the median and, in brackets, the lowest and the highest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as Markdown."""
    lines = ["".join(f"| {cell} " if cell else "| " for cell in row) + "|" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])
