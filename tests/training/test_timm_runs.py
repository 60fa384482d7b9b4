"""Runs whose first layer is a timm network: repeated, resumed, started with weights from a file."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import safetensors.torch
import torch

from picturewise.errors import Interrupted, LayerError, RunError, UsageError
from picturewise.networks import weights
from picturewise.runs.run import open_run

LINES = ["timm test_resnet", "dropout 0.25", "dense 8 relu"]


@pytest.fixture(scope="module")
def whole(timm: ModuleType, tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of a run that nothing disturbed, with all that keeps a state."""
    path = tmp_path_factory.mktemp("whole") / "run"
    tiny.start(path, layers=LINES, optimizer="muon", ema=0.9).fit()
    found: dict[str, Any] = tiny.outcome(path)
    return found


@pytest.fixture(scope="module")
def published(timm: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as timm publishes them: its names, in colour, with an output layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        state = timm.create_model("test_resnet").state_dict()
    path = tmp_path_factory.mktemp("published") / "model.safetensors"
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    return path


@pytest.mark.slow
def test_a_run_repeats_bit_for_bit(tiny: ModuleType, whole: dict[str, Any], tmp_path: Path) -> None:
    tiny.start(tmp_path / "run", layers=LINES, optimizer="muon", ema=0.9).fit()
    assert tiny.outcome(tmp_path / "run") == whole


@pytest.mark.parametrize("place", [(1, 2), (2, 3)])
def test_a_resumed_run_ends_bit_for_bit_the_same(
    tiny: ModuleType, whole: dict[str, Any], tmp_path: Path, place: tuple[int, int]
) -> None:
    path = tmp_path / "run"
    trainer = tiny.start(path, layers=LINES, optimizer="muon", ema=0.9, callbacks=[tiny.Stop(*place)])
    with pytest.raises(Interrupted):
        trainer.fit()
    tiny.resume(path).fit()
    assert {**tiny.outcome(path), "checkpoints": whole["checkpoints"]} == whole


def test_the_run_says_which_timm_it_had_and_the_classifier_needs_nothing_else(
    timm: ModuleType, tiny: ModuleType, tmp_path: Path
) -> None:
    tiny.start(tmp_path / "run", layers=LINES, epochs=1).fit()
    run = open_run(tmp_path / "run")
    assert run.record.machine["timm"] == timm.__version__
    classifier = run.classifier()
    assert classifier.description.layers == tuple(LINES)
    pictures = tiny.dataset().valid.images
    state, _ = weights.read(run.classifier_path)
    again = run.classifier()
    assert weights.fingerprint(state) == again.weights_sha256
    assert (classifier.probabilities(pictures) == again.probabilities(pictures)).all()


def test_a_run_without_it_says_nothing_of_timm(tiny: ModuleType, tmp_path: Path) -> None:
    assert "timm" not in tiny.start(tmp_path / "run").record.machine


def begin(tiny: ModuleType, source: str, path: Path, *lines: str, **options: Any) -> Any:
    return tiny.start(path, layers=[f"pretrained {source}", *lines], **options)


def test_a_run_begins_with_the_weights_of_the_file_and_their_scale(
    tiny: ModuleType, published: Path, tmp_path: Path
) -> None:
    trainer = begin(tiny, f"timm test_resnet.r160_in1k from {published}", tmp_path / "run", "dense 8 relu")
    state, _ = weights.read(published)
    own = trainer.network.state_dict()
    assert torch.equal(own["0.layer1.0.conv1.weight"], state["layer1.0.conv1.weight"])
    assert torch.equal(own["0.conv1.0.weight"], state["conv1.0.weight"].sum(dim=1, keepdim=True))  # grey
    recipe = trainer.recipe
    assert recipe.model.layers == ("timm test_resnet.r160_in1k", "dense 8 relu")
    assert recipe.start.source == f"timm test_resnet.r160_in1k from {published}"
    assert (recipe.start.lines, recipe.start.sha256) == (1, weights.fingerprint(state))
    assert (recipe.training.backbone_rate, recipe.training.freeze_statistics) == (0.1, True)
    assert (trainer.learner.preparation.mean, trainer.learner.preparation.std) == (
        (127.5,),
        (127.5,),
    )  # timm says 0.5 of 0..1


@pytest.mark.slow
def test_frozen_it_stays_as_it_is_and_thaws_at_its_epoch(
    tiny: ModuleType, published: Path, tmp_path: Path
) -> None:
    source = f"timm test_resnet from {published}"
    frozen = begin(tiny, source, tmp_path / "frozen", freeze="backbone")
    before = {name: tensor.clone() for name, tensor in frozen.network.state_dict().items()}
    frozen.fit()
    after = frozen.network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"1.weight", "1.bias"}
    assert open_run(tmp_path / "frozen").record.trainable_parameters == sum(
        before[name].numel() for name in ("1.weight", "1.bias")
    )
    thawed = begin(tiny, source, tmp_path / "thawed", freeze="backbone", unfreeze_epoch=2)
    thawed.fit()
    now = thawed.network.state_dict()
    assert not torch.equal(now["0.conv1.0.weight"], before["0.conv1.0.weight"])


@pytest.mark.slow
def test_a_run_needs_the_file_to_start_but_not_to_continue(
    tiny: ModuleType, published: Path, tmp_path: Path
) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(published.read_bytes())
    source = f"timm test_resnet from {file}"
    begin(tiny, source, tmp_path / "whole").fit()
    begin(tiny, source, tmp_path / "killed")  # and nothing more
    tiny.resume(tmp_path / "killed").fit()
    assert tiny.outcome(tmp_path / "killed") == tiny.outcome(tmp_path / "whole")
    with pytest.raises(Interrupted):
        begin(tiny, source, tmp_path / "run", callbacks=[tiny.Stop(1, 1)]).fit()
    begin(tiny, source, tmp_path / "late")
    file.unlink()
    tiny.resume(tmp_path / "run").fit()
    found, expected = tiny.outcome(tmp_path / "run"), tiny.outcome(tmp_path / "whole")
    assert {**found, "checkpoints": expected["checkpoints"]} == expected
    with pytest.raises(Exception, match=r"model\.safetensors cannot be read: No such file"):
        tiny.resume(tmp_path / "late")


def test_a_classifiers_timm_layers_can_be_begun_with(
    timm: ModuleType, tiny: ModuleType, tmp_path: Path
) -> None:
    tiny.start(tmp_path / "old", layers=LINES[:1], epochs=1).fit()
    trainer = begin(tiny, str(tmp_path / "old"), tmp_path / "run", "dense 4 relu")
    old = open_run(tmp_path / "old").classifier().network.state_dict()
    assert trainer.recipe.model.layers == ("timm test_resnet", "dense 4 relu")
    assert torch.equal(trainer.network.state_dict()["0.conv1.0.weight"], old["0.conv1.0.weight"])


def test_without_a_file_it_says_how_to_fetch_one(timm: ModuleType, tiny: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        begin(tiny, "timm resnet18.a1_in1k", tmp_path / "run")
    assert str(caught.value) == (
        "'pretrained timm resnet18.a1_in1k' does not name a file, and nothing is downloaded automatically. Download "
        "the weights (hf download timm/resnet18.a1_in1k model.safetensors), and write "
        "'pretrained timm resnet18.a1_in1k from FILE'."
    )


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("timm resnet81 from x", LayerError, "does not have a network 'resnet81'"),
        ("timm hf-hub:timm/resnet18 from x", LayerError, "not 'hf-hub:timm/resnet18'"),
        ("timm", LayerError, "needs a name"),
        ("timm test_vit from x", LayerError, "its input 6x6x1: .* It was made for 160x160"),
        ("timm test_resnet from FILE/none", Exception, "none cannot be read"),
        (
            "timm test_byobnet from FILE",
            RunError,
            r"does not contain the weights of timm test_byobnet: 'stem\.",
        ),
    ],
)
def test_what_training_cannot_start_with_is_reported(
    tiny: ModuleType, published: Path, tmp_path: Path, source: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        begin(tiny, source.replace("FILE", str(published)), tmp_path / "run")
