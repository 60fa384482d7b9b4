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
from picturewise.errors import Interrupted, PicturewiseError, WorkerLostError
from picturewise.file_names import path_of
from picturewise.runs.record import has_record
from picturewise.tasks.launching import ENDED, JOB, RECIPE
from picturewise.tasks.train import resume, train

_SIGNAL_OF_DEATH = 1  # PR_SET_PDEATHSIG of prctl(2)


def main(folder: Path) -> int:
    """Train, and return the exit code; an error is reported in the folder and not printed."""
    _end_with(os.getppid())
    job = files.read_json(folder / JOB)
    run, first = path_of(job["out"]), os.environ["RANK"] == "0"
    track, progress = tuple(job["track"]), bool(job["progress"]) and first
    try:
        # After a restart, the run exists.
        if job["task"] == "resume" or has_record(run):
            resume(run, data=job["data"], track=track, progress=progress)
        else:
            train(recipe=folder / RECIPE, out=run, track=track, progress=progress)
    except WorkerLostError as error:  # not the cause: another worker has died
        return error.exit_code
    except PicturewiseError as error:
        if first or not isinstance(error, Interrupted):
            _report(
                folder, {"error": type(error).__name__, "message": str(error), "exit_code": error.exit_code}
            )
        return error.exit_code
    if first:
        _report(folder, {"run": job["out"]})
    return 0


def _end_with(launcher: int) -> None:
    """Let the system send SIGTERM to this process when its launcher ends, so that nobody trains on unnoticed.

    Only Linux can do that. Elsewhere, the lock of the run's folder shows that it is still trained.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_SIGNAL_OF_DEATH, signal.SIGTERM)
    if os.getppid() != launcher:  # it ended before the call
        os.kill(os.getpid(), signal.SIGTERM)


def _report(folder: Path, content: dict[str, object]) -> None:
    if folder.is_dir() and not (folder / ENDED).exists():  # the first error counts
        files.write_json(folder / ENDED, content)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
