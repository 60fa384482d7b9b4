"""The NumPy engine in a run: it learns what PyTorch learns, and all around it stays as it is."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from picturewise.errors import DivergedError, Interrupted, LayerError, UsageError
from picturewise.runs.run import open_run
from picturewise.training.engine import NumPyTrainingEngine, TorchTrainingEngine
from picturewise.training.rate_finder import range_test

QUIET = ["conv 4 3x3", "batchnorm", "relu", "maxpool 2", "residual 4", "flatten", "dense 8 relu"]
SGD = {"optimizer": "sgd", "learning_rate": 0.05}


def trained(tiny: ModuleType, path: Path, **options: Any) -> dict[str, np.ndarray]:
    """Return the last weights of a run, and the columns of its history."""
    trainer = tiny.start(path, **options)
    trainer.fit()
    rows = tiny.history(trainer.run)
    columns = {f"history/{name}": np.array([row[name] for row in rows]) for name in rows[0]}
    return columns | {name: tensor.numpy() for name, tensor in trainer.network.state_dict().items()}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"label_smoothing": 0.1, "class_weights": "balanced", "weight_decay": 0.01, "clip_norm": 0.5},
        {"ema": 0.9, "momentum": 0.0, "schedule": "cosine"},
        {"layers": ["conv 6 3x3 whiten", *QUIET[1:]]},
    ],
    ids=str,
)
def test_it_learns_what_the_torch_engine_learns(
    tmp_path: Path, tiny: ModuleType, options: dict[str, Any]
) -> None:
    options = {"layers": QUIET, **SGD, **options}
    expected = trained(tiny, tmp_path / "torch", engine="torch", **options)
    found = trained(tiny, tmp_path / "numpy", engine="numpy", **options)
    assert found.keys() == expected.keys()
    for name, numbers in expected.items():
        np.testing.assert_allclose(found[name], numbers, rtol=1e-3, atol=2e-5, err_msg=name)
    first = open_run(tmp_path / "numpy").classifier()
    second = open_run(tmp_path / "torch").classifier()
    pictures = tiny.pictures(9, 5, "others").images
    np.testing.assert_allclose(
        first.probabilities(pictures), second.probabilities(pictures), rtol=1e-3, atol=1e-5
    )


def test_the_engine_is_the_one_that_the_recipe_names(tmp_path: Path, tiny: ModuleType) -> None:
    assert isinstance(tiny.start(tmp_path / "a").learner.engine, TorchTrainingEngine)
    assert isinstance(tiny.start(tmp_path / "b", engine="numpy").learner.engine, NumPyTrainingEngine)
    run = open_run(tmp_path / "b")
    assert (run.recipe.training.optimizer, run.recipe.training.engine) == ("sgd", "numpy")
    assert run.record.machine["numpy"] == np.__version__
    assert "numpy" not in open_run(tmp_path / "a").record.machine


def test_it_computes_on_the_processor_whatever_else_there_is(
    tiny: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    machine = tiny.learner(engine="numpy", device="auto", precision="auto").machine
    assert (machine.device.type, machine.precision, machine.threads) == ("cpu", "float32", 1)


# The lines of the tiny run have dropout and running means, its augmentation mixup.
@pytest.mark.parametrize(("epoch", "batch"), [(1, 1), (1, None), (2, 3)])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(
    tmp_path: Path, tiny: ModuleType, epoch: int, batch: int | None
) -> None:
    tiny.start(tmp_path / "whole", engine="numpy").fit()
    with pytest.raises(Interrupted):
        tiny.start(tmp_path / "run", engine="numpy", callbacks=[tiny.Stop(epoch, batch)]).fit()
    tiny.resume(tmp_path / "run").fit()
    whole = tiny.outcome(tmp_path / "whole")
    assert {**tiny.outcome(tmp_path / "run"), "checkpoints": whole["checkpoints"]} == whole


def test_equal_runs_have_equal_weights_bit_for_bit_and_dropout_is_at_work(
    tmp_path: Path, tiny: ModuleType
) -> None:
    first, same, other = (
        trained(tiny, tmp_path / name, engine="numpy", layers=["flatten", f"dropout {rate}"])
        for name, rate in (("a", 0.5), ("b", 0.5), ("c", 0.0))
    )
    assert all(np.array_equal(first[name], same[name]) for name in first)
    assert not np.allclose(first["2.weight"], other["2.weight"], atol=1e-3)


def test_a_loss_that_is_not_a_number_ends_the_run_with_a_sentence_and_no_warning(
    tmp_path: Path, tiny: ModuleType
) -> None:
    trainer = tiny.start(tmp_path / "run", engine="numpy", learning_rate=1e30, schedule="constant")
    with pytest.raises(DivergedError, match=r"became .* in epoch 1, batch \d of 4"):
        trainer.fit()
    assert open_run(tmp_path / "run").record.status == "diverged"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"optimizer": "adam"}, "training.optimizer is 'adam', but the NumPy engine supports only 'sgd'"),
        ({"device": "cuda"}, "training.device is 'cuda', but the NumPy engine supports only 'cpu'"),
        ({"precision": "bfloat16"}, "training.precision is 'bfloat16', but the NumPy engine supports only 'float32'"),
        ({"layers": ["conv 4", "groupnorm 2", "flatten"]}, "'groupnorm 2', is not supported by the NumPy"),
    ],
)  # fmt: skip
def test_what_it_lacks_is_refused_before_anything_is_written(
    tmp_path: Path, tiny: ModuleType, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        tiny.start(tmp_path / "run", engine="numpy", **options)
    assert isinstance(caught.value, LayerError) == ("layers" in options)
    assert not (tmp_path / "run").exists()


def test_a_python_class_is_refused(tmp_path: Path, tiny: ModuleType) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    with pytest.raises(UsageError, match="supports only layer lines, but this network is a Python class"):
        tiny.start(tmp_path / "run", engine="numpy", network=module)
    assert not (tmp_path / "run").exists()


def pretrained(tiny: ModuleType, source: Path, path: Path, **options: Any) -> Any:
    """Return the trainer of a run whose first layers begin with those of another, at a tenth of the rate."""
    from picturewise.training import start

    recipe = tiny.recipe(layers=[f"pretrained {source}", "dense 6 relu"], **{**SGD, **options})
    return start.start(recipe, tiny.dataset(), path)


def test_pretrained_layers_learn_at_their_own_rate_as_with_the_torch_engine(
    tmp_path: Path, tiny: ModuleType
) -> None:
    tiny.start(tmp_path / "old", layers=QUIET, **SGD).fit()
    ends = []
    for engine in ("torch", "numpy"):
        trainer = pretrained(tiny, tmp_path / "old", tmp_path / engine, engine=engine)
        before = trainer.network.state_dict()["0.weight"].clone()
        trainer.fit()
        assert not torch.equal(trainer.network.state_dict()["0.weight"], before)
        ends.append(trainer.network.state_dict())
    for name, tensor in ends[0].items():
        np.testing.assert_allclose(ends[1][name].numpy(), tensor.numpy(), rtol=1e-3, atol=1e-5, err_msg=name)


def test_frozen_layers_are_refused(tmp_path: Path, tiny: ModuleType) -> None:
    tiny.start(tmp_path / "old", layers=QUIET, epochs=1).fit()
    with pytest.raises(
        UsageError, match=r"training\.freeze is 'backbone', but the NumPy engine supports only 'none'"
    ):
        pretrained(tiny, tmp_path / "old", tmp_path / "run", engine="numpy", freeze="backbone")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_range_test_can_be_computed_by_it(tiny: ModuleType) -> None:
    found, expected = (
        range_test(tiny.learner(engine=engine, layers=QUIET, optimizer="sgd"))
        for engine in ("numpy", "torch")
    )
    np.testing.assert_allclose(found.losses[:20], expected.losses[:20], rtol=1e-4)
