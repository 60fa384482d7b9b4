from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picturewise.evaluation.calibration import choose_temperature
from picturewise.networks.weights import fingerprint
from picturewise.runs.history import Epoch, best_epoch
from picturewise.runs.run import open_run
from picturewise.training.callbacks import EarlyStopping
from picturewise.training.trainer import Callback, Trainer


def rows(*accuracies: float) -> list[Epoch]:
    return [
        Epoch(number, 0.1, 1.0, 0.5, 1.0, accuracy, 1.0, 1.0) for number, accuracy in enumerate(accuracies, 1)
    ]


def stopped_after(accuracies: list[float], patience: int) -> tuple[int, str]:
    """Show a stopping rule one epoch after the other; return how many it saw, and its reason."""
    reasons: list[str] = []
    for count in range(1, len(accuracies) + 1):
        trainer: Any = SimpleNamespace(history=rows(*accuracies[:count]), stop=reasons.append)
        EarlyStopping(patience).on_epoch(trainer, trainer.history[-1])
        if reasons:
            return count, reasons[0]
    return len(accuracies), ""


@pytest.mark.parametrize(
    ("accuracies", "patience", "epochs"),
    [
        ([0.5, 0.6, 0.7, 0.8], 1, 4),
        ([0.5, 0.4, 0.6, 0.7], 1, 2),
        ([0.5, 0.4, 0.6, 0.5, 0.5, 0.9], 2, 5),
        ([0.5, 0.5, 0.5, 0.5], 3, 4),
        ([0.5], 1, 1),
    ],
)
def test_a_run_stops_when_the_best_epoch_is_as_far_back_as_its_patience(
    accuracies: list[float], patience: int, epochs: int
) -> None:
    assert stopped_after(accuracies, patience)[0] == epochs


def test_the_reason_names_patience_and_the_best_epoch() -> None:
    _, reason = stopped_after([0.5, 0.6, 0.1, 0.2], 2)
    assert reason == "Validation has not improved for 2 epochs; the best was epoch 2."


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=1, max_size=8), st.integers(1, 4))
def test_a_run_that_goes_on_stops_exactly_where_one_that_was_not_interrupted_does(
    accuracies: list[float], patience: int
) -> None:
    epochs, reason = stopped_after(accuracies, patience)
    for count in range(epochs + 1):
        reasons: list[str] = []
        trainer: Any = SimpleNamespace(history=rows(*accuracies[:count]), stop=reasons.append)
        EarlyStopping(patience).on_start(trainer)
        assert reasons == ([reason] if reason and count == epochs else [])


class Keeping(Callback):
    """Keeps what the saved classifier and the network are after each epoch."""

    def __init__(self) -> None:
        self.saved: list[str] = []
        self.networks: list[str] = []
        self.logits: list[Any] = []

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        self.saved.append(trainer.run.classifier().weights_sha256)
        self.networks.append(fingerprint(trainer.network.state_dict()))
        self.logits.append(trainer.valid_logits)


def test_the_saved_classifier_is_always_that_of_the_best_epoch_so_far(
    tmp_path: Path, tiny: ModuleType
) -> None:
    kept = Keeping()
    tiny.start(tmp_path / "run", callbacks=[kept], epochs=8, optimizer="sgd", learning_rate=0.5).fit()
    run = open_run(tmp_path / "run")
    bests = [best_epoch(run.history[:count]).epoch for count in range(1, 9)]
    assert bests != list(range(1, 9))  # some epochs were no better, or this would prove little
    assert kept.saved == [kept.networks[best - 1] for best in bests]


def test_the_classifier_knows_where_it_comes_from_and_is_calibrated(tmp_path: Path, tiny: ModuleType) -> None:
    kept = Keeping()
    tiny.start(tmp_path / "run", callbacks=[kept], epochs=3).fit()
    run, data = open_run(tmp_path / "run"), tiny.dataset()
    best = best_epoch(run.history).epoch
    found = run.classifier().description
    assert found.layers == run.recipe.model.layers == ("conv 4 3x3", *tiny.LAYERS[1:])
    assert (found.shape, found.classes, found.resize) == ((6, 6, 1), tiny.CLASSES, "crop")
    assert found.temperature == choose_temperature(kept.logits[best - 1], data.valid.labels)
    assert found.preparation.mean == (pytest.approx(data.train.images.mean()),)
    assert found.provenance["dataset"] == "tiny"
    assert found.provenance["train_sha256"] == data.train.fingerprint
    assert (found.provenance["epoch"], found.provenance["seed"]) == (str(best), "7")


def test_the_last_epoch_is_kept_uncalibrated_where_the_recipe_says_so(
    tmp_path: Path, tiny: ModuleType
) -> None:
    kept = Keeping()
    tiny.start(
        tmp_path / "run", callbacks=[kept], epochs=8, optimizer="sgd", learning_rate=0.5, keep="last"
    ).fit()
    run = open_run(tmp_path / "run")
    assert best_epoch(run.history).epoch < 8, "the best epoch must not be the last one here"
    assert kept.saved == kept.networks
    classifier = run.classifier()
    assert classifier.description.provenance["epoch"] == "8"
    assert classifier.description.temperature == 1.0
    assert classifier.weights_sha256 == run.record.final_weights_sha256
    assert "last epoch 8 with" in repr(run)
