from __future__ import annotations

from pathlib import Path
from types import ModuleType

import torch

from picturewise.training.opening import opening


def test_it_shows_the_network_the_options_what_was_derived_and_the_notes(
    tmp_path: Path, tiny: ModuleType
) -> None:
    trainer = tiny.start(tmp_path / "run", weight_decay=None, class_weights="balanced")
    lines = opening(trainer).splitlines()
    assert str(trainer.run.summary()).splitlines() == lines[: lines.index("")]
    facts = dict(line.split(maxsplit=1) for line in lines[lines.index("") + 1 :])
    assert facts["data"] == "tiny: train 33, valid 15; 6x6x1, 3 classes"
    whole = " ".join(opening(trainer).split())
    assert (
        "training 2 epochs of 4 batches of 8; adamw, learning rate 0.01 (one-cycle); seed 7 augment" in whole
    )
    assert facts["augment"] == "; ".join(trainer.recipe.preparation.augmentation)
    assert {"weight decay", "optimizer"} <= set(facts["derived"].split(", "))
    assert "epochs" not in facts["derived"]
    assert facts["machine"].endswith("cpu, float32")
    assert facts["run"] == str(tmp_path / "run")
    assert all(f"note      {note}" in lines for note in trainer.run.notes)


def test_a_python_class_has_no_table(tmp_path: Path, tiny: ModuleType) -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(3))
    network(torch.zeros(1, 1, 6, 6))
    text = opening(tiny.start(tmp_path / "run", network=network))
    assert text.startswith("data      tiny")
