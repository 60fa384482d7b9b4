"""Import pictures in child processes that die at a chosen file operation: python importing.py FOLDER STEP → JSON.

For each length of the fuse, from one on in steps until the import is through before it burns down: what the process
ended with, and what a next process then read and left on the disk. Pictures are decoded in these processes and not in
confined children, which write nothing and take most of the time to start.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from read_place import read_place
from reading_here import work_through

from picturewise.cache_folder import imports_folder
from picturewise.data.options import DataOptions
from picturewise.data.pictures import decode_files

CHANGES = {"os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree"}


class Fuse:
    """Kills this process at its `length`-th change on the disk."""

    def __init__(self, length: int) -> None:
        self.left = length
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGES or (event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def read_all(folder: Path) -> dict[str, str]:
    dataset = read_place(DataOptions(source=str(folder)))
    return {split: part.fingerprint for split, part in dataset.splits().items()}


def in_child(work: Any) -> tuple[int, Any]:
    """Return how a forked process ended that did `work`, and what it returned."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            os.write(writing, json.dumps(work()).encode())
            os._exit(0)
        except BaseException:  # noqa: BLE001 (whatever it was, the parent sees the exit code)
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        content = answers.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, json.loads(content) if content else None


def left_behind() -> list[str]:
    """Return the files in the store that belong to no whole import; an empty folder goes with the next import."""
    return sorted(str(path) for path in imports_folder().glob(".unfinished-*/**/*") if path.is_file())


def main(folder: Path, step: int) -> None:
    found = []
    decode_files.work_through = work_through
    for length in range(1, 200, step):
        changed = np.random.default_rng(length).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(changed).save(folder / "cat" / "0.png")  # so that there is something to import again

        def killed(length: int = length) -> None:
            Fuse(length)
            read_all(folder)

        code, _ = in_child(killed)
        again, fingerprints = in_child(lambda: read_all(folder))
        third, same = in_child(lambda: read_all(folder))
        found.append(
            {
                "killed": code,
                "again": [again, third, fingerprints == same],
                "fingerprints": fingerprints,
                "left": left_behind(),
                "imports": sum(1 for _ in imports_folder().glob("*/*")),
            }
        )
        if code == 0:
            break
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
