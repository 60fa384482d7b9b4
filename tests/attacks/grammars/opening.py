"""Opening a case with every command, in a forked process that is watched from inside and outside.

What a command may do: end with an exit code of 0 to 3, say something that a terminal can show, and write into its
working folder, its home, the folder for temporary files, and the run that it was given. All else is a finding.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grammars.case import Case
from picturewise.errors import PicturewiseError

MOST_SECONDS = 2.0  # of processor time, of a command with its children, above what it takes on what is right
MOST_BYTES = 500_000_000  # likewise, above the start
MOST_SAID = 500_000  # characters, of thousands of classes
LONGEST_REFUSAL = 5_000
_HANGING = 60  # seconds on the clock
_ADDRESSES = 8 << 30  # above the start, so that a finding does not take the machine's memory
_NOT_A_NUMBER = re.compile(r"(?<![\w/.'\"-])-?(nan|inf|infinity)(?![\w/.'\"-])", re.IGNORECASE)


@dataclass
class Outcome:
    """What opening a case came to.

    Attributes:
        kind: of the case.
        findings: what should not have happened, each with its command.
        seconds: of processor time, of each command.
        bytes: above the start, of each command.
        codes: the exit codes.
    """

    kind: str = ""
    findings: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


def begin_with(path: str) -> None:
    """Read what a recipe's `pretrained PATH` begins with."""
    from picturewise.training.pretrained import read_backbone

    read_backbone(path, (16, 16, 3))


def read_weights(path: str) -> None:
    """Read the file as one of weights, as `resnet18 from PATH` does."""
    from picturewise.networks.weight_files import read_weight_file

    read_weight_file(Path(path))


CALLS: Mapping[str, Callable[[str], None]] = {"begin with": begin_with, "read weights": read_weights}
"""What no command does by itself."""


def warm_up() -> None:
    """Import what the commands need, so that no case is charged for it."""
    import matplotlib.pyplot as plt  # noqa: F401
    import onnxruntime  # noqa: F401
    import scipy.sparse.csgraph
    import sklearn.metrics  # noqa: F401
    import torch

    import picturewise.cli.app
    from picturewise.onnx_models.session import _quiet_runtime
    from picturewise.reporting.figures import look

    torch.set_num_threads(1)
    _quiet_runtime()
    look.DPI = 20  # figures are drawn whole, but with few pixels
    for name in picturewise.cli.app._COMMANDS:
        __import__(f"picturewise.cli.{name.replace('-', '_')}")
    for name in ("evaluate", "predict", "compare", "extend", "train", "inspect"):
        __import__(f"picturewise.tasks.{name}")
    begin_with.__globals__["scipy"] = scipy
    with contextlib.suppress(PicturewiseError):
        begin_with("resnet18 from nowhere")


def opened(case: Case, place: Path, kept: Path, usual: Outcome | None = None) -> Outcome:
    """Return what all commands on a case come to, each in a process of its own.

    Args:
        case: what is opened.
        place: a folder with `work`, `home` and `temporary`; whatever else is in it may be changed by nobody.
        kept: nor may this.
        usual: what the same commands come to on what is right.
    """
    outcome = Outcome(case.kind)
    for number, command in enumerate(case.commands):
        before = contents(kept)
        allowed = [place / name for name in ("work", "home", "temporary")]
        if case.path.is_dir() and not case.path.is_symlink():
            allowed.append(case.path)
        found = in_a_child(lambda command=command, allowed=allowed: attempt(command, place, allowed))
        shown = f"{case.kind}: {' '.join(word if len(word) < 60 else Path(word).name for word in command)}"
        faults = list(found.get("faults", ["the process ended early"]))
        faults += [f"{path} was changed" for path in changed(before, contents(kept))]
        seconds, size = found.get("seconds", 0.0), found.get("bytes", 0)
        if usual is not None:
            slow = seconds > MOST_SECONDS + usual.seconds[number]
            faults += [f"it took {seconds:.2f} s of processor time"] * slow
            faults += [f"it took {size / 1e6:.0f} MB"] * (size > MOST_BYTES + usual.bytes[number])
        outcome.findings += [f"{shown}: {fault}" for fault in faults]
        outcome.seconds.append(seconds)
        outcome.bytes.append(size)
        outcome.codes.append(found.get("code", -1))
    return outcome


def attempt(command: Sequence[str], place: Path, allowed: Sequence[Path]) -> dict[str, Any]:
    """Run a command in this process, and return what it came to."""
    sys.dont_write_bytecode = True
    os.environ |= {
        name: str(place / "home") for name in ("HOME", "PICTUREWISE_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR")
    }
    tempfile.tempdir = os.environ["TMPDIR"] = str(place / "temporary")
    os.chdir(place / "work")
    signal.alarm(_HANGING)
    limit = _status("VmSize") + _ADDRESSES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    start = _status("VmHWM")
    faults: list[str] = []
    with _said(place) as said, _watched(allowed) as seen:
        began = _processor_seconds()
        code = _run(command, faults)
        seconds = _processor_seconds() - began
        size = _status("VmHWM") - start
        text = said()
    faults += seen
    if code not in {0, 1, 2, 3}:
        faults.append(f"it ended with {code}")
    strange = {character for character in text if not character.isprintable()} - {"\n", "\u200d"}
    if strange:
        faults.append(f"it printed {sorted(strange)[:5]}")
    if "Traceback" in text:
        faults.append(f"it printed a traceback: {text[-1500:]}")
    if len(text) > (LONGEST_REFUSAL if code in {2, 3} else MOST_SAID):
        faults.append(f"it printed {len(text):,} characters")
    if code == 0 and (found := _NOT_A_NUMBER.search(text)) is not None:  # a refusal may name it
        faults.append(f"it printed {text[max(0, found.start() - 80) : found.end() + 20]!r}")
    return {"code": code, "seconds": seconds, "bytes": size, "faults": faults}


def _run(command: Sequence[str], faults: list[str]) -> int:
    """Return a command's exit code; an exception that is not one of our errors is a fault, even if it is reported."""
    if command[0] in CALLS:
        try:
            CALLS[command[0]](command[1])
        except PicturewiseError as error:
            print(error)
            return error.exit_code
        except BaseException:  # noqa: BLE001 (whatever it is)
            faults.append(traceback.format_exc()[-2000:])
            return 1
        return 0
    import click

    from picturewise.cli import app

    invoke = click.Group.invoke

    def noted(group: click.Group, context: click.Context) -> Any:
        try:
            return invoke(group, context)
        except (PicturewiseError, click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except BaseException:
            faults.append(traceback.format_exc()[-2000:])
            raise

    click.Group.invoke = noted  # type: ignore[method-assign]
    try:
        return app.run(list(command))
    except BaseException:  # noqa: BLE001 (whatever it is)
        faults.append(traceback.format_exc()[-2000:])
        return 1


@contextlib.contextmanager
def _said(place: Path) -> Iterator[Callable[[], str]]:
    """Yield what returns all that was written to the standard outputs, by libraries in C too."""
    with (place / "temporary" / "said").open("w+b") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        sys.stdout, sys.stderr = (io.TextIOWrapper(os.fdopen(n, "wb", closefd=False)) for n in (1, 2))

        def read() -> str:
            sys.stdout.flush()
            sys.stderr.flush()
            file.seek(0)
            return file.read().decode("utf-8", "replace")

        yield read


@contextlib.contextmanager
def _watched(allowed: Sequence[Path]) -> Iterator[list[str]]:
    """Yield a list to which Python's own audit adds what this process runs, connects to, removes or writes outside."""
    faults: list[str] = []
    watching = True
    roots = {str(path.resolve()) for path in allowed}

    def outside(name: Any) -> bool:
        if not isinstance(name, str | bytes | os.PathLike):
            return False
        path = Path(os.fsdecode(name))
        real = path.parent.resolve() / path.name
        return str(real) != os.devnull and not any(
            str(real) == root or str(real).startswith(root + "/") for root in roots
        )

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching:
            return
        if event.startswith(("os.system", "os.exec", "os.posix_spawn", "socket.connect", "pty.")):
            faults.append(f"{event} was called")
        elif event == "subprocess.Popen" and (arguments[0] != sys.executable or "-I" not in arguments[1]):
            faults.append(f"{arguments[0]} was started")
        elif event == "open" and isinstance(arguments[2], int):
            if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and outside(arguments[0]):
                faults.append(f"{arguments[0]!r} was opened for writing")
        elif event in {
            "os.remove",
            "os.rmdir",
            "os.rename",
            "os.mkdir",
            "os.chmod",
            "os.link",
            "os.symlink",
            "os.truncate",
        }:
            names = arguments[:2] if event == "os.rename" else arguments[:1]
            # Files in a folder that is being removed are named from there.
            by_place = arguments[-1] in {-1, None}
            faults.extend(f"{event} of {name!r}" for name in names if by_place and outside(name))

    sys.addaudithook(note)
    yield faults
    watching = False


def contents(place: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change of all that is there; links are not followed."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in [place, *place.rglob("*")]
    }


def changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    """Return what differs."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _status(name: str) -> int:
    return int(Path("/proc/self/status").read_text(encoding="ascii").split(f"{name}:")[1].split()[0]) << 10


def _answer(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except BaseException:  # noqa: BLE001 (the parent is to see it)
        return {"faults": [traceback.format_exc()]}


def in_a_child(work: Callable[[], Any]) -> Any:
    """Return what `work` returns in a forked process, as JSON has it; an empty dict where it ends early."""
    return started(work)() or {}


def started(work: Callable[[], Any]) -> Callable[[], Any]:
    """Start `work` in a forked process, and return what waits for it and gives its answer; None: it ended early."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            with os.fdopen(writing, "w") as pipe:
                json.dump(_answer(work), pipe)
        finally:
            os._exit(0)
    os.close(writing)

    def wait() -> Any:
        with os.fdopen(reading, errors="replace") as pipe:
            answer = pipe.read()
        os.waitpid(child, 0)
        return json.loads(answer) if answer else None

    return wait
