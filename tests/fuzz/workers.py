"""Cases, one after the other, in forked workers that the parent watches: what each came to, how long, how large.

A worker may crash, hang or eat memory: it is then ended, the case is noted, and a new worker goes on with the next.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import resource
import selectors
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from containers import SEALED, changed, damaged_alone
from forking import Forked, address_space
from readers import Reader
from seeds import Files, Seed

from picturewise.cache_folder import VARIABLE
from picturewise.errors import PicturewiseError
from picturewise.untrusted.confined import process

MOST_SECONDS = 2.0  # of processor time
MOST_BYTES = 1 << 30  # above the start
HANGING = 30.0  # seconds on the clock after which a worker is ended
_ADDRESSES = 3 << 30  # of addresses above the start, for what is asked for in one piece and never used
# One in so many cases starts its children as users' programs do; the others fork them, see `forking`.
STARTED = 33
_CRASHED = ("made the library that reads it crash", "made the decoder crash")
_HOME = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


@dataclass(frozen=True)
class Outcome:
    """What a case came to.

    Attributes:
        kind: read or refused; or what is wrong: accepted (read, with other pictures or labels than the undamaged
            file), died, hangs, slow, memory, warning, or an exception.
        said: the sentence, or the traceback.
        seconds: of processor time, children included.
        bytes: above what the process had at its start; of its children, the largest above that, if it is a new record.
        sealed: whether it was to be refused, or read as the undamaged file is.
    """

    kind: str
    said: str = ""
    seconds: float = 0.0
    bytes: int = 0
    sealed: bool = False

    @property
    def is_finding(self) -> bool:
        """Whether it is neither read nor refused as it should be."""
        return self.kind not in {"read", "refused"}


@dataclass
class Tally:
    """What many cases of one reader came to."""

    reader: str
    cases: int = 0
    read: int = 0
    refused: int = 0
    crashed: int = 0
    sealed: int = 0
    slowest: tuple[float, int] = (0.0, -1)
    largest: tuple[int, int] = (0, -1)
    findings: dict[int, Outcome] = field(default_factory=dict)

    def add(self, number: int, outcome: Outcome) -> None:
        """Count a case; of a seed, only whether it was read."""
        if number < 0:
            if outcome.kind != "read":
                self.findings[number] = replace(outcome, kind=f"a seed that is {outcome.kind}")
            return
        self.cases += 1
        self.read += outcome.kind == "read"
        self.refused += outcome.kind == "refused"
        self.sealed += outcome.sealed
        self.crashed += any(words in outcome.said for words in _CRASHED)
        self.slowest = max(self.slowest, (outcome.seconds, number))
        self.largest = max(self.largest, (outcome.bytes, number))
        if outcome.is_finding:
            self.findings[number] = outcome


@dataclass(frozen=True)
class Case:
    """A seed with something changed.

    Attributes:
        seed: what it was made of.
        files: the changed ones among the others.
        random: the generator to go on with.
        sealed: whether all that was changed stands under checksums, which were left as they were: what is read must
            be what the seed holds.
    """

    seed: Seed
    files: Files
    random: Random
    sealed: bool = False


def make_case(reader: Reader, seeds: Sequence[Seed], number: int) -> Case:
    """Return a case; below zero the numbers are those of the seeds, unchanged: -1 is the first."""
    random = Random(f"{reader.name} {number}")
    if number < 0:
        return Case(seeds[-number - 1], dict(seeds[-number - 1].files), random)
    seed = random.choice(seeds)
    files = dict(seed.files)
    names = random.sample(sorted(seed.kinds), k=min(len(seed.kinds), random.choice((1, 1, 1, 1, 1, 2))))
    known = all(name in seed.sealed or seed.kinds[name].partition("/")[0] in SEALED for name in names)
    sealed = known and random.random() < 0.5
    for name in names:
        if sealed:
            files[name] = damaged_alone(seed.files[name], seed.sealed.get(name, ()), random)
            sealed = seed.holds is None or not seed.holds(files[name])
            continue
        others = [other.files[name] for other in seeds if other.kinds.get(name) == seed.kinds[name]]
        files[name] = changed(seed.files[name], seed.kinds[name], random, others)
    if seed.sign is not None and random.random() < 0.8:
        seed.sign(files)
    return Case(seed, files, random, sealed)


def write_case(files: Files, folder: Path) -> None:
    """Put a case's files into a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def run_case(reader: Reader, seeds: Sequence[Seed], number: int, folder: Path, start: int) -> Outcome:
    """Return what one case comes to.

    Args:
        reader: that reads it.
        seeds: of the reader.
        number: of the case; it decides on everything.
        folder: to work in.
        start: bytes in memory when the process began with its first case.
    """
    made = make_case(reader, seeds, number)
    undamaged = Random()
    undamaged.setstate(made.random.getstate())
    case = folder / "case"
    write_case(made.files, case)
    shutil.rmtree(folder / "home", ignore_errors=True)
    real = reader.children and number % STARTED == 0 and number >= 0
    shown: list[str] = []
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with _own_home(folder / "home"), _children(forked=not real), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda *what, **_: shown.append(f"{what[1].__name__}: {what[0]}")
        _forget_peak()
        began = _processor_seconds()
        kind, said, read = _attempt(reader, case, made.seed, made.random)
        seconds = _processor_seconds() - began
    peak = _peak() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if after > children:
        peak = max(peak, (after << 10) - (0 if real else start))
    if kind in {"read", "refused"}:
        if shown:
            kind, said = "warning", "\n".join(shown)
        elif peak > MOST_BYTES:
            kind = "memory"
        elif seconds > MOST_SECONDS:
            kind = "slow"
        elif made.sealed and read is not None and read != _undamaged(reader, made.seed, undamaged, folder):
            kind, said = "accepted", "It was read, with other pictures or labels than the undamaged file."
    return Outcome(kind, said, seconds, max(0, peak), made.sealed)


def _undamaged(reader: Reader, seed: Seed, random: Random, folder: Path) -> str | None:
    """Return what a seed is read as, in the way in which the generator has a case read."""
    case = folder / "seed"
    write_case(dict(seed.files), case)
    with _own_home(folder / "home"), _children(forked=True):
        return reader.read(case, seed, random)


def _attempt(reader: Reader, case: Path, seed: Seed, random: Random) -> tuple[str, str, str | None]:
    """Return the kind of outcome, what is said, and a digest of what was read."""
    try:
        return "read", "", reader.read(case, seed, random)
    except PicturewiseError as error:
        if isinstance(error.__cause__, MemoryError):
            return "memory", traceback.format_exc(), None
        return "refused", str(error), None
    except KeyboardInterrupt:
        raise
    # A library written in Rust raises errors that are not an Exception.
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is a finding)
        return type(error).__name__, traceback.format_exc(), None


@contextlib.contextmanager
def _own_home(folder: Path) -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


@contextlib.contextmanager
def _children(*, forked: bool) -> Iterator[None]:
    start = process.start
    if forked:
        process.start = Forked  # type: ignore[assignment]
    try:
        yield
    finally:
        process.start = start


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak() -> int:
    """Return the most bytes that this process had in memory since `_forget_peak`."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def run_all(reader: Reader, numbers: Sequence[int], workers: int) -> Tally:
    """Return what the cases of these numbers come to, shared out among workers, and first the seeds as they are."""
    seeds = reader.seeds()
    tally = Tally(reader.name)
    numbers = [*range(-len(seeds), 0), *numbers]
    shares = [list(numbers[first::workers]) for first in range(workers)]
    gc.collect()
    with (
        tempfile.TemporaryDirectory(dir=_HOME, prefix="fuzz-") as folder,
        selectors.DefaultSelector() as selector,
    ):
        running = [
            _Worker(reader, seeds, share, Path(folder, str(n))) for n, share in enumerate(shares) if share
        ]
        try:
            for worker in running:
                selector.register(worker.pipe, selectors.EVENT_READ, worker)
            while running:
                for key, _ in selector.select(0.5):
                    worker = key.data
                    if worker.read(tally):
                        continue
                    selector.unregister(key.fileobj)
                    worker.end(tally)
                    running.remove(worker)
                    if worker.left:
                        fresh = _Worker(reader, seeds, worker.left, worker.folder)
                        running.append(fresh)
                        selector.register(fresh.pipe, selectors.EVENT_READ, fresh)
                for worker in running:
                    worker.watch()
        finally:
            for worker in running:
                worker.kill()
    return tally


class _Worker:
    """A forked process and the parent's view of it."""

    def __init__(self, reader: Reader, seeds: Sequence[Seed], numbers: list[int], folder: Path) -> None:
        self.left = numbers
        self.folder = folder
        self._since = time.monotonic()
        self._buffer = b""
        self._hangs = False
        self.pipe, told = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.pipe)
            _work(reader, seeds, numbers, folder, told)
        os.close(told)

    def read(self, tally: Tally) -> bool:
        """Take in what the worker tells; False: it tells no more."""
        content = os.read(self.pipe, 1 << 16)
        *lines, self._buffer = (self._buffer + content).split(b"\n")
        for line in lines:
            number, *outcome = json.loads(line)
            assert number == self.left[0]
            tally.add(number, Outcome(*outcome))
            self.left = self.left[1:]
            self._since = time.monotonic()
        return bool(content)

    def watch(self) -> None:
        """End the worker if its case takes too long."""
        if time.monotonic() - self._since > HANGING:
            self._hangs = True
            self.kill()

    def kill(self) -> None:
        """End the worker with all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def end(self, tally: Tally) -> None:
        """Note the case that the worker was at when it ended early."""
        os.close(self.pipe)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        if self.left:
            kind = "hangs" if self._hangs else "died"
            tally.add(self.left[0], Outcome(kind, f"The process ended by {process.how_it_ended(code)}."))
            self.left = self.left[1:]


def _work(reader: Reader, seeds: Sequence[Seed], numbers: Sequence[int], folder: Path, told: int) -> None:
    """Be a worker, to the end."""
    code = 1
    try:
        os.setsid()  # so that it can be ended with its children
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for target in (0, 1, 2):
            os.dup2(os.open(os.devnull, os.O_RDWR), target)
        faulthandler.disable()  # pytest has it tell of crashes in a place of its own
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = address_space() + _ADDRESSES
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
        gc.freeze()  # what is there already need not be looked through again
        _forget_peak()
        start = _peak()
        for number in numbers:
            outcome = run_case(reader, seeds, number, folder, start)
            said = outcome.said[-4000:]
            _tell(told, [number, outcome.kind, said, outcome.seconds, outcome.bytes, outcome.sealed])
        code = 0
    finally:
        os._exit(code)


def _tell(told: int, what: Any) -> None:
    line = json.dumps(what).encode() + b"\n"
    while line:
        line = line[os.write(told, line) :]
