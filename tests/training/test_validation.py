"""One validation accuracy: what chooses the best epoch, what is reported, and what the saved classifier gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import picturewise
from picturewise.prediction.classifier import load_classifier
from picturewise.runs.history import best_epoch
from picturewise.runs.run import open_run
from picturewise.training.learner import Learner
from picturewise.training.trainer import Callback, Trainer
from picturewise.training.validation import changed_answers

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 256, (240, 8, 8, 3), np.uint8)
LABELS = (PICTURES[:, :4].mean(axis=(1, 2, 3)) > PICTURES[:, 4:].mean(axis=(1, 2, 3))).astype(int)
WAYS: dict[str, dict[str, Any]] = {
    "cnn": {"layers": "conv 8 3x3; batchnorm; relu; maxpool 2; flatten; dropout 0.3"},
    "residual": {"layers": "conv 8; groupnorm 4; relu; residual 8; avgpool global"},
    "average": {"model": "mlp 16", "settings": {"training.ema": 0.9}},
    "views": {"layers": "conv 4; relu; flatten", "settings": {"preparation.views": ["mirror", "shift 1"]}},
    "grey": {"model": "mlp 16", "settings": {"preparation.grey": True}},
    "numpy": {"model": "mlp 16", "settings": {"training.engine": "numpy"}},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_best_epochs_figures_are_those_of_the_saved_classifier(way: str, tmp_path: Path) -> None:
    options = WAYS[way]
    narrow = {} if way == "numpy" else {"training.precision": "bfloat16"}
    settings = {**narrow, **options.get("settings", {})}
    dataset = picturewise.make_dataset((PICTURES, LABELS), valid_fraction=0.1)
    run = picturewise.train(
        dataset, epochs=3, out=tmp_path / "run", progress=False, **{**options, "settings": settings}
    )
    best = best_epoch(run.history)
    assert best.valid_accuracy == picturewise.evaluate(run, split="valid").accuracy.value
    assert dataset.valid is not None
    classifier = load_classifier(run.classifier_path)
    assert classifier.description.number_format == ("float32" if way == "numpy" else "bfloat16")
    logits = classifier.description.temperature * classifier.logits(dataset.valid.images).astype(np.float64)
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(logits)), dataset.valid.labels]
    assert best.valid_loss == pytest.approx(losses.mean(), rel=1e-5)
    assert best.valid_seconds is not None
    assert 0 < best.valid_seconds < best.seconds


@pytest.mark.parametrize(
    ("options", "views"),
    [
        ({"epochs": 4}, [1, 1, 6, 6]),
        ({"epochs": 1}, [6]),
        ({"epochs": 4, "patience": 9}, [6, 6, 6, 6]),
        ({"epochs": 4, "views": []}, [1, 1, 1, 1]),
    ],
)
def test_all_views_are_used_in_the_epochs_of_which_the_best_is_kept(
    options: dict[str, Any], views: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = picturewise.make_dataset((PICTURES, LABELS), valid_fraction=0.2)
    asked = {"views": ["mirror always", "shift 1"], "layers": "conv 4; relu; flatten", **options}
    run = picturewise.train(dataset, out=tmp_path / "run", **asked)
    assert [row.views for row in run.history] == views
    best = best_epoch(run.history)
    assert best.views == max(views)
    assert best.valid_accuracy == picturewise.evaluate(run, split="valid").accuracy.value
    said = "validate  one view of each picture; 6 views in the last 2 epochs"
    assert (said in capsys.readouterr().err) == (len(set(views)) > 1)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_learner_validates_with_the_very_numbers_of_the_file(
    precision: str, tiny: ModuleType, tmp_path: Path
) -> None:
    learner = tiny.start(tmp_path / "run", precision=precision).learner
    with learner.learning():
        order = learner.begin(1)
        learner.step(order, 1, 0, 0.01)
    logits, _, _ = learner.evaluate(learner.valid)
    learner.classifier().save(tmp_path / "one.safetensors")
    assert np.array_equal(load_classifier(tmp_path / "one.safetensors").logits(learner.valid.images), logits)


class Module(nn.Sequential):
    """A Python class, with a layer that computes otherwise while it learns."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))


def sensitive(learner: Learner) -> None:
    """Give the classes almost equal weights, whose differences bfloat16 loses."""
    head = [module for module in learner.network.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        head.weight.copy_(
            1 + 1e-4 * torch.rand(head.weight.shape, generator=torch.Generator().manual_seed(0))
        )
        head.bias.zero_()


def test_training_in_bfloat16_gives_a_classifier_in_bfloat16_unless_answers_change(
    tiny: ModuleType, tmp_path: Path
) -> None:
    learner = tiny.start(tmp_path / "run", precision="bfloat16").learner
    assert learner.number_format == "float32"  # until it was compared
    learner.choose_format()
    assert learner.changed == (0, 15)
    robust = learner.classifier()
    assert robust.description.number_format == "bfloat16"
    assert not np.array_equal(
        robust.logits(learner.valid.images), robust.in_float32().logits(learner.valid.images)
    )
    sensitive(learner)
    learner.choose_format()
    answers, pictures = learner.changed
    assert answers > 0
    assert pictures == 15
    assert learner.classifier().description.number_format == "float32"
    logits, _, _ = learner.evaluate(learner.valid)
    assert np.array_equal(logits, learner.classifier().logits(learner.valid.images))


def test_a_run_whose_answers_bfloat16_changes_is_validated_and_stored_in_float32(
    tiny: ModuleType, tmp_path: Path
) -> None:
    class Spoil(Callback):
        def on_batch(self, trainer: Trainer) -> None:
            sensitive(trainer.learner)

    for place, callbacks in (("robust", []), ("sensitive", [Spoil()])):
        tiny.start(tmp_path / place, precision="bfloat16", callbacks=callbacks).fit()
    robust, changed = (
        load_classifier(tmp_path / place / "classifier.safetensors").description
        for place in ("robust", "sensitive")
    )
    assert (robust.number_format, changed.number_format) == ("bfloat16", "float32")
    assert robust.provenance["changed_in_bfloat16"] == "0 of 15"
    assert int(changed.provenance["changed_in_bfloat16"].split()[0]) > 0


def test_at_most_a_thousand_pictures_are_compared(tiny: ModuleType, tmp_path: Path) -> None:
    learner = tiny.start(tmp_path / "run", precision="bfloat16").learner
    many = tiny.pictures(2500, 3, "many")
    narrow, wide = (learner.classifier(), learner.classifier())
    assert changed_answers(narrow, wide, many) == (0, 1000)


def test_training_in_float32_compares_nothing(tiny: ModuleType, tmp_path: Path) -> None:
    tiny.start(tmp_path / "run", precision="float32").fit()
    found = load_classifier(tmp_path / "run" / "classifier.safetensors").description
    assert found.number_format == "float32"
    assert "changed_in_bfloat16" not in found.provenance
    assert "bfloat16_validation" not in open_run(tmp_path / "run").record.machine


def test_a_python_class_is_validated_in_float32_too(tmp_path: Path) -> None:
    run = picturewise.train(
        (PICTURES, LABELS), network=Module(), epochs=2, folds=0, out=tmp_path / "run", progress=False,
        settings={"training.precision": "bfloat16"},
    )  # fmt: skip
    found = picturewise.evaluate(run, split="valid", network=Module())
    assert best_epoch(run.history).valid_accuracy == found.accuracy.value


def test_validation_leaves_the_network_as_it_was(tiny: ModuleType, tmp_path: Path) -> None:
    learner = tiny.start(tmp_path / "run").learner
    before = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
    learner.evaluate(learner.valid)
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.network.state_dict().items())
    learner.begin(1)
    assert learner.network.training


GROWTH = """
import re
from pathlib import Path
import numpy as np, torch
from torch import nn
from picturewise.prediction.classifier import Classifier
from picturewise.prediction.description import Description
from picturewise.preparing.preparation import Preparation

def megabytes():
    return int(re.search(r"RssAnon:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

network = nn.Sequential(nn.Flatten(), nn.Linear(12288, 16), nn.ReLU(), nn.Linear(16, 10))
lines = ("flatten", "dense 16", "relu") if LINES else None
preparation = Preparation(mean=(100.0,) * 3, std=(50.0,) * 3)
description = Description(
    layers=lines, shape=(64, 64, 3), resize="crop", classes=tuple("abcdefghij"), preparation=preparation
)
held = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()} if LINES else network
classifier, found = Classifier(held, description), []
for batches in (5, 5, 120):  # where the first leaves the heap depends on what lay there before
    images = np.broadcast_to(np.zeros((64, 64, 3), np.uint8), (256 * batches, 64, 64, 3))
    logits = classifier.logits(images)
    found.append(megabytes())
assert logits.shape == (256 * 120, 10) and np.allclose(logits, logits[0])
print(*found[1:])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is asked of Linux")
@pytest.mark.parametrize("lines", [True, False])
def test_memory_does_not_grow_with_the_number_of_batches(lines: bool) -> None:
    code = GROWTH.replace("LINES", str(lines))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    few, many = map(float, done.stdout.split())
    assert many < few + 50  # a batch takes 12 MB; one or two more than before are the heap's whim
