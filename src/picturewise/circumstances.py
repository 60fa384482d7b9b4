"""When, by which command and with what something was computed: what an auditor asks."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from picturewise.file_names import text_of, without_credentials

_COMPUTING: Final = {
    "h5py": "h5py",
    "numpy": "numpy",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "PIL": "pillow",
    "pyarrow": "pyarrow",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "timm": "timm",
    "torch": "torch",
}
"""Modules that compute or read pictures → the packages that have their versions."""
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
_begun: dict[str, Any] = {"command": None, "at": None}


def begin(arguments: Sequence[str], *, at: float | None = None) -> None:
    """Note the command of this process and its start; credentials in addresses are left out.

    Args:
        arguments: of the command line, without the program's name.
        at: when it began, by `time.perf_counter`; None: now.
    """
    command = tuple(without_credentials(text_of(one)) for one in arguments)
    _begun.update(command=command, at=time.perf_counter() if at is None else at)


def end() -> None:
    """Note that the command has ended: what is called from now on belongs to none."""
    _begun.update(command=None, at=None)


def process_start() -> float:
    """Return when this process began, by `time.perf_counter`; where the system does not tell (not Linux), now."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.perf_counter() - max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)
    except (OSError, ValueError, IndexError, AttributeError):
        return time.perf_counter()


def seconds_of_command() -> float:
    """Return how long ago the command of this process began; 0 if there is none, but a caller in Python."""
    return 0.0 if _begun["at"] is None else time.perf_counter() - _begun["at"]


class Circumstances(NamedTuple):
    """The circumstances of a computation.

    Attributes:
        date: when it began, in UTC (ISO 8601).
        seconds: that it took so far, by the wall clock.
        command: the arguments of the command line, without the program's name; None: it was called from Python.
        picturewise: the version.
        revision: the git commit of the source, if Picturewise runs from a clone; local changes are not seen.
        python: the version.
        versions: of the loaded packages that compute or read pictures.
        processor: the name that the system gives it.
        system: of the machine.
    """

    date: str
    seconds: float
    command: tuple[str, ...] | None
    picturewise: str
    revision: str | None
    python: str
    versions: dict[str, str]
    processor: str
    system: str


def circumstances(began: float | None = None) -> Circumstances:
    """Return the circumstances of a computation that ends now.

    Args:
        began: what `time.perf_counter` returned at its start; None: that of the command.
    """
    # Imported here, because every command notes its start, and few tell about it.
    import platform  # noqa: PLC0415
    from datetime import UTC, datetime  # noqa: PLC0415
    from importlib.metadata import version  # noqa: PLC0415

    from picturewise.cores import processor  # noqa: PLC0415

    began = _begun["at"] if began is None else began
    seconds = 0.0 if began is None else time.perf_counter() - began
    start = datetime.fromtimestamp(time.time() - seconds, UTC)
    return Circumstances(
        date=start.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        command=_begun["command"],
        picturewise=version("picturewise"),
        revision=_revision(Path(__file__).parents[2]),
        python=platform.python_version(),
        versions=_versions(),
        processor=processor(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",  # platform() starts a program
    )


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 (see above)

    found = dict[str, str]()
    for module, package in _COMPUTING.items():
        if module in sys.modules:
            try:
                found[package] = version(package)
            except PackageNotFoundError:  # such as a build from source
                found[package] = str(getattr(sys.modules[module], "__version__", "unknown"))
    return found


def _revision(clone: Path) -> str | None:
    """Return the commit of a clone, read from git's files; None: it is none, or has another form."""
    try:
        if not (clone / "src" / "picturewise").is_dir():
            return None
        git = clone / ".git"
        if git.is_file():  # a worktree
            git = (clone / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
        common = git / "commondir"
        shared = (git / common.read_text(encoding="utf-8").strip()).resolve() if common.is_file() else git
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head if _SHA1.fullmatch(head) else None
        name = head.removeprefix("ref: ")
        for folder in (git, shared):
            if (folder / name).is_file():
                found = (folder / name).read_text(encoding="utf-8").strip()
                return found if _SHA1.fullmatch(found) else None
        packed = (shared / "packed-refs").read_text(encoding="utf-8")
        return next((line[:40] for line in packed.splitlines() if line[41:] == name), None)
    except (OSError, ValueError):
        return None
