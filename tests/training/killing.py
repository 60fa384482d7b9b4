"""Train in child processes that die at a chosen file operation: python killing.py ACTION FOLDER [MORE] → JSON.

PyTorch is loaded once and every child is forked from there, which makes a hundred crashes affordable. The
parent computes nothing itself, so no threads are lost in a fork.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import tiny_run

from picturewise import files
from picturewise.errors import RunError, SaveError
from picturewise.runs.run import open_run
from picturewise.training.trainer import Callback, Trainer

CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree"}


class Fuse(Callback):
    """Kills this process at its `length`-th operation: a change on disk, half a file, or a batch."""

    def __init__(self, length: int) -> None:
        self.left = length
        sys.addaudithook(self.hear)
        files._write_and_flush = self.write
        os.fsync = lambda _: None  # the kernel outlives the process, so nothing needs to reach the disk

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGES or (event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)):
            self.burn()

    def write(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Write a file in two halves, in place of the real function."""
        content = b"".join(chunks)
        with path.open("xb", buffering=0) as file:
            file.write(content[: len(content) // 2])
            self.burn()
            file.write(content[len(content) // 2 :])
            self.burn()

    def on_batch(self, trainer: Trainer) -> None:
        self.burn()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BaseException:
        traceback.print_exc()
        raise


def in_child(work: Callable[[], object]) -> int:
    """Return how a forked process ended that did `work`: 0, 1 after an exception, -9 if it was killed."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException), _told():
            work()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def begin_or_go_on(path: Path, fuse: int, **training: Any) -> None:
    """Train to the end, from wherever an earlier process was killed."""
    callbacks = [Fuse(fuse)] if fuse else []
    try:
        open_run(path)
    except RunError:
        assert not path.exists()  # a run is there whole, or not at all
        trainer = tiny_run.start(path, callbacks=callbacks, **training)
    else:
        trainer = tiny_run.resume(path, callbacks=callbacks)
    trainer.fit()


def found(path: Path, *, fuse: int = 0, **training: Any) -> tuple[int, dict[str, Any] | None]:
    """Train in a child; return how it ended, and the outcome if it came to the end."""
    told = path.with_suffix(".json")

    def work() -> None:
        begin_or_go_on(path, fuse, **training)
        told.write_text(json.dumps(tiny_run.outcome(path)))

    status = in_child(work)
    return status, json.loads(told.read_text()) if status == 0 else None


def sweep(folder: Path, step: str) -> dict[str, Any]:
    """Kill a run at its first operation and at every `step`-th after it; return what each came to when it went on."""
    _, whole = found(folder / "whole")
    results = {}
    for fuse in range(1, 1000, int(step)):
        status, _ = found(folder / str(fuse), fuse=fuse)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        _, results[fuse] = found(folder / str(fuse))
        shutil.rmtree(folder / str(fuse))
    return {"whole": whole, "killed": results}


def chain(folder: Path, runs: str) -> dict[str, Any]:
    """Kill each of so many runs again and again, some operations after it went on, until it comes to its end.

    A checkpoint is written after every batch, so it goes on from within epochs too.
    """
    often = {"checkpoint_minutes": 1e-9}
    _, whole = found(folder / "whole", **often)
    chance, results = random.Random(0), []
    for number in range(int(runs)):
        kills, status, result = -1, -signal.SIGKILL, None
        while status == -signal.SIGKILL:
            kills += 1
            status, result = found(folder / str(number), fuse=chance.randint(10, 80), **often)
        results.append({"kills": kills, "result": result})
    return {"whole": whole, "chains": results}


def limited(folder: Path) -> dict[str, Any]:
    """Let the system refuse files above a size that grows until all fit; go on without the limit."""
    _, whole = found(folder / "whole")
    results = []

    def train(path: Path, size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        with contextlib.suppress(SaveError):
            tiny_run.start(path).fit()
            os._exit(3)

    for size in range(2_000, 10_000, 500):
        status = in_child(lambda path=folder / str(size), size=size: train(path, size))
        if status == 3:
            break
        _, result = found(folder / str(size))
        results.append({"size": size, "status": status, "result": result})
    return {"whole": whole, "limited": results}


def full(folder: Path, other: str) -> dict[str, Any]:
    """Train on a disk that fills up (`folder` is a small one); make room, and go on."""
    elsewhere = Path(other)
    _, whole = found(elsewhere / "whole")
    ballast = folder / "ballast"
    space = os.statvfs(folder)
    ballast.write_bytes(bytes(max(0, space.f_bavail * space.f_frsize - 24 * 1024)))
    said = elsewhere / "said"

    def train() -> None:
        try:
            tiny_run.start(folder / "run").fit()
        except SaveError as error:
            said.write_text(str(error))

    status = in_child(train)
    kept = [str(path.relative_to(folder / "run")) for path in sorted((folder / "run").rglob("*"))]
    ballast.unlink()
    _, result = found(folder / "run")
    return {"whole": whole, "status": status, "said": said.read_text(), "kept": kept, "result": result}


if __name__ == "__main__":
    for name in ("scipy.optimize", "scipy.special"):  # loaded here, so that no child has to
        importlib.import_module(name)
    actions = {"sweep": sweep, "chain": chain, "limited": limited, "full": full}
    print(json.dumps(actions[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])))  # noqa: T201 (it is how the test reads it)
