"""Training on a Ray cluster: Ray Train starts the workers, and connects them as torchrun does."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

from picturewise.errors import UsageError
from picturewise.extras import install_command
from picturewise.printable import printable
from picturewise.scaling.on_ray import connected
from picturewise.scaling.process_on_ray import check_cores
from picturewise.standard_error import STANDARD_ERROR

Work = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""What a worker does: its job → what it reports, if it does."""
_WAIT = 0.5  # seconds between two looks at the progress


class RayWorkers:
    """The workers of a run on a Ray cluster.

    Args:
        work: can be imported on all machines of the cluster.
        job: its argument; plain content.
        workers: their number.
        address: `ray`, or `ray://host:port`.

    Attributes:
        report: of a worker; None: there is none yet.
    """

    def __init__(self, work: Work, job: Mapping[str, Any], workers: int, address: str) -> None:
        self._work, self._job, self._workers, self._address = work, job, workers, address
        self.report: Mapping[str, Any] | None = None

    def start(self) -> str | None:
        """Run the workers, and show what the first one prints; see `keep_running`.

        Raises:
            UsageError: Ray Train is not installed, or the cluster cannot be reached or is too small.
        """
        _require_train()
        with connected(self._address) as ray:
            check_cores(ray, self._workers)
            box = ray.remote(num_cpus=0)(_Box).remote()
            task = ray.remote(num_cpus=0, max_retries=0)(_fit).remote(
                self._work, self._job, self._workers, box
            )
            try:
                while not ray.wait([task], timeout=_WAIT)[0]:
                    _show(ray.get(box.text.remote()))
                ray.get(task)
                how = None
            except ray.exceptions.RayError:
                how = "A worker on the cluster has ended"
            except BaseException:  # Ctrl-C, too
                with contextlib.suppress(Exception):
                    ray.cancel(task, force=True)
                raise
            _show(ray.get(box.text.remote()))
            self.report = ray.get(box.report.remote())
            return how


class _Box:
    """An actor that the first worker puts its progress and its report into."""

    def __init__(self) -> None:
        self._report: Mapping[str, Any] | None = None
        self._text = ""

    def put(self, report: Mapping[str, Any]) -> None:
        self._report = self._report or report

    def write(self, text: str) -> None:
        self._text += text

    def text(self) -> str:
        found, self._text = self._text, ""
        return found

    def report(self) -> Mapping[str, Any] | None:
        return self._report


class _Stream:
    """A standard error output that writes into a box."""

    encoding = "utf-8"

    def __init__(self, ray: Any, box: Any) -> None:
        self._ray, self._box = ray, box

    def write(self, text: str) -> int:
        self._ray.get(self._box.write.remote(text))
        return len(text)

    def flush(self) -> None:
        """Everything is written at once."""

    def isatty(self) -> bool:
        return False


def _fit(work: Work, job: Mapping[str, Any], workers: int, box: Any) -> None:
    """Train with Ray Train, in a task of the cluster."""
    import ray  # noqa: PLC0415 (an extra)
    from ray.train import FailureConfig, RunConfig, ScalingConfig  # noqa: PLC0415 (an extra)
    from ray.train.torch import TorchTrainer  # noqa: PLC0415 (an extra)

    on_gpu = ray.cluster_resources().get("GPU", 0) >= workers
    with tempfile.TemporaryDirectory(prefix="picturewise-") as folder:
        TorchTrainer(
            _loop,
            train_loop_config={"work": work, "job": dict(job), "box": box},
            scaling_config=ScalingConfig(num_workers=workers, use_gpu=on_gpu),
            # Checkpoints are the run's own, and restarts are counted by them.
            run_config=RunConfig(storage_path=folder, failure_config=FailureConfig(max_failures=0)),
        ).fit()


def _loop(config: Mapping[str, Any]) -> None:
    """Do the work, as one of the workers."""
    import ray  # noqa: PLC0415 (an extra)

    logging.getLogger("picturewise").propagate = False  # Ray prints what reaches the root
    if os.environ.get("RANK", "0") == "0":
        sys.stderr = _Stream(ray, config["box"])
    report = config["work"](config["job"])
    if report is not None:
        ray.get(config["box"].put.remote(dict(report)))


def _require_train() -> None:
    try:
        import ray.train.torch  # noqa: F401, PLC0415 (an extra, and slow to import)
    except ImportError as error:
        raise UsageError(
            f"Training on Ray needs Ray Train, which cannot be imported ({printable(str(error))[:100]}). Install it "
            f"with: {install_command('ray')}"
        ) from error


def _show(text: str) -> None:
    if text:
        STANDARD_ERROR.write(text)
        STANDARD_ERROR.flush()
