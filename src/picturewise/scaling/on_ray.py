"""Parts on a Ray cluster: a task for each, which Ray repeats if its process or its machine ends.

The tasks return the content of the parts, and this process writes them, so the machines need not share a disk. They
must have the same version of Picturewise, and reach the source under the same path or address.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from picturewise import files
from picturewise.errors import PicturewiseError, UsageError
from picturewise.extras import install_command
from picturewise.printable import printable
from picturewise.scaling.job import Job
from picturewise.scaling.local import ONE_THREAD
from picturewise.scaling.part_facts import ENDINGS, PartFacts
from picturewise.scaling.part_work import PartWork
from picturewise.scaling.plan import CLASSIFIER, part_name
from picturewise.scaling.results import DEATHS, Failure, Results
from picturewise.stopping import SIGNALS

HERE = "ray"
"""Instead of an address: the cluster that this machine belongs to."""
_PREFIX = "ray://"
_AHEAD = 2  # tasks for each core of the cluster that are given out at a time
_WAIT = 1.0  # seconds between two looks at the cluster
_PATIENCE = 20.0  # seconds for its first answer
_kept: dict[str, tuple[Job, PartWork]] = {}
"""In a process of the cluster: the work of the last job, by the digest of its plan."""


def compute_on_ray(job: Job, numbers: Sequence[int], results: Results, *, address: str) -> None:
    """Compute parts on a Ray cluster, and write them.

    Args:
        job: the job.
        numbers: of the parts.
        results: receive what is computed.
        address: `ray`, or `ray://host:port`.

    Raises:
        UsageError: Ray is not installed, or the address is not that of a cluster.
        SaveError: a part cannot be written.
    """
    with connected(address) as ray:
        task = ray.remote(max_retries=DEATHS - 1, num_cpus=1, runtime_env={"env_vars": dict(ONE_THREAD)})(
            computed_part
        )
        content = ray.put((job.content(), job.classifier_path.read_bytes(), _learned(job)))
        waiting = iter(numbers)
        running: dict[Any, int] = {}
        try:
            while True:
                most = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
                while len(running) < most and (number := next(waiting, None)) is not None:
                    running[task.remote(content, number, _names(job, number))] = number
                if not running:
                    return
                ready, _ = ray.wait(list(running), timeout=_WAIT)
                for one in ready:
                    _take(ray, one, running.pop(one), job, results)
        finally:  # Ctrl-C, too
            for one in running:
                with contextlib.suppress(Exception):
                    ray.cancel(one, force=True)


def computed_part(
    content: tuple[dict[str, Any], bytes, bytes | None], number: int, names: bytes | None
) -> tuple[str, Any, bytes]:
    """Return a part, as a task in a process of the cluster.

    Args:
        content: the job, the classifier's file, and what it was trained on, if that is known.
        number: of the part.
        names: of its picture files.

    Returns:
        An empty string, the facts about the part, and its content; or the error, the name of its class, and nothing.
    """
    try:
        job, work = _work(content)
        if names is not None:
            files.write_bytes(job.names_path(number), names)
        with tempfile.TemporaryFile() as file:
            facts = work.compute(number, file, lambda _: None)
            file.seek(0)
            return "", list(facts), file.read()
    except PicturewiseError as error:
        return str(error), type(error).__name__, b""


def _work(content: tuple[dict[str, Any], bytes, bytes | None]) -> tuple[Job, PartWork]:
    """Return the work of a job; the classifier is loaded once for all of its parts."""
    told, classifier, learned = content
    job = Job.of(told)
    if job.plan.digest not in _kept:
        for _, older in _kept.values():
            older.close()
        _kept.clear()
        folder = Path(tempfile.mkdtemp(prefix="picturewise-"))
        files.write_bytes(folder / CLASSIFIER, classifier)
        if learned is not None:
            files.write_bytes(folder / "learned.npy", learned)
        job = replace(job, folder=folder, learned=None if learned is None else folder / "learned.npy")
        _kept[job.plan.digest] = job, PartWork(job)
    return _kept[job.plan.digest]


def _take(ray: Any, task: Any, number: int, job: Job, results: Results) -> None:
    """Take what a task returned, and write the part."""
    try:
        error, facts, content = ray.get(task)
    except ray.exceptions.RayError as lost:
        results.lost += 1
        said = printable(str(lost).strip().partition("\n")[0])[:200]
        results.failed[number] = Failure(f"Its task ended {DEATHS} times ({said}).")
        return
    if error:
        results.failed[number] = Failure(error, facts)
        return
    files.write_bytes(job.folder / part_name(number, ENDINGS[job.plan.task]), content)
    found = PartFacts(*facts)
    results.rows(found.rows)
    results.add(number, found)


def _names(job: Job, number: int) -> bytes | None:
    return job.names_path(number).read_bytes() if job.plan.names else None


def _learned(job: Job) -> bytes | None:
    return None if job.learned is None else job.learned.read_bytes()


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Yield Ray, connected to the cluster."""
    if address != HERE and not address.startswith(_PREFIX):
        raise UsageError(
            f"--on is '{printable(address)[:60]}'. Expected {HERE}, for the cluster that this machine belongs to, or "
            "an address such as ray://head:10001."
        )
    try:
        import ray  # noqa: PLC0415 (an extra, and slow to import)
    except ImportError as error:
        raise UsageError(
            f"--on needs Ray, which is not installed. Install it with: {install_command('ray')}"
        ) from error
    if ray.is_initialized():
        yield ray
        return
    where = os.environ.get("RAY_ADDRESS", "auto") if address == HERE else address
    try:
        _check_answers(where.removeprefix(_PREFIX))
        with _same_handlers():
            ray.init(address=where, log_to_driver=False, logging_level="ERROR")
    # Ray raises many kinds: ConnectionError, RuntimeError, ValueError, gRPC's own.
    except Exception as error:
        said = printable(str(error).strip().partition("\n")[0])[:200].rstrip(".")
        raise UsageError(
            f"The Ray cluster at {printable(where)} cannot be reached ({said}). Check that it runs, and "
            "that it has the same version of Ray."
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(where: str) -> None:
    """Raise an OSError if nothing answers at `host:port`: Ray itself would go on trying for more than five minutes."""
    host, _, port = where.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


@contextlib.contextmanager
def _same_handlers() -> Iterator[None]:
    """After the block, signals are handled as before: Ray replaces the handler of SIGTERM."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)
