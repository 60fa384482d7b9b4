"""A local MLflow store beside the run folders; nothing is sent anywhere."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from picturewise import files
from picturewise.errors import RunError
from picturewise.recipes.recipe import Recipe, flat
from picturewise.runs.history import Epoch, kept_epoch
from picturewise.runs.places import inside
from picturewise.tracking.tracker import Tracker
from picturewise.training.trainer import Trainer

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

STORE = "mlflow.db"
"""The SQLite file in the folder that the run's folder is in."""
ARTIFACTS = "mlartifacts"
"""Beside it, for what users add to a run themselves."""
RUN_ID = "mlflow.json"
"""In the run's folder: the id of the run in the store."""
_STATUS = {"finished": "FINISHED", "interrupted": "KILLED"}


class MLflow(Tracker):
    """Writes an MLflow run: the recipe as parameters, each epoch as metrics, the result as tags.

    The experiment is named after the data set, and the run after its folder. A resumed run continues the same MLflow
    run and adds the missing epochs; no epoch is written twice.
    """

    name: ClassVar[str] = "mlflow"
    packages: ClassVar[tuple[str, ...]] = ("mlflow", "sqlalchemy", "alembic")

    def begin(self, trainer: Trainer) -> None:
        """Find or create the run, and write the missing epochs."""
        folder = trainer.run.path.resolve().parent
        self._client = _client(inside(folder, STORE))
        self._run = _known(self._client, trainer)
        if self._run is None:
            self._run = _create(self._client, trainer, folder / ARTIFACTS)
            files.write_json(trainer.run.path / RUN_ID, {"run": self._run})
        self._client.update_run(self._run, status="RUNNING")
        there = self._client.get_metric_history(self._run, "valid_loss")
        self._steps = {metric.step for metric in there}
        ended = time.time() - sum(row.seconds for row in trainer.history)
        for row in trainer.history:
            ended += row.seconds
            self._write(row, ended)

    def add(self, trainer: Trainer, row: Epoch) -> None:
        """Write the metrics of an epoch; they are the columns of the history."""
        self._write(row, time.time())

    def end(self, trainer: Trainer) -> None:
        """Write the result and the status."""
        tags = {"picturewise.reason": trainer.record.reason}
        if trainer.history:
            best = kept_epoch(trainer.history, trainer.recipe.training.keep)
            tags |= {
                "picturewise.best_epoch": str(best.epoch),
                "picturewise.best_valid_accuracy": str(best.valid_accuracy),
                "picturewise.best_valid_loss": str(best.valid_loss),
                "picturewise.classifier": str(trainer.run.classifier_path.resolve()),
            }
        if trainer.record.final_weights_sha256 is not None:
            tags["picturewise.final_weights_sha256"] = trainer.record.final_weights_sha256
        for key, value in tags.items():
            self._client.set_tag(self._run, key, value)
        self._client.set_terminated(self._run, _STATUS.get(trainer.record.status, "FAILED"))

    def _write(self, row: Epoch, ended: float) -> None:
        if row.epoch in self._steps:
            return
        from mlflow.entities import Metric  # noqa: PLC0415 (see _client)

        values = asdict(row)
        del values["epoch"]
        metrics = [Metric(name, value, int(1000 * ended), row.epoch) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=metrics, synchronous=True)
        self._steps.add(row.epoch)


def _client(store: Path) -> MlflowClient:
    """Return a client of the store, a file that is created if it does not exist."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read on import
    from mlflow.tracking import MlflowClient  # noqa: PLC0415 (seconds, and an extra)

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)  # otherwise they log every table that they create
    uri = f"sqlite:///{store.as_posix()}"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)  # otherwise the environment may name a server


def _known(client: MlflowClient, trainer: Trainer) -> str | None:
    """Return the id of this folder's run in the store; None: there is none, or this folder is a copy of the run's."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 (see _client)

    with contextlib.suppress(RunError, MlflowException, KeyError, TypeError):
        found: str = files.read_json(trainer.run.path / RUN_ID)["run"]
        run = client.get_run(found)
        if run.info.lifecycle_stage == "active" and run.data.tags["picturewise.run"] == trainer.run.name:
            return found
    return None


def _create(client: MlflowClient, trainer: Trainer, artifacts: Path) -> str:
    """Create the run with everything that is known before the first batch, and return its id."""
    from mlflow.entities import Param  # noqa: PLC0415 (see _client)

    record = trainer.record
    began = time.time() - sum(row.seconds for row in trainer.history)
    tags = {
        "picturewise.run": trainer.run.name,
        "picturewise.folder": str(trainer.run.path.resolve()),
        "picturewise.version": record.picturewise,
        "picturewise.train_sha256": record.data.splits["train"].fingerprint,
        "picturewise.trainable_parameters": str(record.trainable_parameters),
        **{f"picturewise.machine.{key}": value for key, value in record.machine.items()},
    }
    experiment = _experiment(client, record.data.name, artifacts)
    run = client.create_run(experiment, start_time=int(1000 * began), run_name=trainer.run.name, tags=tags)
    params = [Param(key, value) for key, value in _params(trainer.recipe).items()]
    client.log_batch(run.info.run_id, params=params, synchronous=True)
    return str(run.info.run_id)


def _experiment(client: MlflowClient, name: str, artifacts: Path) -> str:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 (see _client)

    found = client.get_experiment_by_name(name)
    if found is None:
        with contextlib.suppress(MlflowException):  # another run may have created it in the meantime
            return str(client.create_experiment(name, artifact_location=artifacts.as_uri()))
        found = client.get_experiment_by_name(name)
    return str(found.experiment_id)


def _params(recipe: Recipe) -> dict[str, str]:
    """Return the recipe by its dotted keys, as text, without keys that are not set."""
    return {key: _as_text(value) for key, value in flat(recipe).items() if value is not None}


def _as_text(value: Any) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
