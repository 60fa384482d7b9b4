"""The whole way with a network of timm's: train, evaluate, predict, compare, extend, and what is said without timm."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from picturewise.cli.app import run
from picturewise.errors import RunError
from picturewise.extras import install_command
from picturewise.prediction.classifier import load_classifier
from picturewise.runs.run import Run
from picturewise.tasks.extend import extend
from picturewise.tasks.train import train
from picturewise.training.pretrained import read_backbone

FAST = ["preparation.augmentation=[]", "training.batch_size=16", "training.device=cpu"]


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of 16x16 in colour, 16 pictures each."""
    random, folder = np.random.default_rng(0), tmp_path_factory.mktemp("data") / "letters"
    for number, name in enumerate("abc"):
        (folder / name).mkdir(parents=True)
        for place in range(16):
            picture = random.integers(0, 100, (16, 16, 3)) + [0, 70, 140][number]
            Image.fromarray(picture.astype(np.uint8)).save(folder / name / f"{place}.png")
    return folder


@pytest.fixture(scope="module")
def two(letters: Path) -> Path:
    """The first two of the classes."""
    folder = letters.parent / "two"
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for picture in (letters / name).iterdir():
            (folder / name / picture.name).write_bytes(picture.read_bytes())
    return folder


@pytest.fixture(scope="module")
def trained(timm: ModuleType, two: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("runs") / "old"
    return train(two, layers="timm test_resnet", epochs=1, folds=0, out=out, settings=FAST, progress=False)


@pytest.mark.slow
def test_the_commands_go_all_the_way(
    timm: ModuleType,
    letters: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    options = [word for setting in FAST for word in ("--set", setting)]
    lines = "timm test_efficientnet; dense 8 relu"
    assert run(["train", str(letters), "--layers", lines, "--epochs", "1", "--out", "one", *options]) == 0
    said = capsys.readouterr().err
    assert (
        "timm test_efficientnet  256" in " ".join(said.split()).replace("  ", " ")
        or "test_efficientnet" in said
    )
    assert run(["evaluate", "one"]) == 0
    shutil.copytree("one", "two")
    assert run(["compare", "one", "two"]) == 0
    assert "timm test_efficientnet" in (tmp_path / "one" / "report.html").read_text()
    capsys.readouterr()
    assert run(["predict", "one", str(letters / "a" / "0.png"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["predictions"]) == 1
    assert run(["resume", "one"]) == 0


@pytest.mark.slow
def test_classes_and_layers_are_added_and_nothing_that_it_knew_is_lost_at_first(
    trained: Run, letters: Path, tmp_path: Path
) -> None:
    lines = ["dense 96 relu"]  # of as many numbers as test_resnet gives
    found = extend(
        trained, letters, layers=lines, add_classes=True, epochs=0, out=tmp_path / "more", settings=FAST,
        progress=False,
    )  # fmt: skip
    more = found.run.classifier()
    assert more.description.layers == ("timm test_resnet", *lines)
    assert more.classes == ("a", "b", "c")
    assert found.old is not None
    assert found.old.before is not None
    assert found.old.after.value == found.old.before.value
    pictures = np.random.default_rng(1).integers(0, 256, (4, 16, 16, 3), np.uint8)
    np.testing.assert_allclose(more.logits(pictures)[:, :2], trained.classifier().logits(pictures), atol=1e-4)


def test_a_run_on_colours_can_be_begun_with_for_grey_pictures(trained: Run) -> None:
    kernel = trained.classifier().network.state_dict()["0.conv1.0.weight"]
    found = read_backbone(str(trained.path), (16, 16, 1)).for_channels(1)
    assert torch.equal(found.weights["0.conv1.0.weight"], kernel.sum(dim=1, keepdim=True))
    assert len(found.preparation.mean) == 1


def test_without_timm_a_classifier_says_what_it_needs(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(RunError) as caught:
        load_classifier(trained.classifier_path)
    assert str(caught.value).startswith(
        f"The network in {trained.classifier_path} cannot be built: Layer line 1, 'timm test_resnet', cannot be "
        "read: it needs the package timm, and the torchvision release"
    )


def test_without_timm_the_command_says_what_it_needs(
    letters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "timm", None)
    assert run(["train", str(letters), "--layers", "timm resnet18; dense 64 relu"]) == 2
    assert install_command("timm") in capsys.readouterr().err
    assert list(Path("runs").glob("*")) == []


def test_a_file_that_asks_for_a_larger_network_than_it_has_numbers_is_refused_before_it_is_built(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from picturewise.networks import builder
    from picturewise.prediction.classifier import Classifier

    old = trained.classifier()
    description = replace(old.description, layers=("timm vit_tiny_patch16_224",))
    Classifier(old.network, description).save(tmp_path / "large.safetensors")
    monkeypatch.setattr(builder, "assemble", None)  # nothing is built
    with pytest.raises(RunError, match="contains the weights of another network: it has 374,"):
        load_classifier(tmp_path / "large.safetensors")
