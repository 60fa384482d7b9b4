from __future__ import annotations

import io
import json
import shutil
import signal
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.numpy import load_file

from picturewise.data.dataset import Dataset
from picturewise.data.splitting.folds import folds_of
from picturewise.errors import DivergedError, Interrupted, RunError
from picturewise.evaluation.calibration import choose_temperature
from picturewise.runs.run import Run, open_run
from picturewise.training import start as starting
from picturewise.training.folds import FoldLoop
from picturewise.training.make_learner import make_learner
from picturewise.training.progress import ProgressDisplay
from picturewise.training.trainer import Callback, Trainer

EPOCHS = 3


def dataset(tiny: ModuleType) -> Dataset:
    return Dataset("tiny", train=tiny.pictures(43, 0, "train"))


def start(tiny: ModuleType, path: Path, *callbacks: Callback, **training: Any) -> Trainer:
    recipe = tiny.recipe(**{"epochs": EPOCHS, "folds": 3, **training})
    return starting.start(recipe, dataset(tiny), path, callbacks=callbacks)


def resume(tiny: ModuleType, path: Path, *callbacks: Callback) -> Trainer:
    return starting.resume(open_run(path), dataset(tiny), callbacks=callbacks)


def left(tiny: ModuleType, path: Path) -> dict[str, Any]:
    """Return all that a run leaves behind, but for times."""
    folds = {
        file.name: load_file(file)["logits"].tobytes().hex() for file in sorted((path / "folds").iterdir())
    }
    return {**tiny.outcome(path), "folds": folds}


@pytest.fixture(scope="module")
def whole(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in folds that nothing disturbed."""
    path = tmp_path_factory.mktemp("whole") / "run"
    start(tiny, path).fit()
    return open_run(path)


def test_each_picture_is_predicted_by_a_network_that_was_trained_on_the_other_folds(
    tiny: ModuleType, whole: Run
) -> None:
    pictures = dataset(tiny).split("train")
    folds = folds_of(pictures, seed=7, folds=3)
    for fold in range(3):
        held = np.flatnonzero(folds == fold)
        parts = Dataset("by hand", pictures.select(np.flatnonzero(folds != fold)), pictures.select(held))
        learner, _ = make_learner(tiny.recipe(epochs=EPOCHS), parts)
        by_hand = []
        with learner.learning():
            for epoch in range(1, EPOCHS + 1):
                order = learner.begin(epoch)
                for batch in range(learner.batches):
                    learner.step(order, epoch, batch, learner.rate(epoch, batch))
                by_hand.append(learner.evaluate(learner.required_valid)[0])
        kept = load_file(whole.folds / f"{fold + 1}.safetensors")
        np.testing.assert_array_equal(kept["logits"], np.stack(by_hand))
        assert kept["seconds"].shape == (EPOCHS,)


def test_the_folds_choose_the_epoch_and_the_temperature(tiny: ModuleType, whole: Run) -> None:
    pictures = dataset(tiny).split("train")
    folds, labels = folds_of(pictures, seed=7, folds=3), pictures.required_labels
    logits = np.zeros((EPOCHS, 43, 3), np.float32)
    for fold in range(3):
        logits[:, folds == fold] = load_file(whole.folds / f"{fold + 1}.safetensors")["logits"]
    right = (logits.argmax(axis=2) == labels).mean(axis=1)
    losses = [
        float(torch.nn.functional.cross_entropy(torch.tensor(one).double(), torch.tensor(labels)))
        for one in logits
    ]
    chosen = min(range(EPOCHS), key=lambda at: (-right[at], losses[at]))
    assert [row.epoch for row in whole.history] == [*range(1, chosen + 2)]
    assert [row.valid_accuracy for row in whole.history] == pytest.approx(right[: chosen + 1].tolist())
    assert [row.valid_loss for row in whole.history] == pytest.approx(losses[: chosen + 1])
    classifier = whole.classifier()
    assert classifier.description.temperature == choose_temperature(logits[chosen], labels)
    assert classifier.description.provenance["epoch"] == str(chosen + 1)
    assert json.loads((whole.path / "run.json").read_text())["data"]["splits"].keys() == {"train"}


def test_the_last_epoch_is_kept_if_the_recipe_says_so(tiny: ModuleType, tmp_path: Path) -> None:
    start(tiny, tmp_path / "run", keep="last").fit()
    run = open_run(tmp_path / "run")
    assert run.kept_epoch.epoch == EPOCHS == len(run.history)
    assert run.classifier().description.provenance["epoch"] == str(EPOCHS)


def test_nothing_but_predictions_is_left_of_the_folds(whole: Run) -> None:
    assert sorted(path.name for path in whole.folds.iterdir()) == [
        "1.safetensors",
        "2.safetensors",
        "3.safetensors",
    ]


class StopInFold(Callback):
    """Stops the run as Ctrl-C does, after a batch of a fold, or after all its epochs (batch None)."""

    def __init__(self, fold: int, epoch: int, batch: int | None) -> None:
        self.place = (fold, epoch, batch)

    def on_fold_batch(self, trainer: Trainer, fold: FoldLoop) -> None:
        if (fold.number, fold.epoch, fold.batch) == self.place:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("place", [(1, 1, 1), (1, 3, 4), (2, 2, 3), (3, 1, 4)], ids=str)
def test_a_run_that_is_stopped_in_a_fold_goes_on_as_if_it_had_not_been(
    tiny: ModuleType, tmp_path: Path, whole: Run, place: tuple[int, int, int]
) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted, match=f"in fold {place[0]}, epoch {place[1]}, batch {place[2]} of 4"):
        start(tiny, path, StopInFold(*place)).fit()
    assert open_run(path).record.status == "interrupted"
    text = io.StringIO()
    resume(tiny, path, ProgressDisplay(Console(file=text, width=80))).fit()
    done = place[0] - 1
    assert (
        text.getvalue().splitlines()[0] == f"{done} of 3 folds are complete. Continuing in fold {done + 1}."
    )
    assert left(tiny, path) == left(tiny, whole.path)


def test_a_run_that_is_stopped_again_and_again_comes_to_the_same_end(
    tiny: ModuleType, tmp_path: Path, whole: Run
) -> None:
    path = tmp_path / "run"
    trainer = start(tiny, path, StopInFold(1, 1, 2))
    for place in [(1, 2, 1), (1, 3, 4), (2, 1, 1), (3, 3, 2)]:
        with pytest.raises(Interrupted):
            trainer.fit()
        trainer = resume(tiny, path, StopInFold(*place))
    with pytest.raises(Interrupted):
        trainer.fit()
    trainer = resume(tiny, path, tiny.Stop(1, 2))
    with pytest.raises(Interrupted):
        trainer.fit()
    resume(tiny, path).fit()
    found = left(tiny, path)
    assert {**found, "checkpoints": None} == {**left(tiny, whole.path), "checkpoints": None}


def test_a_damaged_file_of_predictions_is_made_again(tiny: ModuleType, tmp_path: Path, whole: Run) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted):
        start(tiny, path, StopInFold(2, 2, 1)).fit()
    for name in ("1.safetensors", "2.safetensors"):
        content = bytearray((path / "folds" / name).read_bytes())
        content[-1] ^= 1
        (path / "folds" / name).write_bytes(content)
    trainer = resume(tiny, path)
    trainer.fit()
    assert sum("is damaged, so fold" in note for note in trainer.notes) == 2
    assert left(tiny, path) == left(tiny, whole.path)


def test_a_module_starts_every_fold_with_its_own_weights(tiny: ModuleType, tmp_path: Path) -> None:
    def network(seed: int) -> torch.nn.Module:
        torch.manual_seed(seed)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))

    recipe = tiny.recipe(epochs=1, folds=3)
    for name, place in (("whole", (9, 9, 9)), ("stopped", (2, 1, 2))):
        trainer = starting.start(
            recipe, dataset(tiny), tmp_path / name, network=network(1), callbacks=[StopInFold(*place)]
        )
        if name == "whole":
            trainer.fit()
            continue
        with pytest.raises(Interrupted):
            trainer.fit()
        run = open_run(tmp_path / name)
        starting.resume(run, dataset(tiny), network=network(2)).fit()
    assert left(tiny, tmp_path / "whole") == left(tiny, tmp_path / "stopped")


def test_a_fold_that_diverges_is_named(tiny: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="in fold 1, epoch 1"):
        start(tiny, tmp_path / "run", optimizer="sgd", learning_rate=1e30).fit()
    assert open_run(tmp_path / "run").record.status == "diverged"


def test_the_forecast_takes_no_step_of_the_run(tiny: ModuleType, tmp_path: Path, whole: Run) -> None:
    trainer = start(tiny, tmp_path / "run")
    assert trainer.folds is not None
    assert trainer.folds.steps == sum(EPOCHS * 4 for _ in range(3))
    assert 0 < trainer.folds.forecast() < 60
    trainer.fit()
    assert left(tiny, tmp_path / "run") == left(tiny, whole.path)


def test_the_files_of_a_fold_may_be_deleted_after_training(
    tiny: ModuleType, tmp_path: Path, whole: Run
) -> None:
    shutil.copytree(whole.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "folds")
    assert open_run(tmp_path / "run").kept_epoch == whole.kept_epoch


def test_a_fold_that_is_lost_after_the_folds_is_not_made_from_a_trained_network(
    tiny: ModuleType, tmp_path: Path
) -> None:
    def network() -> torch.nn.Module:
        torch.manual_seed(1)
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))

    path = tmp_path / "run"
    recipe = tiny.recipe(epochs=3, folds=3, keep="last")
    with pytest.raises(Interrupted):
        starting.start(recipe, dataset(tiny), path, network=network(), callbacks=[tiny.Stop(2, 1)]).fit()
    (path / "folds" / "2.safetensors").unlink()
    with pytest.raises(
        RunError, match="is missing or damaged, although training has gone on after the folds"
    ):
        starting.resume(open_run(path), dataset(tiny), network=network()).fit()
