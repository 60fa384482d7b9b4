"""One of several processes that train a run: `python -m picturewise.tasks.worker FOLDER`, started by `launching`.

The folder has the arguments; the first worker reports in it how training ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

from picturewise import files
from picturewise.errors import WorkerLostError
from picturewise.tasks.launching import ENDED, JOB
from picturewise.tasks.train import as_worker

_SIGNAL_OF_DEATH = 1  # PR_SET_PDEATHSIG of prctl(2)


def main(folder: Path) -> int:
    """Train, and return the exit code; an error is reported in the folder and not printed."""
    job = files.read_json(folder / JOB)
    _end_with(job["launcher"])
    try:
        report = as_worker(job)
    except WorkerLostError as error:  # not the cause: another worker has died
        return error.exit_code
    if report is None:
        return 0
    if folder.is_dir() and not (folder / ENDED).exists():  # the first report counts
        files.write_json(folder / ENDED, report)
    return int(report.get("exit_code", 0))


def _end_with(launcher: int) -> None:
    """Let the system send SIGTERM to this process when its launcher ends, so that nobody trains on unnoticed.

    Only Linux can do that. Elsewhere, the lock of the run's folder shows that it is still trained.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_SIGNAL_OF_DEATH, signal.SIGTERM)
    if os.getppid() != launcher:  # it ended before the call, perhaps while this process was starting
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
