"""What hostile files cost whoever reads them: time, memory, and whether anything was run or written.

    python benchmarks/hostile_files.py [--family NAME]

Every file of `tests/attacks/hostile` is written and then read with `picturewise.read_dataset`, each in a process of
its own that is forked from one that has read a small set before, so that imports are not in the figures. Memory is
what that process took above its start, and on top of it the whole of the largest child that it started. Prints
Markdown; the exit status is 1 if a file was not refused in a sentence, or anything was run or written.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ATTACKS = Path(__file__).parents[1] / "tests" / "attacks"
# Where the archives' absolute names lead.
OUTSIDE = (Path("/etc/evil"), Path("/x_train.npy"))
MOST_SECONDS, MOST_MEGABYTES = 1.0, 200.0


@dataclass(frozen=True)
class Outcome:
    """How one file went: seconds, megabytes, what it was refused with, and what should not have happened."""

    family: str
    name: str
    wall: float
    processor: float
    megabytes: float
    said: str
    faults: tuple[str, ...]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--family", help="only this one")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # waiting threads would count as processor time
    families = in_a_child(names_of_all)
    warm_up()
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    print(f"load before the start: {os.getloadavg()[0]:.1f}\n")
    outcomes = []
    for family, names in families.items():
        if arguments.family in {None, family}:
            outcomes += [measure(family, number, name) for number, name in enumerate(names)]
            print_family(family, [outcome for outcome in outcomes if outcome.family == family])
    return summarise(outcomes)


def names_of_all() -> dict[str, list[str]]:
    """Return the names of the hostile files by family."""
    return {family: [file.name for file in files] for family, files in everything().items()}


def everything() -> Any:
    sys.path.insert(0, str(ATTACKS))
    from hostile.everything import FAMILIES

    return FAMILIES


def warm_up() -> None:
    """Import what reading needs, and read a folder of pictures and a set of arrays."""
    import numpy as np
    from PIL import Image

    from picturewise import read_dataset

    with tempfile.TemporaryDirectory() as place:
        for name in ("cat", "dog"):
            (Path(place) / "pictures" / name).mkdir(parents=True)
            for index in range(4):
                pixels = np.full((4, 4), index, np.uint8)
                Image.fromarray(pixels).save(Path(place) / "pictures" / name / f"{index}.png")
        arrays = np.random.default_rng(0).integers(0, 256, (40, 4, 4), np.uint8)
        np.savez_compressed(Path(place) / "a.npz", x_train=arrays, y_train=np.arange(40) % 2)
        read_dataset(Path(place) / "pictures", splits=["train"])
        read_dataset(Path(place) / "a.npz")


def measure(family: str, number: int, name: str) -> Outcome:
    """Write one file and read it, each in a process of its own, with everything around it watched."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for part in ("source", "work", "home", "temporary"):
            (place / part).mkdir()
        source = in_a_child(lambda: str(everything()[family][number].write(place / "source")))
        before = contents(place)
        found = in_a_child(lambda: read(Path(source), place))
        faults = list(found.pop("faults", ["the process ended early"]))
        left = [path for path in (place / "home").rglob("*") if not is_of_the_store(path, place)]
        faults += [f"{path} was left" for path in left]
        faults += [
            f"{path} was written" for path in changed(before, contents(place)) if not path.startswith("home")
        ]
        faults += [f"{path} was written" for path in OUTSIDE if path.exists()]
    blank = {"wall": 0.0, "processor": 0.0, "megabytes": 0.0, "said": ""}
    return Outcome(family, name, **(blank | found), faults=tuple(faults))


def is_of_the_store(path: Path, place: Path) -> bool:
    """Return whether it may be left by an import that came to nothing: the store's empty folder, and its locks."""
    imports = place / "home" / "imports"
    return path == imports or (path.parent == imports and path.suffix == ".lock" and not path.stat().st_size)


def read(source: Path, place: Path) -> dict[str, Any]:
    """Read as a user does, in a working folder and a home of its own; return what it took."""
    from picturewise import read_dataset
    from picturewise.errors import DataError

    sys.dont_write_bytecode = True
    os.chdir(place / "work")
    os.environ |= {name: str(place / "home") for name in ("HOME", "PICTUREWISE_HOME", "XDG_CACHE_HOME")}
    tempfile.tempdir = os.environ["TMPDIR"] = str(place / "temporary")
    signal.alarm(60)
    with watched(place / "temporary", place / "home" / "imports") as faults:
        most, began, used = memory(resource.RUSAGE_SELF), time.perf_counter(), processor_seconds()
        try:
            read_dataset(source)
            said = ""
        except DataError as error:
            said = str(error)
        except BaseException as error:  # noqa: BLE001 (whatever comes out is a fault, and told)
            said = ""
            faults.append(f"{type(error).__name__} came out: {error}")
        wall, processor = time.perf_counter() - began, processor_seconds() - used
        above = memory(resource.RUSAGE_SELF) - most + memory(resource.RUSAGE_CHILDREN)
    if not said:
        faults.append("it was not refused")
    elif not said.isprintable():
        faults.append("its refusal holds what a terminal cannot show")
    return {"wall": wall, "processor": processor, "megabytes": above, "said": said, "faults": faults}


@contextmanager
def watched(*allowed: Path) -> Iterator[list[str]]:
    """Yield a list to which Python's own audit adds what this process runs, connects to, or opens for writing.

    Args:
        allowed: folders that it may write to.
    """
    faults: list[str] = []
    watching = True

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching:
            return
        if event.startswith(("os.system", "os.exec", "os.posix_spawn", "socket.connect", "pickle.", "pty.")):
            faults.append(f"{event} was called")
        elif event == "subprocess.Popen" and (arguments[0] != sys.executable or "-I" not in arguments[1]):
            faults.append(f"{arguments[0]} was started")
        elif event == "open" and isinstance(arguments[0], str | bytes) and isinstance(arguments[2], int):
            path = Path(os.fsdecode(arguments[0])).absolute()
            written = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if written and path != Path(os.devnull) and not {path, *path.parents} & {*allowed}:
                faults.append(f"{path} was opened for writing")

    sys.addaudithook(note)
    yield faults
    watching = False


def processor_seconds() -> float:
    """Return what this process and its children that have ended have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def memory(whose: int) -> float:
    """Return the most resident memory so far in MB; of children, that of the largest."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(whose).ru_maxrss * unit / 1e6


def contents(place: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of all that is there; folders for temporary files may change inside."""
    found = {}
    for path in [place, *place.rglob("*")]:
        status = path.lstat()
        found[str(path.relative_to(place))] = (status.st_size, status.st_mtime_ns)
    found["temporary"] = (0, 0)
    return found


def changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def in_a_child(work: Callable[[], Any]) -> Any:
    """Return what `work` returns in a forked process, as JSON; an empty dict where it ends early."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            json.dump(work(), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else {}


def print_family(family: str, outcomes: list[Outcome]) -> None:
    slowest = max(outcomes, key=lambda outcome: outcome.processor)
    largest = max(outcomes, key=lambda outcome: outcome.megabytes)
    print(
        f"| {family} | {len(outcomes)} | {slowest.processor:.2f} s, {slowest.name} | "
        f"{largest.megabytes:.0f} MB, {largest.name} |",
        flush=True,
    )


def summarise(outcomes: list[Outcome]) -> int:
    """Print what stands out; return the exit status."""
    print(f"\n{len(outcomes)} files. The slowest:\n")
    print("| family | file | wall s | processor s | MB |\n|---|---|---|---|---|")
    for one in sorted(outcomes, key=lambda outcome: -outcome.processor)[:5]:
        print(f"| {one.family} | {one.name} | {one.wall:.2f} | {one.processor:.2f} | {one.megabytes:.0f} |")
    largest = max(outcomes, key=lambda outcome: outcome.megabytes)
    print(f"\nLargest memory: {largest.megabytes:.0f} MB ({largest.family}: {largest.name})")
    for one in outcomes:
        if one.processor > MOST_SECONDS or one.megabytes > MOST_MEGABYTES:
            print(f"BEYOND {MOST_SECONDS:.0f} s or {MOST_MEGABYTES:.0f} MB: {one.family}: {one.name}")
    faults = [f"{one.family}: {one.name}: {fault}" for one in outcomes for fault in one.faults]
    print(
        "\n".join(
            ["", *faults] if faults else ["\nAll refused in a sentence; nothing was run, nothing written."]
        )
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
