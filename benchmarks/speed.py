"""Picturewise beside the tools that one would take instead: training, prediction, one picture, import.

    python benchmarks/speed.py --peers-python .venv-peers/bin/python [--markdown FILE]
    python benchmarks/speed.py --workloads train-dense 'predict-*' --contenders picturewise torch
    python benchmarks/speed.py --smoke

Prints Markdown; see benchmarks/README.md for what the figures mean and for the environment of the peers.
"""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from racing import tables
from racing.entrants import ENTRANTS
from racing.measuring import Measuring, PeakMeter
from racing.races import Turn
from racing.workloads import WORKLOADS, described

from picturewise.cores import available_cores

PEAK_SIDE, PEAK_SECONDS = 2048, 0.3
TURN_SECONDS = 1.0
# On one core: threads of several programs that wait for each other would take far longer than the work.
SMOKE = {"rounds": 1, "images": 64, "batch_size": 16, "cores": 1}
SMOKE_WORKLOADS = ["train-dense", "predict-airbench", "picture-dense", "import"]
SMOKE_CONTENDERS = ["picturewise", "torch", "sklearn"]
SMOKE_PEAK_SIDE, SMOKE_PEAK_SECONDS = 256, 0.01


def main() -> None:
    options = parsed_arguments()
    from picturewise.training.machine import choose_machine  # it loads PyTorch

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    bfloat16 = choose_machine("cpu", "auto").precision == "bfloat16"
    side, seconds = (SMOKE_PEAK_SIDE, SMOKE_PEAK_SECONDS) if options.smoke else (PEAK_SIDE, PEAK_SECONDS)
    formats = ["float32", *(["bfloat16"] * bfloat16)]
    entrants = {
        name: ENTRANTS[name] for name in options.contenders if name != "picturewise-float32" or bfloat16
    }
    with tempfile.TemporaryDirectory() as folder, PeakMeter(side, seconds, options.cores, formats) as peaks:
        measuring = Measuring(
            folder=Path(folder),
            rounds=options.rounds,
            peers_python=options.peers_python,
            images=options.images,
            batch_size=options.batch_size,
            pictures=options.pictures,
            seconds=0 if options.smoke else TURN_SECONDS,
            between=peaks.measure,
        )
        results: dict[str, dict[str, list[Turn]]] = {}
        for name in options.workloads:
            print(f"{name} …", file=sys.stderr, flush=True)
            results[name] = measuring.turns(WORKLOADS[name], entrants)
            text = document(results, peaks, measuring, options, load)
            if options.markdown:
                # After each workload, so that a long run that is broken off has not been in vain.
                options.markdown.parent.mkdir(parents=True, exist_ok=True)
                options.markdown.write_text(text, encoding="utf-8")
    print(text)


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers-python", type=Path, help="interpreter that has the peers")
    parser.add_argument("--workloads", nargs="+", help=f"of {', '.join(WORKLOADS)}")
    parser.add_argument("--contenders", nargs="+", help=f"of {', '.join(ENTRANTS)}")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    parser.add_argument("--images", type=int, help="pictures a turn (default: the workload's)")
    parser.add_argument("--batch-size", type=int, help="pictures a training step (default: the network's)")
    parser.add_argument("--cores", type=int, default=available_cores(), help="for all (default: %(default)s)")
    parser.add_argument("--pictures", type=Path, help="class folders to import (default: noise, as JPEG)")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file too")
    parser.add_argument(
        "--smoke", action="store_true", help="see that all works: few pictures, one round, no figure counts"
    )
    options = parser.parse_args()
    if options.smoke:
        vars(options).update(SMOKE)
    at_home = [name for name, entrant in ENTRANTS.items() if entrant.at_home]
    usual = SMOKE_CONTENDERS if options.smoke else ["*"] if options.peers_python else at_home
    options.contenders = chosen(parser, options.contenders or usual, ENTRANTS)
    usual = SMOKE_WORKLOADS if options.smoke else ["*"]
    options.workloads = chosen(parser, options.workloads or usual, WORKLOADS)
    if not options.peers_python and (peers := sorted(set(options.contenders) - set(at_home))):
        parser.error(
            f"{', '.join(peers)} need the peers' environment: name its interpreter with --peers-python"
        )
    options.workloads = [
        name
        for name in options.workloads
        if any(ENTRANTS[one].takes_part(WORKLOADS[name]) for one in options.contenders)
    ]
    if not options.workloads:
        parser.error(f"none of the workloads is one for {', '.join(options.contenders)}")
    for name, least in (("rounds", 1), ("images", 1), ("batch_size", 2), ("cores", 1)):
        if (value := getattr(options, name)) is not None and value < least:
            parser.error(f"--{name.replace('_', '-')} is {value}; expected at least {least}")
    return options


def chosen(parser: argparse.ArgumentParser, patterns: Sequence[str], names: Iterable[str]) -> list[str]:
    """Return the names that the patterns stand for, in the order of `names`; each must stand for one at least."""
    names = list(names)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            parser.error(f"'{pattern}' is none of {', '.join(names)}")
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def document(
    results: dict[str, dict[str, list[Turn]]],
    peaks: PeakMeter,
    measuring: Measuring,
    options: argparse.Namespace,
    load: float,
) -> str:
    """Return all results so far."""
    from picturewise.cores import processor

    peak = peaks.peak()
    parts = [tables.overview(results)]
    for name, turns in results.items():
        workload = WORKLOADS[name]
        network = measuring.network(workload) if workload.network else None
        whole = workload.task == "picture"
        parts += [
            f"### {name}",
            described(workload, network, measuring.images_of(workload)),
            tables.processes(turns) if whole else tables.batches(workload, turns, peak),
        ]
    cores = f"{options.cores} core{'s' * (options.cores > 1)}"
    parts += [
        "### The machine",
        tables.peaks(peaks.found),
        f"Median (lowest–highest) of {options.rounds} interleaved rounds; shares are of {peak:,.0f} GFLOP in a CPU "
        "second.\n"
        f"{processor()}, {cores}, {platform.system()}, load {load:.1f} before the start.\n"
        + ", ".join([f"Python {platform.python_version()}", *map(" ".join, measuring.versions.items())])
        + f".\n`python {shlex.join(sys.argv)}`",
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
