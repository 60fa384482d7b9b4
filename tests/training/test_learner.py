"""The learner without a folder: what it repeats, what it keeps in its state, and what its batches are."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from picturewise.data.dataset import Dataset
from picturewise.errors import DataError, RunError
from picturewise.networks.weights import fingerprint
from picturewise.training import learner as learning
from picturewise.training.learner import Learner, batch_bounds
from picturewise.training.machine import choose_machine
from picturewise.training.make_learner import make_learner
from picturewise.training.schedules import factor

# Each has something else in its state: running means, momentum, an average.
KINDS: list[dict[str, Any]] = [
    {"optimizer": "adamw"},
    {"optimizer": "muon"},
    {"optimizer": "sgd", "ema": 0.9},
    {"engine": "numpy"},
    {"engine": "numpy", "ema": 0.9},
]


def places(learner: Learner) -> Iterator[tuple[int, int]]:
    return ((epoch, batch) for epoch in (1, 2) for batch in range(learner.batches))


def learn(learner: Learner, first: tuple[int, int] = (1, 0), last: tuple[int, int] = (2, 3)) -> None:
    """Take the steps from one place to another, both of them included."""
    with learner.learning():
        for epoch, batch in places(learner):
            if first <= (epoch, batch) <= last:
                learner.step(learner.begin(epoch), epoch, batch, learner.rate(epoch, batch))


def copied(learner: Learner) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    network, optimizer = ({k: v.clone() for k, v in table.items()} for table in learner.state())
    return network, optimizer


def fingerprints(learner: Learner) -> list[str]:
    return [fingerprint(table) for table in learner.state()]


def test_its_steps_are_those_of_a_run(tiny: ModuleType, whole: dict[str, Any]) -> None:
    learner = tiny.learner()
    learn(learner)
    assert fingerprints(learner) == [whole["final weights"], whole["optimizer"]]
    _, loss, accuracy = learner.evaluate(learner.valid)
    last = whole["history"][-1]
    assert (loss, accuracy) == (last["valid_loss"], last["valid_accuracy"])


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("last", [(1, 0), (1, 3), (2, 1)])
def test_a_learner_with_its_state_ends_with_the_same_bits(
    tiny: ModuleType, options: dict[str, Any], last: tuple[int, int]
) -> None:
    first, second = tiny.learner(**options), tiny.learner(**options)
    learn(first, last=last)
    kept = copied(first)
    learn(first, first=(last[0], last[1] + 1))
    second.load(*kept, "here")
    learn(second, first=(last[0], last[1] + 1))
    assert fingerprints(second) == fingerprints(first)
    assert fingerprint(kept[0]) != fingerprints(first)[0]


def test_a_state_of_another_network_or_optimizer_is_refused(tiny: ModuleType) -> None:
    learner, other = tiny.learner(optimizer="adamw"), tiny.learner(optimizer="sgd")
    with pytest.raises(
        RunError, match=r"^there is incomplete: 'mean/0\.weight' is missing from the state of adamw\."
    ):
        learner.load(*other.state(), "there")
    with pytest.raises(
        RunError, match=r"^there is incomplete: 'average/0\.weight' is missing from the state of sgd\."
    ):
        tiny.learner(optimizer="sgd", ema=0.9).load(*other.state(), "there")
    with pytest.raises(RunError, match="there"):
        learner.load(*tiny.learner(layers=["flatten", "dense 8 relu"]).state(), "there")


@pytest.mark.parametrize("ema", [None, 0.9])
def test_a_state_with_other_shapes_or_with_nan_is_refused(tiny: ModuleType, ema: float | None) -> None:
    learner = tiny.learner(optimizer="adamw", ema=ema)
    weights, optimizer = copied(learner)
    name = next(reversed(optimizer))
    with pytest.raises(
        RunError, match=rf"^there does not belong to this network: '{name}' has shape \(1, 1\) instead of"
    ):
        learner.load(weights, optimizer | {name: torch.zeros(1, 1)}, "there")
    first = next(iter(weights))
    with pytest.raises(
        RunError, match=rf"^there is damaged .*: '{first}' contains values that are not finite"
    ):
        learner.load(weights | {first: weights[first] * torch.nan}, optimizer, "there")


def test_the_random_state_and_the_threads_of_others_stay(tiny: ModuleType) -> None:
    learner = tiny.learner()
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    learn(learner)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    with contextlib.suppress(KeyError), learner.learning():
        torch.manual_seed(1)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
def test_its_rate_follows_the_schedule_over_all_steps_of_the_run(tiny: ModuleType, schedule: Any) -> None:
    learner = tiny.learner(schedule=schedule, epochs=3)
    assert [learner.rate(1, 0), learner.rate(2, 3), learner.rate(3, 2)] == [
        0.01 * factor(schedule, step, 12) for step in (0, 7, 10)
    ]


def test_the_average_follows_each_step_and_is_there_in_the_block_alone(tiny: ModuleType) -> None:
    learner = tiny.learner(ema=0.5)
    learn(learner, last=(1, 1))
    own, state = fingerprints(learner)[0], learner.state()[1]
    average = {key.removeprefix("average/"): value for key, value in state.items() if "average/" in key}
    with learner.averaged():
        assert fingerprints(learner)[0] == fingerprint(average) != own
    assert fingerprints(learner)[0] == own
    plain = tiny.learner()
    learn(plain, last=(1, 1))
    with plain.averaged():
        assert fingerprints(plain)[0] == own


def test_weights_that_are_not_numbers_are_found(tiny: ModuleType) -> None:
    learner = tiny.learner()
    assert learner.finite()
    with torch.no_grad():
        learner.network[-1].bias[0] = math.inf
    assert not learner.finite()


def test_pictures_without_labels_cannot_be_evaluated(tiny: ModuleType) -> None:
    learner = tiny.learner()
    logits, loss, accuracy = learner.evaluate(learner.valid)
    assert logits.shape == (15, 3)
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    chosen = shifted[np.arange(15), learner.valid.labels] - np.log(np.exp(shifted).sum(axis=1))
    assert loss == pytest.approx(-chosen.mean())
    assert accuracy == pytest.approx((logits.argmax(axis=1) == learner.valid.labels).mean())
    with pytest.raises(DataError, match="valid does not have labels"):
        learner.evaluate(replace(learner.valid, labels=None))


def test_pictures_may_be_on_the_device(
    tmp_path: Path, tiny: ModuleType, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(learning, "fits", lambda part, device: asked.append((len(part), device)) or True)
    trainer = tiny.start(tmp_path / "run")
    assert asked == [(33, torch.device("cpu"))]
    trainer.fit()
    assert tiny.outcome(tmp_path / "run") == whole


def test_alternating_flips_show_each_picture_both_ways_in_two_epochs_running(tiny: ModuleType) -> None:
    recipe = tiny.recipe(epochs=4)
    recipe = recipe.model_copy(
        update={"preparation": recipe.preparation.model_copy(update={"augmentation": ("flip alternate",)})}
    )
    learner, _ = make_learner(recipe, tiny.dataset())
    indices = np.arange(len(learner.train))
    seen = [learner.augmented(indices, (epoch, 0))[0].numpy() for epoch in (1, 2, 3, 4)]
    images = learner.train.images
    mirrored = [bool((shown != image).any()) for shown, image in zip(seen[0], images, strict=True)]
    assert 5 < sum(mirrored) < 28
    np.testing.assert_array_equal(seen[1], seen[0][:, :, ::-1])
    np.testing.assert_array_equal(seen[2], seen[0])
    np.testing.assert_array_equal(seen[3], seen[1])


@given(st.integers(1, 3000), st.integers(2, 300))
def test_batches_cover_all_pictures_and_none_has_a_single_one(pictures: int, batch_size: int) -> None:
    bounds = batch_bounds(pictures, batch_size)
    covered = [index for start, stop in bounds for index in range(start, stop)]
    assert covered == list(range(pictures))
    sizes = [stop - start for start, stop in bounds]
    assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
    assert sizes[-1] <= batch_size + 1
    assert min(sizes) > 1 or pictures == 1


def test_classes_without_pictures_do_not_disturb_balanced_weights(tiny: ModuleType) -> None:
    data = tiny.dataset()
    classes = (*tiny.CLASSES, "never")
    data = Dataset(
        "tiny", train=replace(data.train, classes=classes), valid=replace(data.valid, classes=classes)
    )
    learner, _ = make_learner(tiny.recipe(class_weights="balanced", label_smoothing=0.1), data)
    assert learner.loss.class_weights is not None
    assert learner.loss.class_weights.tolist() == [0.75, 0.75, 0.75, 8.25]  # 33 pictures, 4 classes
    with learner.learning():
        order = learner.begin(1)
        seen = [learner.step(order, 1, batch, 0.01) for batch in range(learner.batches)]
    assert torch.isfinite(torch.stack(seen)).all()


def test_balanced_weights_are_turned_against_the_counts(tiny: ModuleType) -> None:
    part = replace(tiny.pictures(8, 0, "x"), labels=np.array([0, 0, 0, 0, 0, 1, 1, 2]))
    machine = choose_machine("cpu", "float32")
    found = learning._class_weights("balanced", part, machine)
    assert found is not None
    assert found.tolist() == pytest.approx([8 / 15, 8 / 6, 8 / 3])
    assert float(found[part.labels].mean()) == pytest.approx(1)
    assert learning._class_weights("none", part, machine) is None
