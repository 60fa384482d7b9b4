from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from picturewise.errors import DivergedError, Interrupted
from picturewise.recipes.recipe import flat
from picturewise.runs.history import Epoch, best_epoch
from picturewise.runs.run import open_run
from picturewise.tracking.mlflow import RUN_ID, STORE, MLflow
from picturewise.training.trainer import Callback, Trainer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own

if not all(map(importlib.util.find_spec, MLflow.packages)):  # importing takes seconds, in every worker
    pytest.skip("MLflow is not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the runs of this file, which share a store, since making one takes seconds."""
    return tmp_path_factory.mktemp("runs")


def found(folder: Path, name: str) -> Any:
    """Return the only run of that name in the store of a folder, as MLflow reads it."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / STORE}")
    (experiment,) = [each for each in client.search_experiments() if each.name == "tiny"]
    (run,) = client.search_runs([experiment.experiment_id], f"attributes.run_name = '{name}'")
    run.client = client
    return run


def check_metrics(path: Path) -> None:
    """Check that the store has the epochs of history.csv, each once."""
    history, run = open_run(path).history, found(path.parent, path.name)
    for column in set(asdict(history[0])) - {"epoch"}:
        metrics = run.client.get_metric_history(run.info.run_id, column)
        written = sorted((metric.step, metric.value) for metric in metrics)
        assert written == [(row.epoch, asdict(row)[column]) for row in history]


class Stop(Callback):
    """Sends Ctrl-C in the third batch of the second epoch."""

    def on_batch(self, trainer: Trainer) -> None:
        if (trainer.epoch, trainer.batch) == (2, 3):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
def test_a_run_is_in_the_store_with_recipe_metrics_and_outcome_and_ends_with_the_same_weights(
    runs: Path, tiny: ModuleType, untracked: dict[str, Any]
) -> None:
    path = runs / "whole"
    tiny.start(path, callbacks=[MLflow()], epochs=3).fit()
    assert tiny.outcome(path) == untracked
    check_metrics(path)
    run, opened = found(runs, "whole"), open_run(path)
    values = {key: value for key, value in flat(opened.recipe).items() if value is not None}
    assert set(run.data.params) == set(values)
    assert run.data.params["training.learning_rate"] == "0.01"
    assert run.data.params["preparation.augmentation"] == "shift 1; flip; rotate 10; mixup 0.4"
    best = best_epoch(opened.history)
    tags = {key.removeprefix("picturewise."): value for key, value in run.data.tags.items()}
    assert tags["best_epoch"] == str(best.epoch)
    assert float(tags["best_valid_accuracy"]) == best.valid_accuracy
    assert tags["classifier"] == str(path / "classifier.safetensors")
    assert tags["final_weights_sha256"] == untracked["final weights"]
    assert run.info.status == "FINISHED"


@pytest.mark.slow
def test_nothing_is_sent_and_nothing_is_written_elsewhere(
    runs: Path, tiny: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9/server")
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    tiny.start(runs / "local", callbacks=[MLflow()]).fit()
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    for name in ("PYTEST_CURRENT_TEST", "CI"):
        monkeypatch.delenv(name, raising=False)
    assert is_telemetry_disabled()
    check_metrics(runs / "local")
    assert found(runs, "local").info.artifact_uri.startswith((runs / "mlartifacts").as_uri())
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_run_goes_on_with_the_same_one_and_repeats_nothing(
    runs: Path, tiny: ModuleType, untracked: dict[str, Any]
) -> None:
    path = runs / "stopped"
    with pytest.raises(Interrupted):
        tiny.start(path, callbacks=[MLflow(), Stop()], epochs=3).fit()
    check_metrics(path)
    first = found(runs, "stopped").info
    assert first.status == "KILLED"
    states = []

    class Look(Callback):
        def on_start(self, trainer: Trainer) -> None:
            states.append(found(runs, "stopped").info.status)

    tiny.resume(path, callbacks=[MLflow(), Look()]).fit()
    last = found(runs, "stopped").info
    assert (last.run_id, states, last.status) == (first.run_id, ["RUNNING"], "FINISHED")
    check_metrics(path)
    assert {**tiny.outcome(path), "checkpoints": untracked["checkpoints"]} == untracked


def test_an_epoch_that_is_repeated_after_a_crash_is_in_the_store_once(runs: Path, tiny: ModuleType) -> None:
    path = runs / "repeated"

    class Break(Callback):  # after the record was written, before the checkpoint
        def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
            if row.epoch == 2:
                raise KeyError

    with pytest.raises(KeyError):
        tiny.start(path, callbacks=[MLflow(), Break()], epochs=3).fit()
    assert found(runs, "repeated").info.status == "FAILED"
    tiny.resume(path, callbacks=[MLflow()]).fit()
    run = found(runs, "repeated")
    metrics = run.client.get_metric_history(run.info.run_id, "valid_loss")
    written = sorted((metric.step, metric.value) for metric in metrics)
    assert written == [(row.epoch, row.valid_loss) for row in open_run(path).history]


def test_a_run_that_diverged_has_failed(runs: Path, tiny: ModuleType) -> None:
    trainer = tiny.start(runs / "diverged", callbacks=[MLflow()], optimizer="sgd", learning_rate=1e30)
    with pytest.raises(DivergedError) as caught:
        trainer.fit()
    run = found(runs, "diverged")
    assert (run.info.status, run.data.tags["picturewise.reason"]) == ("FAILED", str(caught.value))


def test_a_copy_of_a_run_gets_one_of_its_own_with_all_epochs(runs: Path, tiny: ModuleType) -> None:
    with pytest.raises(Interrupted):
        tiny.start(runs / "original", callbacks=[MLflow(), Stop()], epochs=3).fit()
    shutil.copytree(runs / "original", runs / "copied")
    tiny.resume(runs / "copied", callbacks=[MLflow()]).fit()
    check_metrics(runs / "copied")
    assert found(runs, "original").info.status == "KILLED"


@pytest.mark.parametrize(
    "content", [b'{"run": "00000000000000000000000000000000"}', b'{"run": []}', b"[]", b"{"]
)
def test_a_run_whose_one_is_gone_gets_a_new_one_with_all_epochs(
    content: bytes, runs: Path, tiny: ModuleType
) -> None:
    path = runs / f"gone-{len(content)}"
    with pytest.raises(Interrupted):
        tiny.start(path, callbacks=[Stop()], epochs=3).fit()
    (path / RUN_ID).write_bytes(content)
    tiny.resume(path, callbacks=[MLflow()]).fit()
    check_metrics(path)


def test_a_store_that_is_none_is_told_before_the_first_batch(tmp_path: Path, tiny: ModuleType) -> None:
    from picturewise.errors import SaveError

    (tmp_path / STORE).write_bytes(b"no database" * 1000)
    with pytest.raises(SaveError, match=r"--track mlflow cannot log .*run: .*Train without tracking with: "):
        tiny.start(tmp_path / "run", callbacks=[MLflow()]).fit()
    assert (tmp_path / STORE).read_bytes() == b"no database" * 1000
