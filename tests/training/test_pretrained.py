"""Runs that begin with the weights of another: what is carried over, kept, evaluated first, and gone on with."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from picturewise.data.dataset import Dataset
from picturewise.data.imageset import ImageSet
from picturewise.errors import Interrupted, PicturewiseError, RunError, UsageError
from picturewise.networks.torchvision_weights import published_shapes
from picturewise.recipes.recipe import Recipe, make_recipe, recipe_from_toml
from picturewise.runs.run import open_run
from picturewise.training import start as starting
from picturewise.training.trainer import Trainer


@pytest.fixture(scope="module")
def source(tiny: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("source") / "run"
    tiny.start(path, epochs=3).fit()
    return path


def recipe(
    tiny: ModuleType, source: Path, more: dict[str, Any] | None = None, *lines: str, **training: Any
) -> Recipe:
    own = tiny.recipe(layers=[f"pretrained {source}", *lines], **training)
    return make_recipe(own.model_dump(), {"start": more or {}})


def begun(tiny: ModuleType, source: Path, path: Path, *lines: str, **options: Any) -> Trainer:
    start = options.pop("start", None)
    callbacks = options.pop("callbacks", ())
    trainer: Trainer = starting.start(
        recipe(tiny, source, start, *lines, **options), tiny.dataset(), path, callbacks=callbacks
    )
    return trainer


def test_layers_take_the_weights_and_the_preparation_of_the_run(
    tiny: ModuleType, source: Path, tmp_path: Path
) -> None:
    older = open_run(source).classifier()
    trainer = begun(tiny, source, tmp_path / "run")
    assert trainer.recipe.model.layers == older.description.layers
    state, old = trainer.network.state_dict(), older.network.state_dict()
    assert all(torch.equal(state[name], old[name]) for name in old if not name.startswith("8."))
    assert not torch.equal(state["8.weight"], old["8.weight"])
    start = trainer.recipe.start
    assert (start.lines, start.sha256) == (len(older.description.layers or ()), older.weights_sha256)


def test_a_run_s_layers_learn_at_the_full_rate_on_pictures_normalised_by_their_own_statistics(
    tiny: ModuleType, source: Path, tmp_path: Path
) -> None:
    found = begun(tiny, source, tmp_path / "run").recipe
    assert (found.start.statistics, found.training.backbone_rate) == ("data", 1.0)
    assert found.training.freeze_statistics is False
    kept = begun(tiny, source, tmp_path / "kept", start={"head": "keep"}).recipe
    assert (kept.start.statistics, kept.training.backbone_rate) == ("source", 1.0)
    asked = begun(tiny, source, tmp_path / "asked", start={"statistics": "source"}, backbone_rate=0.1)
    assert asked.learner.preparation == open_run(source).classifier().description.preparation
    assert asked.recipe.training.backbone_rate == 0.1


def test_the_statistics_of_the_data_can_be_asked_for(tiny: ModuleType, source: Path, tmp_path: Path) -> None:
    other = tiny.dataset()
    darker = np.asarray(other.train.images) // 2
    half = type(other.train)(darker, other.train.labels, other.train.classes, "half")
    dataset = type(other)("half", train=half, valid=other.valid)
    means = {}
    for whose in ("source", "data"):
        begun_recipe = recipe(tiny, source, {"statistics": whose})
        means[whose] = starting.start(begun_recipe, dataset, tmp_path / whose).learner.preparation.mean[0]
    assert means["data"] == pytest.approx(darker.mean())
    assert means["source"] == pytest.approx(float(np.asarray(other.train.images).mean()))


def test_some_of_the_lines_can_be_taken(tiny: ModuleType, source: Path, tmp_path: Path) -> None:
    lines = [*tiny.LAYERS[:3], "flatten", "dense 4"]
    wanted = make_recipe(
        tiny.recipe(layers=lines).model_dump(), {"start": {"source": str(source), "lines": 3}}
    )
    trainer = starting.start(wanted, tiny.dataset(), tmp_path / "run")
    old = open_run(source).classifier().network.state_dict()
    assert torch.equal(trainer.network.state_dict()["0.weight"], old["0.weight"])
    assert trainer.recipe.model.layers is not None
    assert len(trainer.recipe.model.layers) == 5


def test_a_recipe_that_was_written_begins_the_same_run_again(
    tiny: ModuleType, source: Path, tmp_path: Path
) -> None:
    begun(tiny, source, tmp_path / "one", freeze="backbone", unfreeze_epoch=2).fit()
    again = make_recipe(recipe_from_toml(tmp_path / "one/recipe.toml"))
    starting.start(again, tiny.dataset(), tmp_path / "two").fit()
    one, two = (open_run(tmp_path / name).record.final_weights_sha256 for name in ("one", "two"))
    assert one == two


def test_frozen_layers_do_not_change_and_are_not_counted_as_learning(
    tiny: ModuleType, source: Path, tmp_path: Path
) -> None:
    trainer = begun(tiny, source, tmp_path / "run", freeze="backbone")
    old = {name: tensor.clone() for name, tensor in trainer.network.state_dict().items()}
    trainer.fit()
    changed = {
        name for name, tensor in trainer.network.state_dict().items() if not torch.equal(tensor, old[name])
    }
    assert changed == {"8.weight", "8.bias"}
    record = open_run(tmp_path / "run").record
    assert record.trainable_parameters == 8 * 3 + 3
    total = sum(tensor.numel() for tensor in old.values() if tensor.is_floating_point())
    assert record.trainable_parameters + record.fixed_parameters == total


@pytest.mark.parametrize("place", [(1, 2), (1, None), (2, 3), (0, None)])
@pytest.mark.parametrize("keep", [False, True])
def test_a_resumed_run_ends_bit_for_bit_the_same_even_if_its_source_is_gone(
    tiny: ModuleType, source: Path, tmp_path: Path, place: tuple[int, int | None], keep: bool
) -> None:
    if place[0] == 0 and not keep:
        pytest.skip("only a kept output layer is evaluated before the first step")
    gone = tmp_path / "source"
    shutil.copytree(source, gone)
    options: dict[str, Any] = {
        "start": {"head": "keep" if keep else "new"}, "freeze": "backbone", "unfreeze_epoch": 2,
        "unfreeze_gradually": True, "backbone_rate": 0.5, "ema": 0.9,
    }  # fmt: skip
    begun(tiny, gone, tmp_path / "whole", **options).fit()
    with pytest.raises(Interrupted):
        begun(tiny, gone, tmp_path / "run", callbacks=[tiny.Stop(*place)], **options).fit()
    shutil.rmtree(gone)
    tiny.resume(tmp_path / "run").fit()
    found, whole = tiny.outcome(tmp_path / "run"), tiny.outcome(tmp_path / "whole")
    assert {**found, "checkpoints": whole["checkpoints"]} == whole


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_with_the_same_weights(
    tiny: ModuleType, source: Path, tmp_path: Path
) -> None:
    begun(tiny, source, tmp_path / "whole").fit()
    begun(tiny, source, tmp_path / "run")  # and nothing more
    tiny.resume(tmp_path / "run").fit()
    assert tiny.outcome(tmp_path / "run") == tiny.outcome(tmp_path / "whole")


def test_what_is_kept_is_evaluated_first_as_epoch_0_and_another_layer_changes_nothing(
    tiny: ModuleType, source: Path, tmp_path: Path
) -> None:
    older = open_run(source)
    best = max(older.history, key=lambda row: (row.valid_accuracy, -row.valid_loss))
    begun(tiny, source, tmp_path / "run", "dense 8 relu", start={"head": "keep"}).fit()
    first, *others = open_run(tmp_path / "run").history
    assert (first.epoch, [row.epoch for row in others]) == (0, [1, 2])
    assert first.valid_accuracy == best.valid_accuracy
    assert first.valid_loss == pytest.approx(best.valid_loss, rel=1e-6)
    kept = open_run(tmp_path / "run").classifier()
    assert int(kept.description.provenance["epoch"]) in {0, 1, 2}


def test_nothing_is_trained_in_0_epochs(tiny: ModuleType, source: Path, tmp_path: Path) -> None:
    begun(tiny, source, tmp_path / "run", start={"head": "keep"}, epochs=0).fit()
    run = open_run(tmp_path / "run")
    assert run.record.status == "finished"
    assert run.classifier().weights_sha256 == open_run(source).classifier().weights_sha256


@pytest.mark.parametrize(
    ("start", "training", "sentence"),
    [
        ({"lines": 99}, {}, r"start.lines is 99, but .* has 7 lines"),
        ({"sha256": "0" * 64}, {}, r"was changed: .* the recipe has 0000000000000000…"),
        ({"head": "new"}, {"epochs": 0}, r"training.epochs is 0, but a network with a new output layer"),
        ({}, {"unfreeze_epoch": 2}, r"training.unfreeze_epoch is 2, but nothing is frozen. Add"),
        (
            {},
            {"freeze": "backbone", "unfreeze_gradually": True},
            r"gradually is set, but training\.unfreeze_epoch is not",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    tiny: ModuleType,
    source: Path,
    tmp_path: Path,
    start: dict[str, Any],
    training: dict[str, Any],
    sentence: str,
) -> None:
    own = tiny.recipe(layers=tiny.LAYERS, **training)
    wanted = make_recipe(own.model_dump(), {"start": {"source": str(source), "lines": 7, **start}})
    with pytest.raises((UsageError, RunError), match=sentence):
        starting.start(wanted, tiny.dataset(), tmp_path / "run")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["dense 4", "pretrained x"], r"must come first, but 'pretrained x' is layer line 2"),
        (["pretrained"], r"'pretrained' needs a source"),
        (["pretrained nothing-here"], r"The weights 'nothing-here' were not found"),
    ],
)
def test_pretrained_lines_that_cannot_be_read_are_refused(
    tiny: ModuleType, tmp_path: Path, lines: list[str], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        starting.start(tiny.recipe(layers=lines), tiny.dataset(), tmp_path / "run")


def test_pictures_of_another_size_are_reported_where_weights_do_not_fit(
    tiny: ModuleType, source: Path, tmp_path: Path
) -> None:
    small = tiny.dataset()
    parts = {
        name: type(part)(
            np.asarray(part.images).repeat(2, axis=1).repeat(2, axis=2), part.labels, part.classes, name
        )
        for name, part in small.splits().items()
    }
    sentence = r"'6.weight' is .* trained on pictures of 6x6, but these are 12x12: .* --size 6x6"
    with pytest.raises(UsageError, match=sentence):
        starting.start(recipe(tiny, source), type(small)("large", **parts), tmp_path / "run")


def test_a_kept_output_layer_for_other_classes_is_refused(
    tiny: ModuleType, source: Path, tmp_path: Path
) -> None:
    other = tiny.dataset()
    parts = {
        name: ImageSet(part.images, part.labels, ("dark", "grey", "light"), name)
        for name, part in other.splits().items()
    }
    wanted = recipe(tiny, source, {"head": "keep"})
    with pytest.raises(
        UsageError,
        match=r"was trained on the class half, which is not in this data set \(dark, grey, light\)",
    ):
        starting.start(wanted, Dataset("other", **parts), tmp_path / "run")


def test_training_cannot_start_with_the_network_of_a_python_class(tiny: ModuleType, tmp_path: Path) -> None:
    own = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3))
    tiny.start(tmp_path / "own", network=own).fit()
    with pytest.raises(
        UsageError, match=r"contains the weights of a Python class, but training can start only from"
    ):
        starting.start(recipe(tiny, tmp_path / "own"), tiny.dataset(), tmp_path / "run")


def test_a_model_named_later_drops_the_weights_that_were_for_another(tiny: ModuleType, source: Path) -> None:
    written = recipe(tiny, source).model_dump()
    assert make_recipe(written, {"start": {"source": "x"}}, {"model": {"name": "mlp"}}).start.source is None
    assert make_recipe(written, {"start": {"source": "x"}}, {"training": {"epochs": 3}}).start.source == "x"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as torchvision publishes them, of random weights for resnet18."""
    random, path = torch.Generator().manual_seed(0), tmp_path_factory.mktemp("published") / "resnet18.pth"
    shapes = {
        name: shape for name, shape in published_shapes("resnet18").items() if "num_batches" not in name
    }
    torch.save({name: torch.rand(shape, generator=random) for name, shape in shapes.items()}, path)
    return path


@pytest.mark.parametrize("channels", [1, 3])
def test_published_weights_begin_a_network_with_the_scale_that_they_learned_with(
    tiny: ModuleType, published: Path, tmp_path: Path, channels: int
) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (6, 32, 32, channels), dtype=np.uint8)
    part = ImageSet(images, np.arange(6) % 2, ("a", "b"), "noise")
    wanted = tiny.recipe(layers=[f"pretrained resnet18 from {published}"], freeze="backbone")
    trainer = starting.start(wanted, Dataset("noise", train=part, valid=part), tmp_path / "run")
    state = torch.load(published, weights_only=True)
    expected = state["conv1.weight"] if channels == 3 else state["conv1.weight"].sum(dim=1, keepdim=True)
    torch.testing.assert_close(trainer.network.state_dict()["0.weight"].contiguous(), expected)
    assert torch.equal(
        trainer.network.state_dict()["5.0.downsample.0.weight"], state["layer2.0.downsample.0.weight"]
    )
    assert trainer.learner.preparation.mean == pytest.approx(
        (123.675, 116.28, 103.53) if channels == 3 else (114.495,)
    )
    assert trainer.recipe.start.source == f"resnet18 from {published}"
    assert trainer.record.trainable_parameters == 512 * 2 + 2


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "resnet34 from {}",
            r"does not contain the weights of resnet34: 'layer1.2.conv1.weight' is missing",
        ),
        (
            "vgg16_bn from {}",
            r"does not contain the weights of vgg16_bn: 'features.0.weight' is missing",
        ),
        (
            "resnet18",
            r"The weights of resnet18 have not been downloaded yet\. Download them .* picturewise data fetch resnet18",
        ),
        ("resnet", r"The weights 'resnet' were not found. .* Did you mean 'resnet"),
    ],
)
def test_weights_that_are_not_those_or_not_here_are_reported(
    tiny: ModuleType, published: Path, tmp_path: Path, source: str, sentence: str
) -> None:
    part = ImageSet(np.zeros((4, 32, 32, 3), np.uint8), np.arange(4) % 2, ("a", "b"), "black")
    wanted = tiny.recipe(layers=[f"pretrained {source.format(published)}"])
    with pytest.raises(PicturewiseError, match=sentence):
        starting.start(wanted, Dataset("black", train=part, valid=part), tmp_path / "run")


def test_pictures_that_are_too_small_for_a_published_network_are_reported(
    tiny: ModuleType, published: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        UsageError, match=r"are 6x6 pixels, but resnet18 .* needs at least 32x32\. .* --size 32x32"
    ):
        tiny.start(tmp_path / "run", layers=[f"pretrained resnet18 from {published}"])
