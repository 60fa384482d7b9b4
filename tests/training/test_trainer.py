"""The trainer on a tiny run: what it repeats, what it keeps, and how it ends."""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from picturewise.data.dataset import Dataset
from picturewise.errors import DivergedError, Interrupted, RunError
from picturewise.networks import weights
from picturewise.runs import checkpoint
from picturewise.runs.history import Epoch, best_epoch
from picturewise.runs.run import open_run
from picturewise.training import loop as training
from picturewise.training import start as starting
from picturewise.training.schedules import factor
from picturewise.training.trainer import Callback, Trainer

SCRIPT = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
os.chdir(sys.argv[2])
import tiny_run
from pathlib import Path
tiny_run.start(Path("elsewhere")).fit()
print(json.dumps(tiny_run.outcome(Path("elsewhere"))))
"""


class At(Callback):
    """Does something to the trainer after a batch, before that batch can be saved."""

    def __init__(self, epoch: int, batch: int, action: Any) -> None:
        self.place, self.action = (epoch, batch), action

    def on_batch(self, trainer: Trainer) -> None:
        if (trainer.epoch, trainer.batch) == self.place:
            self.action(trainer)


def give_up(_: Trainer) -> None:
    raise KeyError


@pytest.mark.slow
def test_equal_seeds_give_equal_runs_in_another_process_and_folder(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert json.loads(said) == whole


def test_another_seed_gives_another_run(tmp_path: Path, tiny: ModuleType, whole: dict[str, Any]) -> None:
    tiny.start(tmp_path / "run", seed=8).fit()
    other = tiny.outcome(tmp_path / "run")
    assert other["weights"] != whole["weights"]
    assert other["history"] != whole["history"]


def test_global_random_numbers_neither_matter_nor_change(
    tmp_path: Path, tiny: ModuleType, whole: dict[str, Any]
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(123)
        before = torch.get_rng_state()
        tiny.start(tmp_path / "run").fit()
        assert torch.equal(torch.get_rng_state(), before)
    assert tiny.outcome(tmp_path / "run") == whole


def test_pictures_may_be_in_a_memory_map(tmp_path: Path, tiny: ModuleType, whole: dict[str, Any]) -> None:
    parts = {}
    for name, part in tiny.dataset().splits().items():
        np.save(tmp_path / f"{name}.npy", part.images)
        parts[name] = replace(part, images=np.load(tmp_path / f"{name}.npy", mmap_mode="r"))
    starting.start(tiny.recipe(), Dataset("tiny", **parts), tmp_path / "run").fit()
    assert tiny.outcome(tmp_path / "run") == whole


def test_the_clock_of_an_epoch_runs_until_its_last_step_is_computed(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, read = [0.0], Trainer._read_totals

    def slowly(trainer: Trainer) -> None:
        """Read as from a GPU, where this is what takes the time: a second here."""
        now[0] += 1
        read(trainer)

    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(Trainer, "_read_totals", slowly)
    tiny.start(tmp_path / "run").fit()
    for row in open_run(tmp_path / "run").history:
        assert (row.seconds, row.images_per_second) == (5, 33 / 5)  # four batches, and the end


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw", "muon"])
def test_a_run_that_is_saved_and_read_back_inside_epochs_equals_one_left_alone(
    tmp_path: Path, tiny: ModuleType, optimizer: str, precision: str
) -> None:
    options = {"optimizer": optimizer, "precision": precision, "momentum": 0.8, "checkpoint_minutes": 1e-9}
    tiny.start(tmp_path / "left alone", **options).fit()
    trainer = tiny.start(tmp_path / "read back", callbacks=[At(1, 3, give_up)], **options)
    for place in [(2, 1), (2, 4)]:
        with pytest.raises(KeyError):
            trainer.fit()
        trainer = tiny.resume(tmp_path / "read back", callbacks=[At(*place, give_up)])
    with pytest.raises(KeyError):
        trainer.fit()
    tiny.resume(tmp_path / "read back").fit()
    assert tiny.outcome(tmp_path / "read back") == tiny.outcome(tmp_path / "left alone")


def test_how_often_a_run_is_saved_changes_nothing(
    tmp_path: Path, tiny: ModuleType, whole: dict[str, Any]
) -> None:
    tiny.start(tmp_path / "run", checkpoint_minutes=1e-9).fit()
    found = tiny.outcome(tmp_path / "run")
    assert found.pop("checkpoints") == ["000002-00000004", "000003-00000000"]
    assert found == {key: value for key, value in whole.items() if key != "checkpoints"}


class Listening(Callback):
    """Records its calls, and the content of the run folder at that time."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def on_start(self, trainer: Trainer) -> None:
        self.heard.append(("start", trainer.epoch, trainer.batch))

    def on_batch(self, trainer: Trainer) -> None:
        self.heard.append(("batch", trainer.epoch, trainer.batch))

    def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
        assert trainer.history[-1] == row == trainer.run.history[-1]
        assert trainer.run.classifier_path.exists()
        newest, _ = checkpoint.newest(trainer.run.checkpoints)
        self.heard.append(("epoch", row.epoch, None if newest is None else newest.position.epoch))

    def on_stop(self, trainer: Trainer) -> None:
        self.heard.append(("stop", trainer.epoch, trainer.batch))


EPOCHS = [
    [*(("batch", epoch, batch) for batch in (1, 2, 3, 4)), ("epoch", epoch, saved)]
    for epoch, saved in ((1, None), (2, 2))
]


def test_callbacks_are_called_in_order_after_the_files_of_an_epoch_and_before_its_checkpoint(
    tmp_path: Path, tiny: ModuleType
) -> None:
    ears = Listening()
    tiny.start(tmp_path / "run", callbacks=[ears]).fit()
    assert ears.heard == [("start", 1, 0), *EPOCHS[0], *EPOCHS[1], ("stop", 3, 0)]
    again = Listening()
    tiny.resume(tmp_path / "run", callbacks=[again]).fit()
    assert again.heard == [("start", 3, 0), ("stop", 3, 0)]


def test_callbacks_hear_of_the_end_also_when_it_is_an_error(tmp_path: Path, tiny: ModuleType) -> None:
    ears = Listening()
    with pytest.raises(KeyError):
        tiny.start(tmp_path / "run", callbacks=[At(1, 2, give_up), ears]).fit()
    assert ears.heard == [("start", 1, 0), ("batch", 1, 1), ("stop", 1, 2)]
    assert open_run(tmp_path / "run").record.status == "running"


class Ending(Callback):
    """Keeps the status that it finds in run.json when it hears of the end."""

    def on_stop(self, trainer: Trainer) -> None:
        self.status = trainer.run.record.status
        assert trainer.record.status == self.status


@pytest.mark.parametrize(
    ("act", "status"),
    [
        (lambda trainer: trainer.stop("Enough."), "finished"),
        (lambda trainer: signal.raise_signal(signal.SIGTERM), "interrupted"),
        (lambda trainer: trainer.network[-1].weight.data.fill_(math.nan), "diverged"),
        (give_up, "running"),
    ],
)
def test_callbacks_hear_how_the_run_ended(
    act: Callable[[Trainer], None], status: str, tmp_path: Path, tiny: ModuleType
) -> None:
    ending = Ending()
    with contextlib.suppress(Interrupted, DivergedError, KeyError):
        tiny.start(tmp_path / "run", callbacks=[At(1, 2, act), ending]).fit()
    assert ending.status == status


def test_a_callback_can_end_the_run_after_an_epoch(tmp_path: Path, tiny: ModuleType) -> None:
    tiny.start(tmp_path / "run", callbacks=[At(1, 2, lambda trainer: trainer.stop("Enough."))]).fit()
    found = tiny.outcome(tmp_path / "run")
    assert (found["status"], found["reason"]) == ("finished", "Enough.")
    assert [row["epoch"] for row in found["history"]] == [1]
    assert found["final weights"] == found["weights"]


def test_early_stopping_holds_when_the_run_goes_on_right_after_it(tmp_path: Path, tiny: ModuleType) -> None:
    options = {"epochs": 9, "learning_rate": 1e-12, "patience": 2}
    tiny.start(tmp_path / "run", **options).fit()
    before = tiny.outcome(tmp_path / "run")
    assert [row["epoch"] for row in before["history"]] in ([1, 2, 3], [1, 2, 3, 4])
    assert before["reason"].startswith("Validation has not improved for 2 epochs; the best was epoch ")
    tiny.resume(tmp_path / "run").fit()
    assert tiny.outcome(tmp_path / "run") == before


def test_the_history_tells_what_the_saved_classifier_does_on_validation_pictures(
    tmp_path: Path, tiny: ModuleType
) -> None:
    tiny.start(tmp_path / "run", epochs=4).fit()
    run, valid = open_run(tmp_path / "run"), tiny.dataset().valid
    best, classifier = best_epoch(run.history), run.classifier()
    logits = classifier.logits(valid.images).astype(np.float64) * classifier.description.temperature
    shifted = logits - logits.max(axis=1, keepdims=True)
    loss = (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(15), valid.labels]).mean()
    assert classifier.description.provenance["epoch"] == str(best.epoch)
    assert best.valid_loss == pytest.approx(loss, rel=1e-5)
    assert best.valid_accuracy == (logits.argmax(axis=1) == valid.labels).mean()


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_each_epoch_notes_the_learning_rate_of_its_last_batch(
    tmp_path: Path, tiny: ModuleType, schedule: Any
) -> None:
    tiny.start(tmp_path / "run", schedule=schedule, epochs=3).fit()
    rates = [row.learning_rate for row in open_run(tmp_path / "run").history]
    assert rates == [0.01 * factor(schedule, step, 12) for step in (3, 7, 11)]


class Recording(nn.Module):
    """A user's network that remembers the brightness of each picture that it was trained on."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(36, 3)
        self.seen: list[list[float]] = []

    def forward(self, batch: Tensor) -> Tensor:
        if self.training:
            self.seen.append([round(float(x), 4) for x in batch.mean(dim=(1, 2, 3))])
        found: Tensor = self.last(nn.functional.dropout(batch.flatten(1), 0.2, training=self.training))
        return found


def test_each_epoch_takes_every_picture_once_in_its_own_order(tmp_path: Path, tiny: ModuleType) -> None:
    network, recipe = Recording(), tiny.recipe()
    recipe = recipe.model_copy(
        update={"preparation": recipe.preparation.model_copy(update={"augmentation": ()})}
    )
    trainer = starting.start(recipe, tiny.dataset(), tmp_path / "run", network=network)
    trainer.fit()
    assert [len(batch) for batch in network.seen] == [8, 8, 8, 9] * 2
    first, second = ([x for batch in network.seen[start : start + 4] for x in batch] for start in (0, 4))
    learner = trainer.learner
    prepared = learner.preparation.apply(torch.from_numpy(learner.train.images))
    assert (
        sorted(first)
        == sorted(second)
        == pytest.approx(sorted(prepared.mean(dim=(1, 2, 3)).tolist()), abs=1e-4)
    )
    assert first != second


def test_a_users_module_goes_on_from_its_own_first_weights(tmp_path: Path, tiny: ModuleType) -> None:
    first = Recording().state_dict()

    def module(state: dict[str, Tensor]) -> Recording:
        found = Recording()
        found.load_state_dict(state)
        return found

    tiny.start(tmp_path / "whole", network=module(first)).fit()
    with pytest.raises(KeyError):
        tiny.start(tmp_path / "part", network=module(first), callbacks=[At(1, 2, give_up)]).fit()
    tiny.resume(tmp_path / "part", network=Recording()).fit()
    assert tiny.outcome(tmp_path / "part") == tiny.outcome(tmp_path / "whole")
    run = open_run(tmp_path / "part")
    assert run.recipe.model.layers is run.recipe.model.name is None
    assert run.classifier(Recording()).description.module == f"{Recording.__module__}.Recording"


def damage(path: Path) -> None:
    content = bytearray((path / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (path / "weights.safetensors").write_bytes(content)


def test_a_damaged_checkpoint_is_passed_over_with_a_note(
    tmp_path: Path, tiny: ModuleType, whole: dict[str, Any]
) -> None:
    with pytest.raises(KeyError):
        tiny.start(tmp_path / "run", checkpoint_minutes=1e-9, callbacks=[At(2, 3, give_up)]).fit()
    run = open_run(tmp_path / "run")
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["000002-00000001", "000002-00000002"]
    damage(run.checkpoints / "000002-00000002")
    ears = Listening()
    trainer = tiny.resume(tmp_path / "run", callbacks=[ears])
    trainer.fit()
    assert ears.heard[0] == ("start", 2, 1)
    (note,) = trainer.notes
    assert (
        "000002-00000002 is damaged and was skipped (the SHA-256 of its weights.safetensors differs" in note
    )
    assert tiny.outcome(tmp_path / "run")["weights"] == whole["weights"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch": 1000}, "it is at batch 1,000 of epoch 2, with 1 finished epoch"),
        ({"epoch": 9}, "it is at batch 1 of epoch 9, with 1 finished epoch"),
        ({"totals": (1.0, 0.0, 0.0)}, "it is at batch 1 of epoch 2"),
    ],
)
def test_a_checkpoint_at_an_impossible_place_is_refused(
    tmp_path: Path, tiny: ModuleType, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(KeyError):
        tiny.start(tmp_path / "run", checkpoint_minutes=1e-9, callbacks=[At(2, 2, give_up)]).fit()
    run = open_run(tmp_path / "run")
    found, _ = checkpoint.newest(run.checkpoints)
    assert found is not None
    for path in run.checkpoints.iterdir():
        shutil.rmtree(path)
    checkpoint.save(run.checkpoints, replace(found, position=replace(found.position, **change)))
    with pytest.raises(RunError, match=f"checkpoints does not belong to this run: {said}"):
        tiny.resume(tmp_path / "run").fit()


def test_a_checkpoint_of_a_smaller_network_is_refused_before_the_larger_one_is_built(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.start(tmp_path / "run").fit()
    run = open_run(tmp_path / "run")
    found, _ = checkpoint.newest(run.checkpoints)
    assert found is not None
    for path in run.checkpoints.iterdir():
        shutil.rmtree(path)
    few = dict([*found.weights.items()][:1])
    checkpoint.save(run.checkpoints, replace(found, weights=few))
    monkeypatch.setattr(starting, "rebuild_learner", None)
    with pytest.raises(
        RunError,
        match=r"checkpoints contains the weights of another network: it has \d+ values, but the network of the recipe",
    ):
        tiny.resume(tmp_path / "run")


def test_where_every_checkpoint_is_damaged_the_run_is_refused_and_its_classifier_kept(
    tmp_path: Path, tiny: ModuleType
) -> None:
    tiny.start(tmp_path / "run", checkpoint_minutes=1e-9).fit()
    run = open_run(tmp_path / "run")
    for path in run.checkpoints.iterdir():
        damage(path)
    before = run.classifier_path.read_bytes(), run.history
    with pytest.raises(
        RunError,
        match=r"does not contain a complete checkpoint, so the run cannot be resumed from epoch 2; its class",
    ):
        tiny.resume(tmp_path / "run").fit()
    assert (run.classifier_path.read_bytes(), run.history) == before


def test_a_run_without_any_checkpoint_starts_again_in_its_first_epoch(
    tmp_path: Path, tiny: ModuleType, whole: dict[str, Any]
) -> None:
    with pytest.raises(Interrupted):
        tiny.start(tmp_path / "run", callbacks=[At(1, 2, lambda _: signal.raise_signal(signal.SIGINT))]).fit()
    for path in open_run(tmp_path / "run").checkpoints.iterdir():
        damage(path)
    trainer = tiny.resume(tmp_path / "run")
    trainer.fit()
    assert len(trainer.notes) == 1
    found = tiny.outcome(tmp_path / "run")
    assert {**found, "checkpoints": whole["checkpoints"], "notes": whole["notes"]} == whole


def test_notes_from_the_start_are_not_lost(tmp_path: Path, tiny: ModuleType) -> None:
    tiny.start(tmp_path / "run").fit()
    trainer = tiny.resume(tmp_path / "run")
    trainer.notes += ("Something was met.",)
    trainer.fit()
    assert trainer.notes == ("Something was met.",)


def test_a_recipe_that_was_changed_is_refused(tmp_path: Path, tiny: ModuleType) -> None:
    tiny.start(tmp_path / "run", optimizer="sgd").fit()
    recipe = tmp_path / "run" / "recipe.toml"
    text = recipe.read_text()
    for changed in (
        text.replace('"sgd"', '"adam"'),
        text.replace("dense 8", "dense 9"),
        text.partition("[training]")[0],
    ):
        assert changed != text
        recipe.write_text(changed)
        with pytest.raises(RunError, match=r"recipe\.toml (is damaged|was changed)"):
            open_run(tmp_path / "run")
    recipe.write_text(text)
    tiny.resume(tmp_path / "run").fit()


def test_a_loss_that_is_not_a_number_names_its_place_and_the_rate(tmp_path: Path, tiny: ModuleType) -> None:
    options = {"optimizer": "sgd", "schedule": "constant", "learning_rate": 1e30}
    with pytest.raises(DivergedError) as caught:
        tiny.start(tmp_path / "run", layers=["flatten", "dense 8 relu"], **options).fit()
    message = str(caught.value)
    assert "in epoch 1, batch 2 of 4 (step 2), at learning rate 1e+30. Train again" in message
    assert message.startswith(("The loss became nan", "The loss became inf"))
    assert message.endswith("--learning-rate 1e+29")
    record = open_run(tmp_path / "run").record
    assert (record.status, record.reason) == ("diverged", message)


def too_fast(trainer: Trainer) -> None:
    trainer.learner.learning_rate = 1e38


def test_after_divergence_training_can_continue_from_the_last_good_state(
    tmp_path: Path, tiny: ModuleType, whole: dict[str, Any]
) -> None:
    with pytest.raises(
        DivergedError, match=r"in epoch 2, batch . of 4 .*; the last good checkpoint and the best class"
    ):
        tiny.start(tmp_path / "run", callbacks=[At(2, 1, too_fast)]).fit()
    run = open_run(tmp_path / "run")
    newest, notes = checkpoint.newest(run.checkpoints)
    assert newest is not None
    assert (newest.position.epoch, newest.position.batch, notes) == (2, 0, ())
    assert len(run.history) == 1
    assert np.isfinite(run.classifier().logits(tiny.dataset().valid.images)).all()
    tiny.resume(tmp_path / "run").fit()
    assert tiny.outcome(tmp_path / "run") == whole


def spoil(trainer: Trainer) -> None:
    with torch.no_grad():
        next(trainer.network.parameters()).fill_(math.nan)


def test_weights_that_are_not_numbers_are_never_saved(tmp_path: Path, tiny: ModuleType) -> None:
    with pytest.raises(DivergedError, match=r"The weights became nan in epoch 1, batch 2 of 4 \(step 2\)"):
        tiny.start(tmp_path / "run", checkpoint_minutes=1e-9, callbacks=[At(1, 2, spoil)]).fit()
    newest, _ = checkpoint.newest(open_run(tmp_path / "run").checkpoints)
    assert newest is not None
    assert newest.position.batch == 1
    with pytest.raises(
        DivergedError, match=r"The validation loss became nan in epoch 1, batch 4 of 4 \(step 4\)"
    ):
        tiny.start(tmp_path / "other", callbacks=[At(1, 4, spoil)]).fit()


def test_weights_that_diverge_after_validation_are_reported_with_their_epoch(
    tmp_path: Path, tiny: ModuleType
) -> None:
    class Spoil(Callback):
        def on_epoch(self, trainer: Trainer, row: Epoch) -> None:
            spoil(trainer)

    with pytest.raises(DivergedError, match=r"The weights became nan in epoch 1, batch 4 of 4 \(step 4\)"):
        tiny.start(tmp_path / "run", callbacks=[Spoil()]).fit()


def test_a_users_module_may_hold_infinite_numbers_that_are_not_trained(
    tmp_path: Path, tiny: ModuleType
) -> None:
    network = Recording()
    network.register_buffer("mask", torch.tensor([-math.inf, 0.0]))
    tiny.start(tmp_path / "run", network=network).fit()
    assert open_run(tmp_path / "run").record.status == "finished"


def test_a_finished_run_says_which_weights_it_ended_with(tmp_path: Path, tiny: ModuleType) -> None:
    trainer = tiny.start(tmp_path / "run")
    assert open_run(tmp_path / "run").record.final_weights_sha256 is None
    trainer.fit()
    record = open_run(tmp_path / "run").record
    assert record.final_weights_sha256 == weights.fingerprint(trainer.network.state_dict())
